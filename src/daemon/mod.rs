//! The rooms wired into tasks: start, poll, drain, stop.
