//! Decides which field each column of a file holds, and from the fields which kind of file it is.

use std::fmt;
use std::str::FromStr;

use strsim::osa_distance;

use super::statement::{self, Guess};
use super::table::TableRow;
use super::{FileError, Reading};
use crate::card::parse::labels::{self, Column};
use crate::order::Fields;

/// Rows to search for the headings. Statements often begin with a title.
const MAX_PREAMBLE: usize = 20;
/// Maximum headings in a message about unknown columns.
const MAX_SHOWN: usize = 10;
/// Maximum characters of each of them.
const MAX_SHOWN_CHARS: usize = 40;
/// A heading that differs from a column's name by at most this many edits counts as misspelled.
const MAX_TYPOS: usize = 2;
/// Shorter headings never count as misspelled: too many short words resemble each other.
const MIN_MISSPELLED: usize = 6;
/// Maximum characters of a heading; the rest is cut off.
const MAX_HEADING: usize = 200;
/// Maximum characters of a heading that is stored as a label of the order.
const MAX_LABEL: usize = 80;
/// Columns of an exported table that are not imported: ROMS sets them itself or derives them from other
/// columns.
const REPEATED: [&str; 6] = ["order_day", "carrier", "items", "source", "created_at", "updated_at"];

/// The kind of a file, which decides its required columns and what its rows may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Tracking numbers of orders.
    Tracking,
    /// Units that have arrived, by order or by tracking number.
    Received,
    /// Orders that were cancelled.
    Cancellations,
    /// Orders, one in each row.
    Orders,
    /// Orders, as texts of cards.
    Cards,
    /// Charges of a payment card.
    Charges,
    /// The undo of another import, which has no file.
    Undo,
}

impl Kind {
    /// The kinds that a file can have.
    pub const OF_FILES: [Self; 6] =
        [Self::Tracking, Self::Received, Self::Cancellations, Self::Orders, Self::Cards, Self::Charges];

    /// The name in the database, on the command line and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tracking => "tracking",
            Self::Received => "received",
            Self::Cancellations => "cancellations",
            Self::Orders => "orders",
            Self::Cards => "cards",
            Self::Charges => "charges",
            Self::Undo => "undo",
        }
    }

    /// The kind of file with this name.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        Self::OF_FILES.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::of_file(name).or((name == Self::Undo.as_str()).then_some(Self::Undo))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The field that a column of a file holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The order's number.
    OrderNumber,
    /// A column of an order, from [`Fields::NAMES`].
    Order(&'static str),
    /// A value that is kept in `extra` under this label.
    Extra(String),
    /// The text of a charge.
    Details,
    /// The amount of a charge.
    Amount,
    /// The column is not imported.
    Ignored,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrderNumber => f.write_str("order_number"),
            Self::Order(name) => f.write_str(name),
            Self::Extra(label) => write!(f, "extra.{label}"),
            Self::Details => f.write_str("details"),
            Self::Amount => f.write_str("amount"),
            Self::Ignored => f.write_str("ignore"),
        }
    }
}

impl FromStr for Field {
    type Err = String;

    /// Reads a name as [`Field`] displays it, or any label that cards use.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let fixed = [Self::OrderNumber, Self::Details, Self::Amount, Self::Ignored];
        let fixed = fixed.into_iter().find(|field| field.to_string() == text);
        let extra =
            || Some(Self::Extra(text.strip_prefix("extra.").filter(|label| !label.is_empty())?.to_owned()));
        let found = fixed.or_else(|| order_column(text)).or_else(extra);
        found.or_else(|| of_label(text).map(|(_, field)| field)).ok_or_else(|| {
            let names = Fields::NAMES.join(", ");
            format!(
                "there is no field `{text}`; the fields are order_number, {names}, details, amount, extra.LABEL and ignore"
            )
        })
    }
}

/// A column of a file, and its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedColumn {
    /// Its heading, or `Column 3` if the file has no headings.
    pub heading: String,
    /// The field that it holds.
    pub field: Field,
    /// Its first value, as an example.
    pub sample: String,
}

/// A file whose columns are known.
pub(crate) struct MappedTable {
    pub(crate) kind: Kind,
    pub(crate) columns: Vec<MappedColumn>,
    /// The rows below the headings.
    pub(crate) rows: Vec<TableRow>,
}

/// How certain it is that a heading means a field, the most certain first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sureness {
    Person,
    Name,
    Label,
    WeakLabel,
    Misspelled,
}

/// Headings of card statements in several languages, in lower case.
const STATEMENT_LABELS: &[(&str, &[&str])] = &[
    (
        "posted_date",
        &[
            "date",
            "posted date",
            "post date",
            "posting date",
            "transaction date",
            "datum",
            "buchungsdatum",
            "buchungstag",
            "fecha",
            "data",
            "date de transaction",
        ],
    ),
    ("amount", &["amount", "charge amount", "betrag", "montant", "importe", "importo", "bedrag", "debit"]),
    (
        "details",
        &[
            "extended details",
            "details",
            "description",
            "appears on your statement as",
            "erweiterte details",
            "weitere details",
            "beschreibung",
            "verwendungszweck",
            "buchungstext",
            "libellé",
            "descripción",
            "descrizione",
            "omschrijving",
            "memo",
            "payee",
            "merchant",
        ],
    ),
    (
        "reference_number",
        &[
            "reference",
            "reference #",
            "reference number",
            "referenz",
            "référence",
            "referencia",
            "riferimento",
            "transaction id",
        ],
    ),
    ("currency", &["currency", "währung", "devise", "moneda", "valuta"]),
    ("order_number", &["order number", "order_number", "order #"]),
];

/// Headings of other files that are not in the label table of cards. In lower case.
const FILE_LABELS: &[(&str, &[&str])] = &[
    ("order_time", &["time"]),
    ("tracking_number", &["tracking_id", "trackings", "tracking numbers", "tracking no", "tracking no."]),
    ("qty_received", &["scanned", "qty scanned", "received quantity"]),
    ("currency", &["currency code"]),
];

/// Finds the row with the headings, and maps the columns below it.
pub(crate) fn map(mut rows: Vec<TableRow>, reading: &Reading) -> Result<MappedTable, FileError> {
    let found = rows.iter().take(MAX_PREAMBLE).enumerate().find_map(|(at, row)| {
        let headings = headings_of(row);
        let (kind, fields) = recognize(&headings, reading)?;
        Some((at, kind, headings, fields))
    });
    let (kind, headings, fields) = if let Some((at, kind, headings, fields)) = found {
        drop(rows.drain(..=at));
        (kind, headings, fields)
    } else {
        match statement::map_by_content(&rows, reading) {
            Guess::Fields(fields) => (Kind::Charges, numbered(fields.len()), fields),
            Guess::Unusable(fields, error) => {
                check_names(&numbered(fields.len()), reading)?;
                return Err(error);
            }
            Guess::None => return Err(why_unknown(&rows, reading)),
        }
    };
    check_names(&headings, reading)?;
    let sample = |at: usize| rows.iter().filter_map(|row| row.cells.get(at)).find(|cell| !cell.is_empty());
    let columns = headings.into_iter().zip(fields).enumerate();
    let columns = columns.map(|(at, (heading, field))| MappedColumn {
        heading,
        field,
        sample: sample(at).cloned().unwrap_or_default(),
    });
    Ok(MappedTable { kind, columns: columns.collect(), rows })
}

/// The headings of a file that has none.
fn numbered(columns: usize) -> Vec<String> {
    (0..columns).map(statement::heading).collect()
}

fn is_same(heading: &str, name: &str) -> bool {
    heading.trim().to_lowercase() == name.trim().to_lowercase()
}

/// The kind and the columns of a table that cannot be read as it is, with the fields of those columns that are known.
pub(crate) fn guess_columns(rows: &[TableRow], reading: &Reading) -> (Kind, Vec<MappedColumn>) {
    let (kind, headings, fields, first) = match statement::map_by_content(rows, reading) {
        Guess::Fields(fields) | Guess::Unusable(fields, _) => {
            (Kind::Charges, numbered(fields.len()), fields, 0)
        }
        Guess::None => {
            let headings = rows.first().map(headings_of).unwrap_or_default();
            let kind = reading.kind.unwrap_or(Kind::Orders);
            let fields = map_as(kind, &headings, reading);
            (kind, headings, fields, 1)
        }
    };
    let sample = |at: usize| rows.get(first).and_then(|row| row.cells.get(at)).cloned().unwrap_or_default();
    let columns = headings.into_iter().zip(fields).enumerate();
    let column = |(at, (heading, field))| MappedColumn { heading, field, sample: sample(at) };
    (kind, columns.map(column).collect())
}

/// The cells of a row as headings.
fn headings_of(row: &TableRow) -> Vec<String> {
    row.cells.iter().map(|cell| cell.chars().take(MAX_HEADING).collect()).collect()
}

/// Refuses columns that a person named but the file does not have.
fn check_names(headings: &[String], reading: &Reading) -> Result<(), FileError> {
    let is_missing = |name: &str| !headings.iter().any(|heading| is_same(heading, name));
    match reading.mapping.iter().find(|(name, _)| is_missing(name)) {
        Some((name, _)) => Err(FileError::NoSuchColumn { name: name.clone(), columns: in_short(headings) }),
        None => Ok(()),
    }
}

fn why_unknown(rows: &[TableRow], reading: &Reading) -> FileError {
    let headings = rows.first().map(headings_of).unwrap_or_default();
    if let Err(error) = check_names(&headings, reading) {
        return error;
    }
    let Some(kind) = reading.kind else {
        return FileError::Unknown(in_short(&headings));
    };
    let fields = map_as(kind, &headings, reading);
    let missing = required(kind).into_iter().find(|needed| !fields.contains(needed));
    let field = missing.unwrap_or(Field::OrderNumber).to_string();
    FileError::MissingColumn { kind, field, columns: in_short(&headings) }
}

/// The first headings of a file, each on one line and without control characters, for a message.
fn in_short(headings: &[String]) -> String {
    let named: Vec<&String> = headings.iter().filter(|heading| !heading.is_empty()).collect();
    let short = |heading: &&String| {
        let cut = heading.chars().nth(MAX_SHOWN_CHARS).map(|_| '…');
        let kept = if cut.is_some() { MAX_SHOWN_CHARS - 1 } else { MAX_SHOWN_CHARS };
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        heading.chars().take(kept).map(plain).chain(cut).collect::<String>()
    };
    let shown: Vec<String> = named.iter().take(MAX_SHOWN).map(short).collect();
    match named.len().saturating_sub(MAX_SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// The fields that a file of this kind must have.
fn required(kind: Kind) -> Vec<Field> {
    match kind {
        Kind::Tracking => vec![Field::OrderNumber, Field::Order("tracking_number")],
        Kind::Received => vec![Field::Order("qty_received")],
        Kind::Charges => vec![Field::Amount, Field::Order("posted_date")],
        Kind::Cancellations | Kind::Orders => vec![Field::OrderNumber],
        Kind::Cards | Kind::Undo => Vec::new(),
    }
}

/// The kind of a file with these headings, and the fields of its columns. `None` if the row is not the
/// headings of a known kind.
fn recognize(headings: &[String], reading: &Reading) -> Option<(Kind, Vec<Field>)> {
    let kind = match reading.kind {
        Some(kind) => Some(kind),
        None => recognize_kind(headings, reading),
    }?;
    let fields = map_as(kind, headings, reading);
    let is_complete = required(kind).iter().all(|needed| fields.contains(needed));
    let names_order =
        fields.contains(&Field::OrderNumber) || fields.contains(&Field::Order("tracking_number"));
    (is_complete && (names_order || kind == Kind::Charges)).then_some((kind, fields))
}

fn recognize_kind(headings: &[String], reading: &Reading) -> Option<Kind> {
    let fields = map_as(Kind::Orders, headings, reading);
    let has = |name: &'static str| fields.contains(&Field::Order(name));
    let states_order = ["product", "price", "email", "profile", "customer_name"].into_iter().any(has);
    let has_number = fields.contains(&Field::OrderNumber);
    let charge = map_as(Kind::Charges, headings, reading);
    let is_charge = required(Kind::Charges).iter().all(|needed| charge.contains(needed));
    if is_charge && !has_number {
        return Some(Kind::Charges);
    }
    let has_quantity = has("quantity") || has("qty_received");
    if has("tracking_number") && has_quantity && !states_order && (has("commission") || !has_number) {
        return Some(Kind::Received);
    }
    if !has_number {
        return None;
    }
    let is_unknown = |field: &Field| matches!(field, Field::Extra(_) | Field::Ignored);
    let states_only = |names: &[&'static str]| {
        fields.iter().all(|field| match field {
            Field::Order(name) => names.contains(name),
            _ => true,
        })
    };
    if has("tracking_number") && states_only(&["tracking_number", "shipping_method", "store"]) {
        Some(Kind::Tracking)
    } else if has_quantity && states_only(&["quantity", "qty_received"]) {
        Some(Kind::Received)
    } else if states_only(&["cancel_reason"]) && !fields.iter().any(is_unknown) {
        Some(Kind::Cancellations)
    } else if states_only(&[]) {
        None
    } else {
        Some(Kind::Orders)
    }
}

/// The fields of the columns of a file of this kind. If several headings mean the same field, the most
/// certain one gets it. Only the details of a charge may be in several columns.
fn map_as(kind: Kind, headings: &[String], reading: &Reading) -> Vec<Field> {
    let mut guesses: Vec<(Sureness, usize, Field)> = Vec::new();
    for (at, heading) in headings.iter().enumerate() {
        let named = reading.mapping.iter().find(|(name, _)| is_same(heading, name));
        let guess = match named {
            Some((_, field)) => Some((Sureness::Person, field.clone())),
            None => guess(kind, heading),
        };
        guesses.extend(guess.map(|(sureness, field)| (sureness, at, field)));
    }
    guesses.sort_unstable();
    let mut fields: Vec<Option<Field>> = vec![None; headings.len()];
    for (_, at, field) in guesses {
        let is_free =
            matches!(field, Field::Details | Field::Ignored) || !fields.contains(&Some(field.clone()));
        if let Some(place) = fields.get_mut(at).filter(|_| is_free) {
            *place = Some(field);
        }
    }
    let by_parcel = kind == Kind::Received && fields.contains(&Some(Field::Order("tracking_number")));
    let rest = |heading: &String| match kind {
        Kind::Orders if !heading.is_empty() && !REPEATED.contains(&heading.as_str()) => {
            Field::Extra(heading.chars().take(MAX_LABEL).collect())
        }
        _ => Field::Ignored,
    };
    let fields = fields.into_iter().zip(headings).map(|(field, heading)| {
        let field = match field {
            // The order number in a scan report is the buying group's own, not the store's.
            Some(Field::OrderNumber) if by_parcel => Field::Extra("Order ID".to_owned()),
            Some(field) => field,
            None if by_parcel => match heading.to_lowercase().as_str() {
                "created" => Field::Extra("Created".to_owned()),
                "modified" => Field::Extra("Modified".to_owned()),
                _ => rest(heading),
            },
            None => rest(heading),
        };
        let is_named = reading.mapping.iter().any(|(name, _)| is_same(heading, name));
        if is_named || is_wanted(kind, by_parcel, &field) { field } else { Field::Ignored }
    });
    fields.collect()
}

/// Whether the field is imported from a file of this kind. The prices of a tracking list, for example, are
/// not.
fn is_wanted(kind: Kind, by_parcel: bool, field: &Field) -> bool {
    let names: &[&str] = match kind {
        Kind::Tracking => &["tracking_number"],
        Kind::Received if by_parcel => &["tracking_number", "qty_received", "total", "commission", "status"],
        Kind::Received => &["qty_received"],
        Kind::Cancellations => &["cancel_reason"],
        Kind::Charges => &["posted_date", "reference_number", "currency"],
        Kind::Orders | Kind::Cards | Kind::Undo => return !matches!(field, Field::Details | Field::Amount),
    };
    match field {
        Field::Order(name) => names.contains(name),
        Field::Details | Field::Amount => kind == Kind::Charges,
        _ => true,
    }
}

/// Guesses the field of a heading in a file of this kind.
fn guess(kind: Kind, heading: &str) -> Option<(Sureness, Field)> {
    let lower = heading.to_lowercase();
    let in_table = |table: &'static [(&'static str, &'static [&'static str])]| {
        let row = table.iter().find(|(_, labels)| labels.contains(&lower.as_str()))?;
        row.0.parse::<Field>().ok()
    };
    if kind == Kind::Charges {
        return in_table(STATEMENT_LABELS).map(|field| (Sureness::Label, field));
    }
    let named = || order_column(heading).map(|field| (Sureness::Name, field));
    let of_file = || in_table(FILE_LABELS).map(|field| (Sureness::Label, field));
    let (sureness, field) =
        named().or_else(of_file).or_else(|| of_label(heading)).or_else(|| misspelled(&lower))?;
    let field = match field {
        Field::Order("quantity") if kind == Kind::Received => Field::Order("qty_received"),
        field => field,
    };
    Some((sureness, field))
}

/// The column of an order with this name, or the order's number.
fn order_column(name: &str) -> Option<Field> {
    let name = name.to_lowercase();
    if name == "order_number" {
        return Some(Field::OrderNumber);
    }
    Fields::NAMES.iter().find(|known| **known == name).map(|known| Field::Order(known))
}

/// The field of a heading that is a label of cards.
fn of_label(heading: &str) -> Option<(Sureness, Field)> {
    let label = labels::find(heading).filter(|label| label.item == 0)?;
    let sureness = if label.weak { Sureness::WeakLabel } else { Sureness::Label };
    let field = match label.column {
        Column::OrderNumber => Field::OrderNumber,
        Column::Extra(name) => Field::Extra(name.to_owned()),
        Column::Ignored => Field::Ignored,
        column => Field::Order(column_of_label(column)?),
    };
    Some((sureness, field))
}

/// The column of an order that a label fills, if it fills one.
const fn column_of_label(column: Column) -> Option<&'static str> {
    Some(match column {
        Column::Product | Column::Item => "product",
        Column::Price => "price",
        Column::Total | Column::Amount => "total",
        Column::Commission => "commission",
        Column::Currency => "currency",
        Column::Quantity => "quantity",
        Column::QtyReceived => "qty_received",
        Column::Email | Column::Account => "email",
        Column::CustomerName => "customer_name",
        Column::Profile => "profile",
        Column::Payment | Column::PaymentMethod => "payment_method",
        Column::Proxy => "proxy_list",
        Column::Reference => "reference_number",
        Column::Status => "status",
        Column::FraudStatus => "fraud_status",
        Column::FailureReason | Column::CancelReason => "cancel_reason",
        Column::Tracking => "tracking_number",
        Column::ShippingAddress => "shipping_address",
        Column::ShippingMethod => "shipping_method",
        Column::Notes => "notes",
        Column::Store => "store",
        Column::OrderDate | Column::Timestamp => "order_date",
        Column::PostedDate => "posted_date",
        Column::ShippedDate => "shipped_date",
        Column::DeliveredDate => "delivered_date",
        Column::Worksheet => "worksheet_name",
        Column::ProductUrl => "product_url",
        Column::OrderUrl => "order_url",
        Column::ImageUrl => "image_url",
        Column::Owner => "owner_id",
        _ => return None,
    })
}

fn misspelled(heading: &str) -> Option<(Sureness, Field)> {
    if heading.chars().count() < MIN_MISSPELLED {
        return None;
    }
    let heading = heading.replace([' ', '-'], "_");
    let names = Fields::NAMES.iter().copied().chain(["order_number"]);
    let closest = names.min_by_key(|name| osa_distance(name, &heading))?;
    (osa_distance(closest, &heading) <= MAX_TYPOS)
        .then(|| order_column(closest).map(|field| (Sureness::Misspelled, field)))
        .flatten()
}
