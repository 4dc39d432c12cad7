//! How far a long command is: a bar that is rewritten on a terminal, a line for each tenth
//! elsewhere.

use std::io::{IsTerminal, Write};

/// Characters of the bar; with the text it stays below the usual 80 columns.
const WIDTH: usize = 20;

/// Shows how far something is.
pub(crate) struct Progress<W> {
    out: W,
    is_terminal: bool,
    /// The length of the line on the terminal, to be overwritten.
    shown: usize,
    /// The tenth that was last told elsewhere.
    tenth: Option<usize>,
}

impl<W: Write + IsTerminal> Progress<W> {
    /// Shows it here.
    pub(crate) fn to(out: W) -> Self {
        let is_terminal = out.is_terminal();
        Self { out, is_terminal, shown: 0, tenth: None }
    }
}

impl<W: Write> Progress<W> {
    /// `done` of `total` is done; `text` says what that is. A closed output is no reason to stop.
    pub(crate) fn show(&mut self, done: u64, total: u64, text: &str) {
        let share = u128::from(done.min(total)) * 100 / u128::from(total.max(1));
        let percent = usize::try_from(share).unwrap_or(100);
        if self.is_terminal {
            let filled = percent * WIDTH / 100;
            let line =
                format!("[{}{}] {percent:3} %  {text}", "#".repeat(filled), ".".repeat(WIDTH - filled));
            // Spaces wipe what is left of a longer line, on every kind of terminal.
            drop(write!(self.out, "\r{line:shown$}", shown = self.shown));
            drop(self.out.flush());
            self.shown = line.chars().count();
        } else if self.tenth.is_none_or(|tenth| percent / 10 > tenth) {
            self.tenth = Some(percent / 10);
            drop(writeln!(self.out, "{percent:3} %  {text}"));
        }
    }

    /// Leaves the bar as it is; what follows begins on a new line.
    pub(crate) fn finish(mut self) {
        if self.shown > 0 {
            drop(writeln!(self.out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    fn shown(is_terminal: bool, steps: &[(u64, &str)]) -> String {
        let mut out = Vec::new();
        let mut progress = Progress { out: &mut out, is_terminal, shown: 0, tenth: None };
        for (done, text) in steps {
            progress.show(*done, 200, text);
        }
        progress.finish();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_has_one_line_that_is_rewritten() {
        assert_eq!(
            shown(true, &[(0, "none, so far"), (100, "some"), (900, "all")]),
            "\r[....................]   0 %  none, so far\r[##########..........]  50 %  some        \
             \r[####################] 100 %  all \n"
        );
    }

    #[test]
    fn a_file_has_a_line_for_each_tenth() {
        assert_eq!(shown(false, &[(0, "a"), (10, "b"), (100, "c"), (101, "d")]), "  0 %  a\n 50 %  c\n");
    }
}
