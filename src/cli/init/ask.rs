//! Questions in the terminal.

use std::fs;
use std::io::{self, Write as _};
use std::str::FromStr;

use chrono_tz::Tz;
use dialoguer::theme::{ColorfulTheme, Theme as _};
use dialoguer::{Confirm, Input, MultiSelect, Password, Select};

use crate::discord::setup::Named;

/// Asks the person at the terminal. Ctrl-C ends the command.
pub(crate) struct Ask(ColorfulTheme);

impl Ask {
    pub(crate) fn new() -> Self {
        Self(ColorfulTheme::default())
    }

    pub(crate) fn confirm(&self, question: &str, default: bool) -> anyhow::Result<bool> {
        Ok(Confirm::with_theme(&self.0).with_prompt(question).default(default).interact()?)
    }

    /// Asks until the answer can be read.
    pub(crate) fn text<T>(
        &self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String> + Copy,
    ) -> anyhow::Result<T> {
        let answer: String = Input::with_theme(&self.0)
            .with_prompt(question)
            .default(default.to_owned())
            .validate_with(|text: &String| read(text.trim()).map(drop))
            .interact_text()?;
        read(answer.trim()).map_err(anyhow::Error::msg)
    }

    /// Asks until the answer can be read or is empty.
    pub(crate) fn optional<T>(
        &self,
        question: &str,
        read: impl Fn(&str) -> Result<T, String> + Copy,
    ) -> anyhow::Result<Option<T>> {
        let read = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(read).transpose();
        let answer: String = Input::with_theme(&self.0)
            .with_prompt(question)
            .allow_empty(true)
            .validate_with(|text: &String| read(text).map(drop))
            .interact_text()?;
        read(&answer).map_err(anyhow::Error::msg)
    }

    /// Asks for a text that is not shown.
    pub(crate) fn secret(&self, question: &str) -> anyhow::Result<String> {
        let password = Password::with_theme(&self.0).with_prompt(question).allow_empty_password(true);
        let answer = password.report(false).interact()?.trim().to_owned();
        let shown = if answer.is_empty() { "none" } else { "********" };
        let mut line = String::new();
        self.0.format_input_prompt_selection(&mut line, question, shown)?;
        writeln!(io::stderr(), "{line}")?;
        Ok(answer)
    }

    pub(crate) fn several(&self, question: &str, list: Vec<Named>) -> anyhow::Result<Vec<Named>> {
        if list.is_empty() {
            return Ok(list);
        }
        let prompt = format!("{question} (space selects, Enter goes on)");
        let chosen = MultiSelect::with_theme(&self.0).with_prompt(prompt).items(names(&list)).interact()?;
        let is_chosen = |at: usize| chosen.contains(&at);
        Ok(list.into_iter().enumerate().filter(|(at, _)| is_chosen(*at)).map(|(_, named)| named).collect())
    }

    pub(crate) fn one_or_none(&self, question: &str, list: Vec<Named>) -> anyhow::Result<Option<Named>> {
        if list.is_empty() {
            return Ok(None);
        }
        let items = std::iter::once("none".to_owned()).chain(names(&list));
        let chosen = Select::with_theme(&self.0).with_prompt(question).items(items).default(0).interact()?;
        Ok(chosen.checked_sub(1).and_then(|at| list.into_iter().nth(at)))
    }
}

fn names(list: &[Named]) -> impl Iterator<Item = String> {
    list.iter().map(|Named { id, name, sign }| format!("{sign}{name} ({id})"))
}

/// The time zone of this computer, or UTC if it is unknown.
pub(crate) fn local_timezone() -> Tz {
    let linked = || {
        let target = fs::read_link("/etc/localtime").ok()?;
        target.to_str()?.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
    };
    let named = std::env::var("TZ").ok().or_else(|| fs::read_to_string("/etc/timezone").ok());
    let read = |name: String| Tz::from_str(name.trim()).ok();
    named.and_then(read).or_else(|| linked().and_then(read)).unwrap_or(Tz::UTC)
}
