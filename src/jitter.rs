//! A random share, so that waits of many do not end together.

/// Anywhere in 0.0..1.0; 0.5 where the system gives no randomness.
pub(crate) fn share() -> f64 {
    getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1u64 << 53) as f64)
}
