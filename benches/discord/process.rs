//! Memory and processor time of a process. Linux only; other systems report none.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

/// Processor time is counted in hundredths of a second.
const TICKS: f64 = 100.0;

/// Resident memory, in MiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Now.
    pub(crate) now: Option<f64>,
    /// The peak since the start.
    pub(crate) peak: Option<f64>,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let mebibytes = |key: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kibibytes / 1024.0)
        };
        Self { now: mebibytes("VmRSS:"), peak: mebibytes("VmHWM:") }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.now, self.peak) {
            (Some(now), Some(peak)) => write!(f, "{now:.0} MiB resident, {peak:.0} MiB at most so far"),
            _ => write!(f, "memory unknown"),
        }
    }
}

/// Seconds of processor time by thread name, without the number at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processor(pub(crate) BTreeMap<String, f64>);

impl Processor {
    pub(crate) fn of(process: u32) -> Self {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            // The name is in brackets and may contain any character; utime and stime are the
            // 14th and 15th field, and what follows the name begins with the third.
            let Some((head, rest)) = stat.rsplit_once(')') else { continue };
            let name = head.split_once('(').map(|(_, name)| name).unwrap_or_default();
            let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
            let times =
                rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
            *threads.entry(name).or_default() += times.sum::<f64>() / TICKS;
        }
        Self(threads)
    }

    /// The processor time used since `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let spent = |(name, time): (&String, &f64)| {
            (name.clone(), time - before.0.get(name).copied().unwrap_or_default())
        };
        Self(self.0.iter().map(spent).collect())
    }

    /// The sum of all threads.
    pub(crate) fn total(&self) -> f64 {
        self.0.values().sum()
    }
}
