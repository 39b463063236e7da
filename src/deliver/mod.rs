//! Alerts to where people are: one worker a sink, retried until delivered or dead.
