//! When each feed is next due: hints, backoff, per-host turns. A plain value; knows no clock.
