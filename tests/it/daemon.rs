//! The built program as a user runs it: poll, match, deliver, stop, start again.
