//! Shows on standard error how far a long command is: a bar on a terminal, one line per tenth elsewhere.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) struct Progress {
    bar: ProgressBar,
    /// The last tenth for which a line was printed.
    tenth: Option<u64>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("[{bar:20}] {percent:>3} %  {msg}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bar: ProgressBar::new(0).with_style(style.progress_chars("##.")), tenth: None }
    }

    /// Shows that `done` of `total` is done, with `text` as explanation.
    pub(crate) fn show(&mut self, done: u64, total: u64, text: &str) {
        if self.bar.is_hidden() {
            if let Some(line) = self.line(done, total, text) {
                // A closed standard error is no reason to stop.
                drop(writeln!(io::stderr(), "{line}"));
            }
        } else {
            self.bar.set_length(total);
            self.bar.set_position(done);
            self.bar.set_message(text.to_owned());
        }
    }

    /// The line to print when another tenth is done.
    fn line(&mut self, done: u64, total: u64, text: &str) -> Option<String> {
        let percent = done.min(total).saturating_mul(100) / total.max(1);
        let is_new = self.tenth.is_none_or(|tenth| percent / 10 > tenth);
        is_new.then(|| {
            self.tenth = Some(percent / 10);
            format!("{percent:3} %  {text}")
        })
    }

    /// Leaves the bar on the screen, if it was shown.
    pub(crate) fn finish(self) {
        if self.bar.length().is_some_and(|total| total > 0) {
            self.bar.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn a_file_has_a_line_for_each_tenth() {
        let mut progress = Progress::new();
        let steps = [(0, "a"), (10, "b"), (100, "c"), (101, "d")];
        let lines: Vec<_> =
            steps.into_iter().filter_map(|(done, text)| progress.line(done, 200, text)).collect();
        assert_eq!(lines, ["  0 %  a", " 50 %  c"]);
    }
}
