//! Prints the medians, their ratios, and which targets are met.

use super::MAIN_CONNECTIONS;
use super::bodies::Form;
use super::child::Subject;

/// One measured case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// (a), (b) and (d): a server under load.
    Served { subject: Subject, form: Form, connections: usize },
    /// (c) on SQLite.
    PlainLoop,
    /// (c) on PostgreSQL.
    PlainLoopPostgres,
}

/// The measurements of one run of a case.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Orders per second.
    pub(crate) rate: f64,
    /// Median latency in microseconds.
    pub(crate) p50: Option<f64>,
    /// 99th percentile of the latency in microseconds.
    pub(crate) p99: Option<f64>,
    /// CPU time per order in microseconds.
    pub(crate) cpu_micros: f64,
    /// Peak resident memory in MiB.
    pub(crate) peak_memory: Option<f64>,
    /// Resident memory before the first order in MiB.
    pub(crate) idle_memory: Option<f64>,
    /// The time of a restart on the run's database, until the first answer, in milliseconds.
    pub(crate) first_answer: Option<f64>,
}

/// All runs of each case, one per round.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<(Case, Vec<Sample>)>);

/// A target for one number of the results.
struct Target {
    what: &'static str,
    found: Option<f64>,
    /// Whether the bound is a minimum, not a maximum.
    at_least: bool,
    bound: f64,
    unit: &'static str,
}

impl Results {
    pub(crate) fn add(&mut self, case: Case, sample: Sample) {
        match self.0.iter_mut().find(|(other, _)| *other == case) {
            Some((_, samples)) => samples.push(sample),
            None => self.0.push((case, vec![sample])),
        }
    }

    fn samples(&self, case: Case) -> &[Sample] {
        self.0.iter().find(|(other, _)| *other == case).map_or(&[], |(_, samples)| samples)
    }

    fn median(&self, case: Case, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples(case).iter().filter_map(of).collect())
    }

    /// The median over all rounds of the ratio between the rates of two cases.
    fn ratio(&self, case: Case, other: Case) -> Option<f64> {
        let pairs = self.samples(case).iter().zip(self.samples(other));
        median(pairs.map(|(sample, other)| sample.rate / other.rate).collect())
    }

    /// The maximum over all runs of (a) on SQLite.
    fn maximum(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let of_roms = |case: &Case| matches!(case, Case::Served { subject: Subject::Roms, .. });
        let samples = self.0.iter().filter(|(case, _)| of_roms(case)).flat_map(|(_, samples)| samples);
        samples.filter_map(of).reduce(f64::max)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The case that most targets are set for.
const fn main_case(subject: Subject, form: Form) -> Case {
    Case::Served { subject, form, connections: MAIN_CONNECTIONS }
}

/// Prints the medians of each case.
pub(crate) fn table(results: &Results) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("Medians; {cores} cores, shared with the load generator.\n");
    println!("| | connections | orders/s | p50 ms | p99 ms | CPU µs/order | peak MiB | relative to (c) |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut cases: Vec<Case> = results.0.iter().map(|(case, _)| *case).collect();
    cases.sort_by_key(|case| name(*case));
    for case in cases {
        let format = |digits: usize, value: Option<f64>| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        let millis = |of: fn(&Sample) -> Option<f64>| {
            format(2, results.median(case, of).map(|micros| micros / 1000.0))
        };
        let connections = match case {
            Case::Served { connections, .. } => connections.to_string(),
            Case::PlainLoop | Case::PlainLoopPostgres => String::new(),
        };
        println!(
            "| {} | {connections} | {} | {} | {} | {} | {} | {} |",
            name(case),
            format(0, results.median(case, |sample| Some(sample.rate))),
            millis(|sample| sample.p50),
            millis(|sample| sample.p99),
            format(0, results.median(case, |sample| Some(sample.cpu_micros))),
            format(0, results.median(case, |sample| sample.peak_memory)),
            format(2, results.ratio(case, plain_loop(case))),
        );
    }
    println!();
}

/// The case (c) on the same engine.
const fn plain_loop(case: Case) -> Case {
    match case {
        Case::PlainLoopPostgres | Case::Served { subject: Subject::Postgres, .. } => Case::PlainLoopPostgres,
        _ => Case::PlainLoop,
    }
}

fn name(case: Case) -> String {
    match case {
        Case::Served { subject: Subject::Postgres, form, .. } => {
            format!("(a) ROMS on PostgreSQL, {}", form.name())
        }
        Case::PlainLoopPostgres => "(c) plain loop on PostgreSQL".to_owned(),
        Case::Served { subject: Subject::Roms, form, .. } => format!("(a) ROMS on SQLite, {}", form.name()),
        Case::Served { subject: Subject::RomsWithToken, form, .. } => {
            format!("(a) ROMS on SQLite with a token, {}", form.name())
        }
        Case::Served { subject: Subject::SingleCommits, .. } => "(b) one message per transaction".to_owned(),
        Case::PlainLoop => "(c) plain loop, batches of 64".to_owned(),
        Case::Served { subject: Subject::AnswerOnly, .. } => "(d) answers only".to_owned(),
    }
}

/// Prints each target and whether it is met.
pub(crate) fn targets(results: &Results) {
    println!("| target | measured | bound | |");
    println!("|---|---|---|---|");
    for Target { what, found, at_least, bound, unit } in all_targets(results) {
        let (sign, met) = if at_least {
            ("≥", found >= Some(bound))
        } else {
            ("≤", found.is_some_and(|found| found <= bound))
        };
        let found = found.map_or("unknown".to_owned(), |found| format!("{found:.2} {unit}"));
        println!("| {what} | {found} | {sign} {bound} {unit} | {} |", if met { "met" } else { "MISSED" });
    }
}

fn all_targets(results: &Results) -> Vec<Target> {
    let (text, embed) = (main_case(Subject::Roms, Form::Text), main_case(Subject::Roms, Form::Embed));
    let with_token = main_case(Subject::RomsWithToken, Form::Text);
    let single = main_case(Subject::SingleCommits, Form::Text);
    let spread = |case| {
        let of = |sample: &Sample| sample.p99.zip(sample.p50).map(|(p99, p50)| p99 / p50);
        results.median(case, of)
    };
    let cpu_micros = |case| results.median(case, |sample| Some(sample.cpu_micros));
    let target = |what, found, at_least, bound, unit| Target { what, found, at_least, bound, unit };
    let mut targets = vec![
        target("(a) text against (b), 64 connections", results.ratio(text, single), true, 10.0, "x"),
        target("(a) text against (c), 64 connections", results.ratio(text, Case::PlainLoop), true, 0.5, "x"),
        target(
            "(a) embed against (c), 64 connections",
            results.ratio(embed, Case::PlainLoop),
            true,
            0.5,
            "x",
        ),
        target(
            "(a) text with a token against without, 64 connections",
            results.ratio(with_token, text),
            true,
            0.97,
            "x",
        ),
        target("CPU time per text card, 64 connections", cpu_micros(text), false, 150.0, "µs"),
        target("CPU time per embed, 64 connections", cpu_micros(embed), false, 150.0, "µs"),
        target("p99 against p50, text, 64 connections", spread(text), false, 5.0, "x"),
        target("p99 against p50, embed, 64 connections", spread(embed), false, 5.0, "x"),
        target(
            "resident memory, any run of (a)",
            results.maximum(|sample| sample.peak_memory),
            false,
            60.0,
            "MiB",
        ),
        target("resident memory, idle", results.maximum(|sample| sample.idle_memory), false, 25.0, "MiB"),
        target(
            "restart on the database of a run",
            results.maximum(|sample| sample.first_answer),
            false,
            100.0,
            "ms",
        ),
    ];
    let postgres = main_case(Subject::Postgres, Form::Text);
    if let Some(ratio) = results.ratio(postgres, Case::PlainLoopPostgres) {
        let what = "(a) text against (c), 64 connections, PostgreSQL";
        targets.push(target(what, Some(ratio), true, 0.4, "x"));
    }
    targets
}
