//! Time, processor time, and tables of them.

use std::time::{Duration, Instant};

/// A line of a table.
pub(crate) struct Row(pub(crate) Vec<String>);

/// Prints a table in Markdown.
pub(crate) fn table(title: &str, columns: &str, rows: &[Row]) {
    println!("| {title} | {columns} |");
    println!("|{}", "---|".repeat(columns.matches('|').count() + 2));
    for row in rows {
        println!("| {} |", row.0.join(" | "));
    }
    println!();
}

/// Milliseconds with as many digits as matter.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.2}") } else { format!("{milliseconds:.0}") }
}

/// Measures a stretch of work.
pub(crate) struct Clock {
    begun: Instant,
    busy: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { begun: Instant::now(), busy: processor_time() }
    }

    /// How the work on so many orders went.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer orders than 2^52")]
    pub(crate) fn row(&self, name: &str, orders: u64, slowest: Duration) -> Row {
        let (took, busy) = (self.begun.elapsed(), processor_time().saturating_sub(self.busy));
        let many = orders.max(1) as f64;
        Row(vec![
            name.to_owned(),
            format!("{:.0}", many / took.as_secs_f64()),
            format!("{:.0}", busy.as_secs_f64() * 1e6 / many),
            milliseconds(slowest),
        ])
    }
}

/// Processor time of this process so far; zero where the system does not tell.
fn processor_time() -> Duration {
    /// The clock that `/proc` counts by on all of Linux.
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold spaces: state, ten more fields, then user and system time.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
    Duration::from_secs_f64(ticks / TICKS_A_SECOND)
}
