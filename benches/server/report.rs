//! Medians, ratios, and which targets they meet.

use super::USUAL;
use super::bodies::Form;
use super::child::Subject;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A server under load.
    Served { subject: Subject, form: Form, connections: usize },
    /// (c)
    Bare,
    /// (c) on PostgreSQL
    BarePostgres,
}

/// What one run of a case gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Orders in a second.
    pub(crate) rate: f64,
    /// Microseconds.
    pub(crate) p50: Option<f64>,
    /// Microseconds.
    pub(crate) p99: Option<f64>,
    /// Microseconds of processor time for an order.
    pub(crate) processor: f64,
    /// The most resident memory, in MiB.
    pub(crate) memory: Option<f64>,
    /// Resident memory before the first order, in MiB.
    pub(crate) idle: Option<f64>,
    /// From a start on the database that the run left to the first answer, in milliseconds.
    pub(crate) first_answer: Option<f64>,
}

/// The runs of each case, one a round.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<(Case, Vec<Sample>)>);

/// A number that is wanted of the results.
struct Target {
    what: &'static str,
    found: Option<f64>,
    /// Whether it is to be at least the bound, else at most.
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

    /// The median of the ratios of two rates, round by round.
    fn ratio(&self, case: Case, other: Case) -> Option<f64> {
        let pairs = self.samples(case).iter().zip(self.samples(other));
        median(pairs.map(|(sample, other)| sample.rate / other.rate).collect())
    }

    /// The most of any run of the binary.
    fn most(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let of_roms = |case: &Case| matches!(case, Case::Served { subject: Subject::Roms, .. });
        let samples = self.0.iter().filter(|(case, _)| of_roms(case)).flat_map(|(_, samples)| samples);
        samples.filter_map(of).reduce(f64::max)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

const fn usual(subject: Subject, form: Form) -> Case {
    Case::Served { subject, form, connections: USUAL }
}

/// The median of each case.
pub(crate) fn table(results: &Results) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("Medians; {cores} cores, which the load shares.\n");
    println!("| | connections | orders/s | p50 ms | p99 ms | CPU µs/order | most MiB | of (c) |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut cases: Vec<Case> = results.0.iter().map(|(case, _)| *case).collect();
    cases.sort_by_key(|case| name(*case));
    for case in cases {
        let told = |digits: usize, value: Option<f64>| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        let millis =
            |of: fn(&Sample) -> Option<f64>| told(2, results.median(case, of).map(|micros| micros / 1000.0));
        let connections = match case {
            Case::Served { connections, .. } => connections.to_string(),
            Case::Bare | Case::BarePostgres => String::new(),
        };
        println!(
            "| {} | {connections} | {} | {} | {} | {} | {} | {} |",
            name(case),
            told(0, results.median(case, |sample| Some(sample.rate))),
            millis(|sample| sample.p50),
            millis(|sample| sample.p99),
            told(0, results.median(case, |sample| Some(sample.processor))),
            told(0, results.median(case, |sample| sample.memory)),
            told(2, results.ratio(case, bound(case))),
        );
    }
    println!();
}

/// The (c) of a case.
const fn bound(case: Case) -> Case {
    match case {
        Case::BarePostgres | Case::Served { subject: Subject::Postgres, .. } => Case::BarePostgres,
        _ => Case::Bare,
    }
}

fn name(case: Case) -> String {
    match case {
        Case::Served { subject: Subject::Postgres, form, .. } => {
            format!("(a) on PostgreSQL, {}", form.name())
        }
        Case::BarePostgres => "(c) bare loop on PostgreSQL".to_owned(),
        Case::Served { subject: Subject::Roms, form, .. } => format!("(a) the server, {}", form.name()),
        Case::Served { subject: Subject::Alone, .. } => "(b) each message alone".to_owned(),
        Case::Bare => "(c) bare loop, batches of 64".to_owned(),
        Case::Served { subject: Subject::AnswerOnly, .. } => "(d) answers only".to_owned(),
    }
}

/// What is wanted, and whether it is so.
pub(crate) fn targets(results: &Results) {
    println!("| target | measured | wanted | |");
    println!("|---|---|---|---|");
    for Target { what, found, at_least, bound, unit } in wanted(results) {
        let (sign, met) = if at_least {
            ("≥", found >= Some(bound))
        } else {
            ("≤", found.is_some_and(|it| it <= bound))
        };
        let found = found.map_or("unknown".to_owned(), |found| format!("{found:.2} {unit}"));
        println!("| {what} | {found} | {sign} {bound} {unit} | {} |", if met { "met" } else { "MISSED" });
    }
}

fn wanted(results: &Results) -> Vec<Target> {
    let (text, embed) = (usual(Subject::Roms, Form::Text), usual(Subject::Roms, Form::Embed));
    let alone = usual(Subject::Alone, Form::Text);
    let spread = |case| {
        let of = |sample: &Sample| sample.p99.zip(sample.p50).map(|(p99, p50)| p99 / p50);
        results.median(case, of)
    };
    let processor = |case| results.median(case, |sample| Some(sample.processor));
    let target = |what, found, at_least, bound, unit| Target { what, found, at_least, bound, unit };
    let mut targets = vec![
        target("(a) text against (b), 64 connections", results.ratio(text, alone), true, 10.0, "x"),
        target("(a) text against (c), 64 connections", results.ratio(text, Case::Bare), true, 0.5, "x"),
        target("(a) embed against (c), 64 connections", results.ratio(embed, Case::Bare), true, 0.5, "x"),
        target("processor time of a text, 64 connections", processor(text), false, 150.0, "µs"),
        target("processor time of an embed, 64 connections", processor(embed), false, 150.0, "µs"),
        target("p99 against p50, text, 64 connections", spread(text), false, 5.0, "x"),
        target("p99 against p50, embed, 64 connections", spread(embed), false, 5.0, "x"),
        target("resident memory, any run of (a)", results.most(|sample| sample.memory), false, 60.0, "MiB"),
        target("resident memory, idle", results.most(|sample| sample.idle), false, 25.0, "MiB"),
        target(
            "start on the last run's database",
            results.most(|sample| sample.first_answer),
            false,
            100.0,
            "ms",
        ),
    ];
    let postgres = usual(Subject::Postgres, Form::Text);
    if let Some(ratio) = results.ratio(postgres, Case::BarePostgres) {
        let what = "(a) text against (c), 64 connections, PostgreSQL";
        targets.push(target(what, Some(ratio), true, 0.4, "x"));
    }
    targets
}
