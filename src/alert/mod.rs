//! Match → alert: its id, its JSON, its text for people.
