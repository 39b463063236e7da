//! Deliveries to a real receiver on loopback.
