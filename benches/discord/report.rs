//! The measurements, and the tables that show them.

use std::time::{Duration, Instant};

use super::process::{Memory, Processor};
use super::roms::Roms;

/// One measurement.
#[derive(Debug)]
pub(crate) struct Phase {
    name: String,
    cards: usize,
    began: Instant,
    took: Duration,
    memory: Memory,
    /// Processor time of ROMS.
    processor: Processor,
    /// Processor time of this process: the double and the senders.
    ours: Processor,
}

impl Phase {
    pub(crate) fn begin(name: &str, cards: usize, roms: &Roms) -> Self {
        Self {
            name: name.to_owned(),
            cards,
            began: Instant::now(),
            took: Duration::ZERO,
            memory: Memory::default(),
            processor: roms.processor(),
            ours: Processor::of(std::process::id()),
        }
    }

    /// Moves the beginning of the measurement to another time.
    pub(crate) fn begin_at(&mut self, at: Instant) {
        self.began = at;
    }

    pub(crate) fn end(self, roms: &Roms) -> Self {
        Self {
            took: self.began.elapsed(),
            memory: roms.memory(),
            processor: roms.processor().since(&self.processor),
            ours: Processor::of(std::process::id()).since(&self.ours),
            ..self
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "there are fewer cards than 2^52")]
    fn rate(&self) -> f64 {
        self.cards as f64 / self.took.as_secs_f64()
    }
}

/// Prints the processor time of each kind of thread.
pub(crate) fn threads(title: &str, phase: &Phase) {
    println!("{title}, {:.2} s:", phase.took.as_secs_f64());
    let ours = phase.ours.0.iter().map(|(name, time)| (format!("double and sender: {name}"), time));
    let rows = phase.processor.0.iter().map(|(name, time)| (name.clone(), time)).chain(ours);
    for (name, time) in rows.filter(|(_, time)| **time >= 0.05) {
        let share = time / phase.took.as_secs_f64() * 100.0;
        println!("  {name:<36} {time:>6.2} s of processor time, {share:>3.0} % of one core");
    }
    println!();
}

/// Prints the table of all measurements.
pub(crate) fn table(phases: &[Phase]) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{cores} cores; processor seconds are those of all threads together\n");
    println!(
        "                             cards  seconds  cards/s   ROMS: CPU s  RSS MiB  peak MiB   double + sender: CPU s"
    );
    for phase in phases {
        let Phase { name, cards, took, memory, processor, ours, .. } = phase;
        println!(
            "{name:<26} {cards:>7}  {:>7.2}  {:>7.0}       {:>7.2}  {:>7}  {:>8}   {:>22.2}",
            took.as_secs_f64(),
            phase.rate(),
            processor.total(),
            mebibytes(memory.now),
            mebibytes(memory.peak),
            ours.total(),
        );
    }
    println!();
    if let [live, http @ .., _] = phases {
        for http in http {
            let share = live.rate() / http.rate() * 100.0;
            println!("live reaches {share:.0} % of what \"{}\" reaches", http.name);
        }
    }
}

fn mebibytes(of: Option<f64>) -> String {
    of.map_or_else(|| "?".to_owned(), |mebibytes| format!("{mebibytes:.0}"))
}
