//! Time that this process spent, so that other load does not count.

use std::{fs, time::Instant};

/// The CPU time that this thread has had, where the system tells; else the time of day.
pub enum CpuTime {
    Thread(f64),
    Clock(Instant),
}

impl CpuTime {
    pub fn now() -> Self {
        Self::of_thread().map_or_else(|| Self::Clock(Instant::now()), Self::Thread)
    }

    pub fn elapsed_micros(&self) -> f64 {
        match self {
            Self::Thread(start) => Self::of_thread().unwrap_or(*start) - start,
            Self::Clock(start) => start.elapsed().as_secs_f64() * 1e6,
        }
    }

    /// Linux counts it in nanoseconds, first of three numbers.
    fn of_thread() -> Option<f64> {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(stat.split_whitespace().next()?.parse::<f64>().ok()? / 1e3)
    }
}
