//! HTTP for people and programs: health and metrics.
