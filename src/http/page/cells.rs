//! Orders as rows of a table: which columns there are, and each value in the form that the page shows.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use form_urlencoded::byte_serialize;
use iso_currency::Currency;

use crate::order::{Amount, Carrier, FieldChange, Fields, Order, OrderNumber, Source, Status};

/// A column of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name of an order's column.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

/// The columns of the list, those that it shows at first before the others.
const COLUMNS: [Column; 24] = [
    Column { name: "order_date", title: "Placed" },
    Column { name: "store", title: "Store" },
    Column { name: "product", title: "Product" },
    Column { name: "quantity", title: "Units" },
    Column { name: "total", title: "Total" },
    Column { name: "status", title: "Status" },
    Column { name: "order_number", title: "Number" },
    Column { name: "tracking_number", title: "Tracking" },
    Column { name: "profile", title: "Profile" },
    Column { name: "owner_id", title: "Owner" },
    Column { name: "email", title: "E-mail" },
    Column { name: "customer_name", title: "Customer" },
    Column { name: "price", title: "Price" },
    Column { name: "commission", title: "Commission" },
    Column { name: "qty_received", title: "Received" },
    Column { name: "shipped_date", title: "Shipped" },
    Column { name: "delivered_date", title: "Delivered" },
    Column { name: "payment_method", title: "Payment" },
    Column { name: "shipping_method", title: "Shipping" },
    Column { name: "reference_number", title: "Reference" },
    Column { name: "cancel_reason", title: "Cancel reason" },
    Column { name: "proxy_host", title: "Proxy host" },
    Column { name: "bot", title: "Bot" },
    Column { name: "notes", title: "Notes" },
];
/// How many columns the list shows at first.
const SHOWN_AT_FIRST: usize = 9;

impl Column {
    pub(crate) fn is_number(self) -> bool {
        matches!(self.name, "quantity" | "qty_received" | "total" | "price" | "commission")
    }

    /// Whether a phone shows the column with its title.
    pub(crate) fn is_extra(self) -> bool {
        COLUMNS
            .iter()
            .position(|column| *column == self)
            .is_some_and(|position| position >= SHOWN_AT_FIRST || self.name == "tracking_number")
    }
}

/// The columns that the list can show.
pub(crate) const fn all_columns() -> &'static [Column] {
    &COLUMNS
}

/// The columns with these names, separated by commas; those of the beginning if no name is known.
pub(crate) fn chosen_columns(names: &str) -> Vec<Column> {
    let chosen: Vec<Column> = names
        .split(',')
        .filter_map(|name| COLUMNS.into_iter().find(|column| column.name == name.trim()))
        .collect();
    if chosen.is_empty() { COLUMNS.into_iter().take(SHOWN_AT_FIRST).collect() } else { chosen }
}

/// A value in the form that the page shows.
#[derive(Debug)]
pub(crate) enum Value {
    Empty,
    Text(String),
    Count(u32),
    /// An amount with its currency's code.
    Money(Amount, &'static str),
    Time(Moment),
    Status(Status),
    /// A link inside the page.
    Order(Link),
    /// A link to another site.
    Link(Link),
}

impl Value {
    pub(crate) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// An optional value in its form.
    pub(crate) fn of<T>(value: Option<T>, form: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, form)
    }
}

/// The title of a column, or of a field in the history, such as `items[2].quantity`.
pub(crate) fn title_of(name: &str) -> String {
    if let Some(column) = COLUMNS.into_iter().find(|column| column.name == name) {
        return column.title.to_owned();
    }
    let name = name.strip_prefix("extra.").unwrap_or(name);
    capitalized(&name.replace("qty", "units").replace("url", "URL").replace('_', " "))
}

/// The text with a capital letter first.
pub(crate) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A change of one field.
pub(crate) struct Change {
    /// The field's name.
    pub(crate) field: String,
    pub(crate) old: Value,
    pub(crate) new: Value,
}

impl Change {
    /// The change of an order in this currency.
    pub(crate) fn of(
        FieldChange { field, old, new }: FieldChange,
        zone: Tz,
        currency: Option<Currency>,
    ) -> Self {
        let column = field.rsplit('.').next().unwrap_or_default();
        let code = AMOUNTS.contains(&column).then(|| currency.map_or("", |currency| currency.code()));
        let value = |text| Value::of(text, |text| recorded(text, zone, code));
        Self { old: value(old), new: value(new), field }
    }

    /// The title of the field.
    pub(crate) fn title(&self) -> String {
        title_of(&self.field)
    }
}

/// Columns of orders and items that are amounts.
const AMOUNTS: [&str; 5] = ["total", "price", "commission", "unit_price", "line_total"];

/// The value of a recorded change: an amount if there is a currency's code. Times are recorded in the format of RFC 3339.
fn recorded(text: String, zone: Tz, code: Option<&'static str>) -> Value {
    let amount = code.and_then(|code| Some((Amount::from_decimal(text.parse().ok()?)?, code)));
    if let Some((amount, code)) = amount {
        return Value::Money(amount, code);
    }
    match text.parse::<DateTime<Utc>>() {
        Ok(at) => Value::Time(Moment::of(at, zone)),
        Err(_) => Value::Text(text),
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) text: String,
}

/// A time for programs, and for readers without the page's script.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) iso: String,
    pub(crate) text: String,
}

impl Moment {
    pub(crate) fn of(at: DateTime<Utc>, zone: Tz) -> Self {
        let text = at.with_timezone(&zone).format("%-d %b %Y %H:%M").to_string();
        Self { iso: at.to_rfc3339_opts(SecondsFormat::Secs, true), text }
    }
}

/// A row of the list.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) number: String,
    pub(crate) class: &'static str,
    /// The tracking number, to copy those of many rows.
    pub(crate) tracking: Option<String>,
    /// The link to the Discord message that created the order; `None` if it was created in another way.
    pub(crate) discord: Option<String>,
    /// Whether the row has a box to choose it.
    pub(crate) has_box: bool,
    /// The address of the product's picture, if pictures are shown.
    pub(crate) picture: Option<String>,
    pub(crate) cells: Vec<Cell>,
}

/// Settings for the rows of a list.
#[derive(Clone, Debug)]
pub(crate) struct RowStyle {
    pub(crate) columns: Vec<Column>,
    pub(crate) zone: Tz,
    pub(crate) has_box: bool,
    pub(crate) pictures: bool,
}

#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) column: Column,
    pub(crate) value: Value,
}

impl RowStyle {
    /// The row of an order that is already masked for its reader.
    pub(crate) fn row(&self, order: &Order, class: &'static str) -> Row {
        let cell = |column: &Column| Cell { column: *column, value: value(order, column.name, self.zone) };
        Row {
            id: order.id,
            number: order.number.to_string(),
            class,
            tracking: order.fields.tracking_number.clone(),
            discord: (order.source == Source::DiscordBot).then(|| format!("{}/discord", order_path(order))),
            has_box: self.has_box,
            picture: picture(order, self.pictures),
            cells: self.columns.iter().map(cell).collect(),
        }
    }
}

/// The URL of an order's picture, if pictures are switched on. Only https URLs are used.
pub(crate) fn picture(order: &Order, are_shown: bool) -> Option<String> {
    order.fields.image_url.clone().filter(|url| are_shown && url.starts_with("https://"))
}

/// The page of an order.
pub(crate) fn order_path(order: &Order) -> String {
    path_of(&order.number)
}

/// The page of the order with this number.
pub(crate) fn path_of(number: &OrderNumber) -> String {
    let number: String = byte_serialize(number.as_str().as_bytes()).collect();
    format!("/orders/{}", number.replace('+', "%20"))
}

/// A column's value.
pub(crate) fn value(order: &Order, column: &str, zone: Tz) -> Value {
    let fields = &order.fields;
    let code = fields.currency.map_or("", |currency| currency.code());
    let money = |amount: Option<Amount>| amount.map_or(Value::Empty, |amount| Value::Money(amount, code));
    let time = |at: Option<DateTime<Utc>>| at.map_or(Value::Empty, |at| Value::Time(Moment::of(at, zone)));
    let count = |number: Option<u32>| number.map_or(Value::Empty, Value::Count);
    match column {
        "order_number" => Value::Order(Link { url: order_path(order), text: order.number.to_string() }),
        "status" => fields.status.map_or(Value::Empty, Value::Status),
        "total" => money(fields.total),
        "price" => money(fields.price),
        "commission" => money(fields.commission),
        "quantity" => count(fields.quantity),
        "qty_received" => count(fields.qty_received),
        "order_date" => time(fields.order_date.or(Some(order.created_at))),
        "posted_date" => time(fields.posted_date),
        "shipped_date" => time(fields.shipped_date),
        "delivered_date" => time(fields.delivered_date),
        "tracking_number" => match fields.tracking_number.as_deref() {
            Some(number) => match Carrier::of(number) {
                Some(carrier) => {
                    Value::Link(Link { url: carrier.tracking_url(number), text: number.to_owned() })
                }
                None => Value::Text(number.to_owned()),
            },
            None => Value::Empty,
        },
        _ => text(fields, column).map_or(Value::Empty, Value::Text),
    }
}

/// The text of a text column.
fn text(fields: &Fields, column: &str) -> Option<String> {
    fields.named_texts().into_iter().find(|(name, _)| *name == column).map(|(_, text)| text)
}
