//! Measures time and processor time, and prints tables.

use std::time::{Duration, Instant};

use crate::process::Processor;

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

/// Milliseconds, with two decimals below 10.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.2}") } else { format!("{milliseconds:.0}") }
}

/// Measures the time and processor time of some work.
pub(crate) struct Clock {
    begun: Instant,
    busy: Processor,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { begun: Instant::now(), busy: Processor::of(std::process::id()) }
    }

    /// The row of a table for work on this many orders.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer orders than 2^52")]
    pub(crate) fn row(&self, name: &str, orders: u64, slowest: Duration) -> Row {
        let busy = Processor::of(std::process::id()).since(&self.busy).total();
        let took = self.begun.elapsed();
        let many = orders.max(1) as f64;
        Row(vec![
            name.to_owned(),
            format!("{:.0}", many / took.as_secs_f64()),
            format!("{:.0}", busy * 1e6 / many),
            milliseconds(slowest),
        ])
    }
}
