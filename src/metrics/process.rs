//! Measures this process, on Linux. Elsewhere these metrics are left out.

use std::fs;

use super::{CPU, FILE_LIMIT, FILES, Metrics, RESIDENT, STARTED, THREADS};

/// Linux counts processor time for programs in these parts of a second on every architecture that Rust supports.
const TICKS_PER_SECOND: u64 = 100;
/// The places, from 0, of values in `/proc/self/stat` after the name of the program.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;

/// Sets the metrics of this process.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
pub(crate) fn measure(metrics: &Metrics) {
    if let Some([user, system, start]) = ticks() {
        metrics.set_total(&CPU, user.saturating_add(system) / TICKS_PER_SECOND);
        if let Some(boot) = value("/proc/stat", "btime") {
            metrics.set(&STARTED, &[], boot as f64 + start as f64 / TICKS_PER_SECOND as f64);
        }
    }
    // In KiB.
    if let Some(resident) = value("/proc/self/status", "VmRSS:") {
        metrics.set(&RESIDENT, &[], resident as f64 * 1024.0);
    }
    if let Some(threads) = value("/proc/self/status", "Threads:") {
        metrics.set(&THREADS, &[], threads as f64);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        metrics.set(&FILES, &[], files.count() as f64);
    }
    if let Some(limit) = value("/proc/self/limits", "Max open files") {
        metrics.set(&FILE_LIMIT, &[], limit as f64);
    }
}

/// User time, system time and start of this process.
fn ticks() -> Option<[u64; 3]> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name is in parentheses and may hold spaces.
    let (_, values) = stat.rsplit_once(')')?;
    let values: Vec<&str> = values.split_whitespace().collect();
    let tick = |place: usize| values.get(place)?.parse().ok();
    Some([tick(USER_TICKS)?, tick(SYSTEM_TICKS)?, tick(START_TICKS)?])
}

/// The first number behind a name that starts a line of a file.
fn value(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
