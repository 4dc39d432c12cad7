//! One product on one line: `2x Name - 26.94 USD (M)`, `Name x3`, `- [Name](link) - M`, `Name | Qty: 2 | Size: M`.

use super::labels::{self, Column};
use super::markup::Plain;
use super::money::{self, CurrencyHint, ParsedAmount};
use super::values::{self, MAX_QUANTITY};

/// The bullets with which a line of a list begins.
const BULLETS: [char; 6] = ['-', '•', '*', '·', '–', ' '];
/// The separators between the name and the size or the price.
const SEPARATORS: [&str; 5] = [" - ", " – ", " — ", " @ ", " = "];
/// Words of products whose name ends in an amount.
const VALUES: [&str; 2] = ["gift", "voucher"];
/// Maximum quantity between bars. A higher number is a size.
const MAX_BARE_COUNT: u32 = 5;
/// Maximum notes after the name of a product.
const MAX_NOTES: usize = 4;
/// Notes that say that a price is for one unit.
const EACH: [&str; 5] = ["each", "/ea", " ea", "/unit", "per "];
/// Words that are sizes, in lower case.
#[rustfmt::skip]
const SIZES: &[&str] = &[
    "xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "5xl", "os", "o/s", "one size", "onesize", "free size",
    "no size", "default", "default title", "small", "medium", "large", "x-large", "xx-large", "random", "regular",
];
/// Words in front of the number of a size, in lower case.
const SIZE_PREFIXES: [&str; 14] =
    ["us", "uk", "eu", "eur", "w", "m", "y", "mens", "men's", "womens", "women's", "wmns", "size", "sz"];
/// Units behind the number of a size, in lower case.
#[rustfmt::skip]
const SIZE_UNITS: [&str; 16] = ["", "c", "y", "m", "w", "us", "uk", "eu", "cm", "mm", "in", "\"", "oz", "ml", "gb", "tb"];

/// A product of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListedItem<'a> {
    pub(crate) name: &'a str,
    /// The quantity, if the line states one.
    pub(crate) quantity: Option<u32>,
    pub(crate) size: Option<&'a str>,
    pub(crate) sku: Option<&'a str>,
    pub(crate) color: Option<&'a str>,
    /// The price of one unit or of all units. Only the totals of the card can tell which, unless
    /// `is_unit_price` is set.
    pub(crate) price: Option<ParsedAmount>,
    /// Whether the line says that the price is for one unit.
    pub(crate) is_unit_price: bool,
    /// Whether the price stands under a label of its own.
    pub(crate) has_price_label: bool,
    /// The price of all units under a label such as `Total`.
    pub(crate) total: Option<ParsedAmount>,
    pub(crate) link: Option<&'a str>,
    /// Whether the line states a value under a label, or lines below it do.
    pub(crate) has_details: bool,
}

/// Parses a line of a list of products. Without a bullet, the line must state a quantity, or a size or price behind a link.
#[must_use]
pub(crate) fn parse(line: &Plain) -> Option<ListedItem<'_>> {
    let item = parse_any(line);
    let has_note = item.quantity.is_some()
        || (line.link_text.is_some() && (item.size.is_some_and(is_size) || item.price.is_some()));
    (!item.name.is_empty() && (line.text.starts_with(BULLETS) || has_note)).then_some(item)
}

/// Parses a line that is known to be a product.
pub(crate) fn parse_any(line: &Plain) -> ListedItem<'_> {
    let mut item = ListedItem { link: line.link.as_deref(), ..ListedItem::default() };
    let text = without_bullet(&line.text);
    if let Some((before, name, after)) = around_link(text, line.link_text.as_deref()) {
        item.name = name;
        item.quantity = count(before);
        let mut parts = after.split(" | ");
        item.add_notes(parts.next().unwrap_or_default());
        parts.for_each(|part| {
            item.add_part(part);
        });
        return item;
    }
    let (first, parts) = text.split_once(" | ").unwrap_or((text, ""));
    let labelled = first.split_once(" - ").and_then(|(count_part, rest)| Some((count(count_part)?, rest)));
    let counted = labelled.or_else(|| leading_count(first));
    let (quantity, rest) = counted.map_or((None, first), |(count, rest)| (Some(count), rest));
    item.quantity = quantity;
    item.name = rest.trim();
    let (start, mut end) = (first.len().saturating_sub(rest.len()), first.len());
    for part in parts.split(" | ") {
        end += " | ".len() + part.len();
        let is_bare = !item.has_details && item.price.is_none() && item.size.is_none();
        // A part that is no quantity, size or price belongs to the name.
        if !part.trim().is_empty() && !item.add_part(part) && is_bare {
            item.name = text.get(start..end).unwrap_or(rest).trim();
        }
    }
    for _ in 0..MAX_NOTES {
        if !item.take_note() {
            break;
        }
    }
    item
}

/// The rows of a table as lines of a list: a row of labels, such as `Qty  Name  Price`, and rows of values below it. The
/// cells stand between bars, tabs or several spaces.
pub(crate) fn table_rows(lines: &[Plain]) -> Option<Vec<Plain>> {
    let cells = |line: &Plain| -> Vec<String> {
        let text = line.text.trim_matches(['|', ' ']).replace(['|', '\t'], "  ");
        text.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    let (head, rows) = lines.split_first().filter(|(_, rows)| !rows.is_empty())?;
    let head = cells(head);
    let columns: Vec<Column> =
        head.iter().filter_map(|cell| labels::find(cell)).map(|label| label.column).collect();
    let is_name = |column: &Column| matches!(column, Column::Product | Column::Item | Column::CustomerName);
    if columns.len() != head.len() || columns.len() < 2 || !columns.iter().any(is_name) {
        return None;
    }
    let has_text = |line: &&Plain| line.text.contains(char::is_alphanumeric);
    let row = |line: &Plain| {
        let cells = cells(line);
        let (mut name, mut count, mut notes) = (String::new(), String::new(), String::new());
        let mut note = |label: &str, cell: &str| notes.extend([" | ", label, ": ", cell]);
        for (column, cell) in columns.iter().zip(&cells) {
            match column {
                Column::Quantity => count = format!("{}x ", values::quantity(cell)?),
                Column::Price => note("Price", cell),
                Column::Total | Column::Amount => note("Total", cell),
                Column::Extra("size") => note("Size", cell),
                Column::Extra("sku") => note("SKU", cell),
                column if is_name(column) => name.clone_from(cell),
                _ => return None,
            }
        }
        let text = format!("- {count}{name}{notes}");
        (cells.len() == columns.len() && !name.is_empty()).then(|| Plain { text, ..Plain::default() })
    };
    rows.iter().filter(has_text).map(row).collect()
}

/// Whether a line states a quantity in front of the name: `- 2x Name`.
#[must_use]
pub(crate) fn starts_with_count(line: &str) -> bool {
    number_in_brackets(line).is_none() && leading_count(line.trim_start_matches(BULLETS)).is_some()
}

/// The number in front of a name, in brackets: `(2) Kettle`. The lines of a list may also be numbered so.
#[must_use]
pub(crate) fn number_in_brackets(line: &str) -> Option<usize> {
    let (number, _) = line.trim_start_matches(BULLETS).strip_prefix(['(', '['])?.split_once([')', ']'])?;
    number.parse().ok()
}

/// Whether a line of a list names no product: `──────`, `...and 3 more`.
#[must_use]
pub(crate) fn is_no_item(line: &str) -> bool {
    let mut words = line.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut next = || words.find(|word| !word.is_empty());
    let first = next().map(str::to_lowercase);
    let count = if first.as_deref() == Some("and") { next().map(str::to_lowercase) } else { first };
    let Some(count) = count else { return true };
    count.bytes().all(|byte| byte.is_ascii_digit())
        && next().is_some_and(|word| word.eq_ignore_ascii_case("more"))
        && next().is_none_or(|word| word.to_lowercase().starts_with("item"))
}

/// Whether a line begins with a bullet and contains something else.
#[must_use]
pub(crate) fn has_bullet(line: &str) -> bool {
    line.starts_with(['-', '•']) && line.contains(char::is_alphanumeric)
}

/// A line without the bullet or the number of a list: `- Name`, `1. Name`.
pub(crate) fn without_bullet(line: &str) -> &str {
    let line = line.trim_start_matches(BULLETS);
    let numbered = line.split_once([' ']).filter(|(number, _)| {
        let number = number.strip_suffix(['.', ')']).unwrap_or_default();
        (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbered.map_or(line, |(_, rest)| rest.trim_start())
}

/// The text before a link, the text of the link, and the text behind it. `None` if other words stand before it.
fn around_link<'a>(text: &'a str, name: Option<&str>) -> Option<(&'a str, &'a str, &'a str)> {
    let name = name.filter(|name| !name.is_empty())?;
    let at = text.find(name)?;
    let (before, rest) = text.split_at_checked(at)?;
    let (name, after) = rest.split_at_checked(name.len())?;
    let before = before.trim();
    (before.is_empty() || count(before).is_some()).then_some((before, name, after))
}

impl<'a> ListedItem<'a> {
    /// Uses a line below the product's name, such as `Qty: 2`, `Size: M | Color: Red` or `$26.94`. Returns
    /// false, and uses nothing, if the line contains anything else.
    pub(crate) fn add_details(&mut self, line: &'a str) -> bool {
        let line = without_bullet(line);
        let separated = [", ", " | ", " • ", " · ", " - "].into_iter().find_map(|separator| {
            let mut item = *self;
            line.split(separator).all(|part| item.add_part(part)).then_some(item)
        });
        let Some(item) = separated else { return false };
        *self = item;
        self.has_details = true;
        true
    }

    /// Uses one part of a line: `Qty: 2`, `Size: M`, `$26.94`, `x2` or `M`. Returns whether it is such a part.
    fn add_part(&mut self, part: &'a str) -> bool {
        let part = part.trim();
        let labelled =
            part.split_once([':', '=']).and_then(|(name, value)| Some((labels::find(name)?, value.trim())));
        let Some((label, value)) = labelled else { return self.add_bare_part(part) };
        match label.column {
            Column::Quantity => self.quantity = values::quantity(value),
            Column::Extra("size") => self.size = Some(value),
            Column::Extra("sku") => self.sku = Some(value),
            Column::Extra("color") => self.color = Some(value),
            Column::Price => {
                self.price = money::parse(value);
                self.is_unit_price |= is_each(value);
                self.has_price_label = true;
            }
            Column::Total => self.total = money::parse(value),
            Column::Product | Column::Item | Column::CustomerName if self.name.is_empty() => {
                self.name = value;
            }
            _ => return false,
        }
        self.has_details = true;
        // A label with an unreadable value is not a part about the product.
        match label.column {
            Column::Quantity => self.quantity.is_some(),
            Column::Price => self.price.is_some(),
            Column::Total => self.total.is_some(),
            _ => !value.is_empty(),
        }
    }

    /// Uses a part without a label: `$26.94`, `x2`, `2 x $26.94` or `M`.
    fn add_bare_part(&mut self, part: &'a str) -> bool {
        if let Some((quantity, price)) = leading_count(part)
            && let Some(price) = priced(price)
        {
            (self.quantity, self.price, self.is_unit_price) = (Some(quantity), Some(price), true);
            return true;
        }
        let is_used = self.use_note(part, digits(part).is_some_and(|count| count <= MAX_BARE_COUNT));
        let size = Some(part).filter(|part| !is_used && self.size.is_none() && is_size(part));
        self.size = self.size.or(size);
        is_used || size.is_some()
    }

    /// Uses the notes behind the link that is the product's name: ` - M`, ` - 26.94 USD (M) x2`.
    fn add_notes(&mut self, notes: &'a str) {
        let mut rest = notes;
        while !rest.trim().is_empty() {
            let end = SEPARATORS.iter().filter_map(|separator| {
                let from = rest.get(1..)?.find(separator)? + 1;
                Some((from, rest.get(from..from + separator.len())?))
            });
            let (note, next) = match end.min_by_key(|(at, _)| *at) {
                Some((at, _)) => rest.split_at_checked(at).unwrap_or((rest, "")),
                None => (rest, ""),
            };
            self.is_unit_price |= note.trim_start().starts_with('@');
            let note = note.trim_start_matches([' ', '-', '–', '@', '=']).trim_end();
            self.add_note(note);
            rest = next;
        }
    }

    /// Uses one note behind a link. Anything that is neither a price nor a count is the size.
    fn add_note(&mut self, note: &'a str) {
        if let Some((before, last)) = note.rsplit_once(' ')
            && self.quantity.is_none()
            && let Some(quantity) = count(last.trim_matches(['(', ')']))
        {
            self.quantity = Some(quantity);
            return self.add_note(before.trim());
        }
        let inside = note.strip_prefix('(').and_then(|note| note.strip_suffix(')'));
        let text = inside.unwrap_or(note);
        if !text.is_empty() && !self.use_note(text, inside.is_some()) {
            self.size = self.size.or(Some(text));
        }
    }

    /// Takes a price, a count or a size from the end of the name. Returns whether there was one.
    fn take_note(&mut self) -> bool {
        let name = self.name.trim_end_matches([' ', '-', '–']);
        self.name = name;
        // Labels after bars already state the price, count and size, so the name has none of them.
        let is_settled = self.has_details && self.quantity.is_some();
        if is_settled {
            return false;
        }
        if let Some((before, inside)) = name.strip_suffix(')').and_then(|name| name.rsplit_once('('))
            && self.take(before, inside, self.price.is_none())
        {
            return true;
        }
        let split = SEPARATORS.iter().filter_map(|separator| {
            name.rsplit_once(separator).map(|(before, note)| (*separator, before, note))
        });
        if let Some((separator, before, note)) = split.min_by_key(|(_, _, note)| note.len()) {
            if self.take(before, note, false) {
                self.is_unit_price |= separator == " @ ";
                return true;
            }
            // `Kettle - Qty: 2 - Price: $10.00`
            if note.contains(':') && !before.trim().is_empty() && self.add_part(note) {
                self.name = before.trim();
                return true;
            }
            if self.size.is_none() && self.price.is_none() && is_size(note) && !before.trim().is_empty() {
                (self.name, self.size) = (before.trim(), Some(note.trim()));
                return true;
            }
            return false;
        }
        match name.rsplit_once(' ') {
            Some((before, last)) if self.quantity.is_none() && last.starts_with(['x', 'X', '×']) => {
                self.take(before, last, false)
            }
            // `2x Kettle $10.00`, but not `2x Gift Card $50.00`
            Some((before, last))
                if self.quantity.is_some() && last.contains('.') && priced(last).is_some() =>
            {
                let lower = before.to_lowercase();
                !VALUES.iter().any(|value| lower.contains(value)) && self.take(before, last, false)
            }
            _ => false,
        }
    }

    fn take(&mut self, before: &'a str, note: &'a str, is_plain_count: bool) -> bool {
        let before = before.trim();
        let taken = !before.is_empty() && self.use_note(note, is_plain_count);
        if taken {
            self.name = before;
        }
        taken
    }

    /// Uses a note that is a price, a price with a size, or a count. `is_plain_count` allows a count without a cross.
    fn use_note(&mut self, note: &'a str, is_plain_count: bool) -> bool {
        let plain = || note.trim().parse().ok().filter(|n| is_plain_count && (1..=99).contains(n));
        // `2 x $26.94` is a count and the price of one unit.
        if let (None, None, Some((price, count))) = (self.price, self.quantity, price_and_count(note.trim()))
        {
            (self.price, self.quantity) = (priced(price), digits(count));
            self.is_unit_price = true;
            return true;
        }
        // `26.94 USD (M)`, but not `$49.99 (MSRP $59.99)`.
        let sized = note.strip_suffix(')').and_then(|note| note.split_once('('));
        let sized = sized
            .filter(|(_, size)| !size.contains(['$', '€', '£']))
            .and_then(|(price, size)| Some((priced(price)?, size)));
        if let (None, Some((price, size))) = (self.price, sized) {
            (self.price, self.size) = (Some(price), Some(size));
        } else if let (None, Some(price)) = (self.price, priced(note)) {
            self.price = Some(price);
            self.is_unit_price |= is_each(note);
        } else if let (None, Some(quantity)) = (self.quantity, count(note).or_else(plain)) {
            self.quantity = Some(quantity);
        } else {
            return false;
        }
        true
    }
}

/// Whether a note is a size: `M`, `US 9.5`, `10`, `256GB` or `Black / L`.
fn is_size(note: &str) -> bool {
    let note = note.trim().to_lowercase();
    let words: Vec<&str> = note.split_whitespace().collect();
    let is_number = |word: &str| {
        let word = SIZE_PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix)).unwrap_or(word);
        let unit =
            word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '½'));
        let digits = word.len() - unit.len();
        (1..=5).contains(&digits)
            && word.split(['.', ',', '/']).zip([3, 1, 1]).all(|(part, most)| count_digits(part) <= most)
            && word.starts_with(|c: char| c.is_ascii_digit())
            && SIZE_UNITS.contains(&unit)
    };
    if SIZES.contains(&note.as_str()) {
        return true;
    }
    match words.as_slice() {
        [] => false,
        [only] => is_number(only),
        [.., last] if note.contains(" / ") => {
            is_size(last) || words.first().is_some_and(|first| is_size(first))
        }
        [first @ .., last] => {
            first.len() < 3
                && first.iter().all(|word| SIZE_PREFIXES.contains(word) || is_number(word))
                && (is_number(last) || SIZES.contains(last) || SIZE_UNITS.contains(last))
        }
    }
}

fn count_digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

fn is_each(note: &str) -> bool {
    let note = note.to_ascii_lowercase();
    EACH.iter().any(|each| note.contains(each))
}

/// `2x Name`, `2 x Name`, `x2 Name`, `(2) Name` or `[2x] Name`.
fn leading_count(line: &str) -> Option<(u32, &str)> {
    let is_cross = |c: char| matches!(c, 'x' | 'X' | '×');
    let (first, rest) = line.split_once(' ')?;
    if let Some(inside) = first.strip_prefix(['(', '[']).and_then(|first| first.strip_suffix([')', ']'])) {
        return Some((digits(inside).or_else(|| count(inside))?, rest.trim()));
    }
    if first.starts_with(is_cross) || first.ends_with(is_cross) {
        return Some((count(first)?, rest.trim()));
    }
    let rest = rest.strip_prefix(['x', '×'])?.strip_prefix(' ')?;
    Some((digits(first)?, rest.trim()))
}

/// `x2`, `2x`, `2 x` or `Qty: 2`.
fn count(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_cross = |c: char| matches!(c, 'x' | 'X' | '×');
    if let Some(rest) = text.strip_prefix(is_cross).or_else(|| text.strip_suffix(is_cross)) {
        return digits(rest.trim());
    }
    let (name, value) = text.split_once([':', ' '])?;
    labels::find(name).filter(|label| label.column == Column::Quantity).and_then(|_| digits(value.trim()))
}

fn digits(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| (1..=MAX_QUANTITY).contains(n))
}

/// An amount that names its currency. A bare number may be a size.
fn priced(text: &str) -> Option<ParsedAmount> {
    money::parse(text.trim_matches(['*', '_']))
        .filter(|price| price.currency != CurrencyHint::Absent && price.amount.hundredths() >= 0)
}

/// The name and the count in `Name x3` or `Name (x3)`. A larger count belongs to the name: `Booster Pack x36`.
pub(crate) fn count_in_name(name: &str) -> Option<(&str, u32)> {
    let (before, last) = name.trim().rsplit_once(' ')?;
    let last = last.trim_start_matches('(').trim_end_matches(')');
    let quantity = last.starts_with(['x', 'X', '×']).then(|| count(last))??;
    (2..10).contains(&quantity).then_some((before.trim(), quantity))
}

/// The unit price and the count in `$10.00 x 2` and `2 x $10.00`.
pub(crate) fn price_and_count(text: &str) -> Option<(&str, &str)> {
    if let Some((_, price)) = leading_count(text).filter(|(_, price)| priced(price).is_some()) {
        let count = text.strip_suffix(price)?;
        return Some((price, count.trim_matches(['x', 'X', '×', '(', ')', '[', ']', ' '])));
    }
    let (price, count) = text.split_once(' ')?;
    let inside = count.strip_prefix('(').and_then(|count| count.strip_suffix(')'));
    let count = inside.unwrap_or(count).strip_prefix(['x', 'X', '×'])?.trim_start();
    (priced(price).is_some() && digits(count).is_some()).then_some((price, count))
}
