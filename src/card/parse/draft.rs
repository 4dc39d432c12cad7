//! A card while it is read: what has been taken so far, and how each sort of value is taken.
//!
//! The first value of a column counts; a further one that differs is kept in `extra` under its
//! label.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::entries::Entry;
use super::headline;
use super::items::Items;
use super::labels::Column;
use super::markup;
use super::money;
use super::money::Sign;
use super::values;
use crate::order::dates;
use crate::order::dates::ParsedDate;
use crate::order::{Amount, Extra, Fields};

/// Longest value of one line that is kept, in characters: the widest field of an embed.
pub(crate) const MAX_LINE: usize = 1024;
/// Longest value of several lines that is kept, in characters: the widest description.
const MAX_LINES: usize = 4096;
/// Longest name in `extra`, in characters.
const MAX_NAME: usize = 100;
/// Most labels without a column that are kept of one card.
const MAX_EXTRA: usize = 50;
/// Most warnings of one card.
const MAX_WARNINGS: usize = 50;
/// Longest value that a warning repeats, in characters.
const MAX_QUOTED: usize = 40;

/// A card while it is read.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) number: Option<String>,
    pub(crate) stated: Fields,
    pub(crate) derived: Fields,
    pub(crate) extra: Extra,
    pub(crate) warnings: Vec<String>,
    /// Time of the embed.
    pub(crate) sent: Option<DateTime<Utc>>,
    /// Why the checkout failed, where the card says so.
    pub(crate) failure: Option<String>,
    /// Whether the card gives a reason for a cancellation.
    pub(crate) cancelled: bool,
    /// What the card calls its currency.
    pub(crate) currency: Option<String>,
    /// What its amounts say of it.
    pub(crate) signs: Vec<Sign>,
    items: Items,
}

impl Draft {
    pub(crate) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    /// Whether a price is stated, for the order or for one of its products.
    pub(crate) fn has_price(&self) -> bool {
        self.stated.price.is_some() || self.items.has_price()
    }

    pub(crate) fn warn_unread(&mut self, column: &str, text: &str, wanted: &str) {
        let quoted = cut(text, MAX_QUOTED);
        self.warn(format!("{column}: \"{quoted}\" is not {wanted}; left empty"));
    }

    /// Keeps a label that has no column.
    pub(crate) fn keep(&mut self, name: &str, value: &str) {
        if !markup::is_no_value(value) && self.extra.len() < MAX_EXTRA {
            self.extra.entry(cut(name, MAX_NAME)).or_insert_with(|| cut(value, MAX_LINE));
        }
    }

    pub(crate) fn take_text(
        &mut self,
        column: &str,
        label: &str,
        text: &str,
        slot: fn(&mut Fields) -> &mut Option<String>,
    ) {
        self.take_cut(column, label, text, MAX_LINE, slot);
    }

    fn take_cut(
        &mut self,
        column: &str,
        label: &str,
        text: &str,
        longest: usize,
        slot: fn(&mut Fields) -> &mut Option<String>,
    ) {
        let kept = cut(text, longest);
        if kept != text {
            self.warn(format!("{column}: cut to {longest} characters"));
        }
        match slot(&mut self.stated) {
            Some(first) if *first == kept => {}
            Some(_) => self.keep(label, &kept),
            empty => *empty = Some(kept),
        }
    }

    pub(crate) fn take_lines(
        &mut self,
        column: &str,
        entry: &Entry,
        slot: fn(&mut Fields) -> &mut Option<String>,
    ) {
        let lines: Vec<&str> = entry.lines.iter().map(|line| line.text.as_str()).collect();
        self.take_cut(column, entry.label.name, lines.join("\n").trim(), MAX_LINES, slot);
    }

    pub(crate) fn take_profile(&mut self, label: &str, text: &str) {
        // A bot that writes the profile twice means the e-mail the second time.
        if self.stated.profile.is_some() && values::is_email(text) {
            self.take_email(label, text);
        } else {
            self.take_text("profile", label, text, |fields| &mut fields.profile);
        }
    }

    pub(crate) fn take_email(&mut self, label: &str, text: &str) {
        if !values::is_email(text) {
            self.warn("email: does not look like an address; kept as it is".to_owned());
        }
        self.take_text("email", label, text, |fields| &mut fields.email);
    }

    pub(crate) fn take_number(&mut self, label: &str, text: &str) {
        // Markup may stand behind the sign too.
        let text = match text.strip_prefix('#') {
            Some(behind) => markup::without_wrappers(behind.trim_start_matches(['#', ' '])),
            None => text,
        };
        match &self.number {
            Some(first) if *first == text => {}
            Some(_) => self.keep(label, text),
            None => self.number = Some(text.to_owned()),
        }
    }

    pub(crate) fn take_link(
        &mut self,
        name: &str,
        link: Option<&str>,
        slot: fn(&mut Fields) -> &mut Option<String>,
    ) {
        if let Some(link) = link {
            match slot(&mut self.stated) {
                None if link.chars().count() > MAX_LINE => self.warn(format!("{name}: too long; left empty")),
                empty @ None => *empty = Some(link.to_owned()),
                Some(_) => {}
            }
        }
    }

    pub(crate) fn take_amount(
        &mut self,
        column: &str,
        text: &str,
        signed: bool,
        slot: fn(&mut Fields) -> &mut Option<Amount>,
    ) {
        let read = money::read(text).filter(|read| signed || read.amount.hundredths() >= 0);
        let Some(read) = read else { return self.warn_unread(column, text, "an amount of money") };
        if !self.take_sign(read.sign) {
            return self.warn(format!("{column}: in another currency than the amounts before; left empty"));
        }
        match slot(&mut self.stated) {
            Some(first) if *first == read.amount => {}
            Some(_) => self.keep(column, text),
            empty => *empty = Some(read.amount),
        }
    }

    pub(crate) fn take_count(
        &mut self,
        column: &str,
        text: &str,
        count: Option<u32>,
        slot: fn(&mut Fields) -> &mut Option<u32>,
    ) {
        match (count, slot(&mut self.stated)) {
            (Some(count), empty @ None) => *empty = Some(count),
            (Some(_), Some(_)) => {}
            (None, _) => self.warn_unread(column, text, "a number from 1 to 1,000,000"),
        }
    }

    pub(crate) fn take_date(
        &mut self,
        column: &str,
        text: &str,
        zone: Tz,
        slot: fn(&mut Fields) -> &mut Option<DateTime<Utc>>,
    ) -> Option<ParsedDate> {
        let date = dates::parse(text, zone);
        match (date, slot(&mut self.stated)) {
            (Some(date), empty @ None) => *empty = Some(date.at),
            (Some(_), Some(_)) => return None,
            (None, _) => self.warn_unread(column, text, "a date"),
        }
        date
    }

    pub(crate) fn take_status(&mut self, text: &str) {
        if let Some(status) = values::status(text) {
            self.stated.status = self.stated.status.or(Some(status));
        } else if headline::is_failure(text) {
            self.failure = self.failure.take().or_else(|| Some(text.to_owned()));
        } else {
            self.warn_unread("status", text, "a known status");
            self.keep("status", text);
        }
    }

    pub(crate) fn take_footer(&mut self, text: &str) {
        if let Some((bot, version)) = values::bot(text) {
            self.stated.bot = Some(bot.to_owned());
            if let Some(version) = version {
                self.keep("bot_version", &version);
            }
        }
    }

    /// `Name - $49.99`: one bot puts the total of the line behind the product.
    pub(crate) fn take_item_with_total(&mut self, label: &str, text: &str) {
        let total = text
            .rsplit_once(" - ")
            .filter(|(_, total)| money::read(total).is_some_and(|read| read.sign != Sign::Absent));
        let (product, total) = total.map_or((text, None), |(product, total)| (product, Some(total)));
        self.take_text("product", label, product, |fields| &mut fields.product);
        if let Some(total) = total {
            self.take_amount("total", total, false, |fields| &mut fields.total);
        }
    }

    pub(crate) fn take_item(&mut self, column: Column, item: u8, text: &str) {
        match column {
            Column::Price => match self.items.price(item, text).map(|read| self.take_sign(read.sign)) {
                Some(true) => {}
                _ => self.warn_unread("price", text, "an amount of money"),
            },
            Column::Quantity if !self.items.quantity(item, text) => {
                self.warn_unread("quantity", text, "a number from 1 to 1,000,000");
            }
            Column::Quantity => {}
            _ => self.items.product(item, &cut(text, MAX_LINE)),
        }
    }

    pub(crate) fn take_items(&mut self) {
        self.items.fill(&mut self.stated, &mut self.derived);
    }
}

/// The first so many characters of a text, an ellipsis for the last where something is cut.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    if text.len() <= longest || text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}
