//! A real SQLite file.
