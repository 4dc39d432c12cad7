//! Reads rows of the `orders` table of the old system, the Python program that ROMS replaces.
//!
//! The old system stored amounts as floats, statuses in upper case or not at all, and times without a zone. A message
//! that its parser did not understand replaced the product by "Unknown Product" and the price by 0.00. These values
//! are read as empty.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

use crate::card::parse::typed;
use crate::order::{Fields, MAX_LINE, OrderItem, OrderNumber, Patch, Source, cut, dates};

/// The endpoint of log rows whose payload is a row of the old `orders` table.
pub const ENDPOINT: &str = "legacy:orders";
/// The name that the old system gave a product that it could not find in a message.
const UNKNOWN_PRODUCT: &str = "unknown product";
/// Columns with an amount, and whether 0.00 is the old system's default for them instead of damage.
const AMOUNTS: [(&str, bool); 3] = [("price", false), ("total", false), ("commission", true)];
/// Maximum characters of a text of several lines.
const MAX_LINES: usize = 4000;

/// The columns of an old row that are not NULL, as texts.
pub type LegacyRow = BTreeMap<String, String>;

/// A readable row of the old `orders` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyOrder {
    /// The order's number.
    pub number: OrderNumber,
    /// How its first message arrived.
    pub source: Source,
    /// When the old system created the row. UTC.
    pub created_at: Option<DateTime<Utc>>,
    /// When the old system last changed the row. UTC.
    pub updated_at: Option<DateTime<Utc>>,
    /// The columns with a usable value.
    pub fields: Fields,
    /// Columns whose value is known damage.
    pub damaged: BTreeSet<&'static str>,
    /// Values that cannot be used or trusted, explained for people, each with its column.
    pub doubts: Vec<(&'static str, String)>,
}

impl LegacyOrder {
    /// Reads a row. Times without a zone are in `zone`.
    ///
    /// # Errors
    /// If the row has no usable order number. Says what is wrong with it.
    pub fn read(row: &LegacyRow, zone: Tz) -> Result<Self, String> {
        let text = |name: &str| row.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let number = OrderNumber::parse(text("order_number").unwrap_or_default());
        let time = |name| text(name).and_then(|text| dates::parse(text, zone)).map(|date| date.at);
        let source = text("source").map(|name| Source::from_name(&name.to_lowercase()));
        let mut order = Self {
            number: number.map_err(|error| error.to_string())?,
            source: source.flatten().unwrap_or(Source::ManualUpload),
            created_at: time("created_at"),
            updated_at: time("updated_at"),
            fields: Fields::default(),
            damaged: BTreeSet::new(),
            doubts: Vec::new(),
        };
        if source == Some(None) {
            let source = text("source").unwrap_or_default();
            order
                .doubts
                .push(("source", format!("the source {source} is unknown; it becomes manual_upload")));
        }
        for name in Fields::NAMES {
            match text(name) {
                Some(text) => order.set(name, text, zone),
                None if *name == "status" => order.doubts.push((name, "no status".to_owned())),
                None => {}
            }
        }
        Ok(order)
    }

    fn set(&mut self, name: &'static str, text: &str, zone: Tz) {
        if name == "product" && text.to_lowercase() == UNKNOWN_PRODUCT {
            self.damaged.insert(name);
            self.doubts.push((name, text.to_owned()));
            return;
        }
        // An order without units that have arrived has 0 there.
        if name == "qty_received" && text == "0" {
            return;
        }
        let text = match AMOUNTS.iter().find(|(amount, _)| *amount == name) {
            Some((_, zero_is_default)) => match self.amount(name, text, *zero_is_default) {
                Some(amount) => amount,
                None => return,
            },
            None => printable(name, text),
        };
        if let Err(problem) = typed::set(&mut self.fields, name, &text, zone) {
            self.doubts.push((name, format!("the {name} {text} {problem}")));
        }
    }

    /// The amount of a float column with two decimals; `None` if it is 0 or not a number.
    fn amount(&mut self, name: &'static str, text: &str, zero_is_default: bool) -> Option<String> {
        let Some(float) = text.parse::<f64>().ok().filter(|float| float.is_finite()) else {
            self.doubts.push((name, format!("the {name} {text} is not an amount")));
            return None;
        };
        let rounded = format!("{float:.2}");
        if rounded.trim_start_matches('-') == "0.00" {
            if !zero_is_default {
                self.damaged.insert(name);
                self.doubts.push((name, format!("the {name} is {rounded}")));
            }
            return None;
        }
        // A float differs from the amount that was meant by far less than this.
        if rounded.parse().is_ok_and(|meant: f64| (meant - float).abs() > 0.000_1) {
            self.doubts
                .push((name, format!("the {name} {text} has more than two decimals; read as {rounded}")));
        }
        Some(rounded)
    }

    /// The row as a patch. A quantity of 1 and a total of price times quantity are what the old system filled in by
    /// itself.
    #[must_use]
    pub fn patch(&self, at: DateTime<Utc>, currency: Currency) -> Patch {
        let own_total = self.fields.price.zip(self.fields.quantity.or(Some(1)));
        let own_total = own_total.and_then(|(price, quantity)| price.times(quantity));
        let is_derived = |name: &str| match name {
            "order_date" | "order_time" => true,
            "quantity" => self.fields.quantity == Some(1),
            "total" => self.fields.total == own_total,
            _ => false,
        };
        let (mut stated, mut derived) = (Fields::default(), Fields::default());
        stated.apply(&self.fields, |name, _| !is_derived(name), |_| ());
        derived.apply(&self.fields, |name, _| is_derived(name), |_| ());
        derived.currency = stated.price.or(stated.total).or(derived.total).map(|_| currency);
        let item = OrderItem {
            product: stated.product.clone(),
            quantity: stated.quantity,
            unit_price: stated.price,
            ..OrderItem::default()
        };
        Patch {
            number: self.number.clone(),
            at,
            source: self.source,
            items: item.product.is_some().then_some(item).into_iter().collect(),
            stated,
            derived,
            extra: BTreeMap::new(),
        }
    }
}

/// A text as a column accepts it: without control characters, and not too long.
fn printable(name: &str, text: &str) -> String {
    let has_lines = ["notes", "shipping_address"].contains(&name);
    let text: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| if c.is_control() && !(has_lines && c == '\n') { ' ' } else { c })
        .collect();
    cut(text.trim(), if has_lines { MAX_LINES } else { MAX_LINE })
}
