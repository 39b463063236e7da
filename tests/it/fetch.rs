//! Requests against a real server on loopback that records them.
