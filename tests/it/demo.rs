//! The demo, run as the README says.
