//! The label table: every label that checkout bots are known to use, and the column it fills.
//!
//! A label is compared as a whole, after folding: `Fraud Status` is never `Status`. In numbered labels
//! (`Product (2)`, `Price - 2`, `Product 2 - Name`) the number is removed first.

use std::sync::LazyLock;

use super::bots::is_known_store;
use super::markup::label_text;
use super::word_table::WordTable;

/// The meaning of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// `product`
    Product,
    /// `product`; the value may end in ` - $total`
    Item,
    /// `product`; the label itself holds the name: `Product 1 - Mug`
    NamedItem,
    /// Lines about the only product: `Qty: 2 | Size: M`
    Details,
    /// `price`
    Price,
    /// `total`
    Total,
    /// `total` if a price is stated too, otherwise `price`
    Amount,
    /// `commission`
    Commission,
    /// `currency`
    Currency,
    /// `quantity`
    Quantity,
    /// `qty_received`
    QtyReceived,
    /// `email`
    Email,
    /// `email` if the value is an address (a password may follow), otherwise `profile`
    Account,
    /// `customer_name`
    CustomerName,
    /// `profile`; a second line with `@` is the e-mail address
    Profile,
    /// `profile` and `email` in one value, separated by ` / `
    ProfileAndEmail,
    /// `payment_method` if the value names a card or wallet, otherwise `profile`
    Payment,
    /// `payment_method`
    PaymentMethod,
    /// `proxy_list`
    Proxy,
    /// `order_number`
    OrderNumber,
    /// `reference_number`
    Reference,
    /// `status`
    Status,
    /// `fraud_status`
    FraudStatus,
    /// Why a checkout failed: marks the card as a failure
    FailureReason,
    /// Why an order was cancelled: marks the card as a cancellation
    CancelReason,
    /// `tracking_number`
    Tracking,
    /// `shipping_address`, several lines
    ShippingAddress,
    /// `shipping_method`
    ShippingMethod,
    /// `notes`, several lines
    Notes,
    /// `store`
    Store,
    /// `order_date`
    OrderDate,
    /// `posted_date`
    PostedDate,
    /// `shipped_date`
    ShippedDate,
    /// `delivered_date`
    DeliveredDate,
    /// `worksheet_name`
    Worksheet,
    /// `product_url`
    ProductUrl,
    /// `order_url`
    OrderUrl,
    /// `image_url`
    ImageUrl,
    /// The outcome of the checkout, like a heading
    Result,
    /// The member of the group that the order belongs to
    Owner,
    /// The author of the embed, if it is not a heading
    Author,
    /// The user that the text beside the embed mentions
    Mention,
    /// The title of the embed, if it is not a heading
    Title,
    /// The color of the embed, if it states the outcome
    Color,
    /// The embed's footer: `bot`, and its version
    Footer,
    /// The embed's timestamp, which gives the derived order date
    Timestamp,
    /// Kept in `extra` under this name
    Extra(&'static str),
    /// Not stored, because it is useless or a secret of the sender
    Ignored,
}

impl Column {
    /// Whether it describes one product of several.
    #[must_use]
    pub const fn is_of_item(self) -> bool {
        match self {
            Self::Product
            | Self::Item
            | Self::NamedItem
            | Self::Price
            | Self::Quantity
            | Self::ProductUrl => true,
            Self::Extra(name) => matches!(name.as_bytes(), b"size" | b"sku"),
            _ => false,
        }
    }
}

/// A label of the table that was found in a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its meaning.
    pub column: Column,
    /// Its folded name in the table.
    pub name: &'static str,
    /// The number of a numbered label, from 1; otherwise 0.
    pub item: u8,
    /// Whether it only fills a column that the other labels of the card leave empty.
    pub weak: bool,
}

impl Label {
    /// Whether its value may have several lines.
    #[must_use]
    pub const fn takes_lines(self) -> bool {
        matches!(self.column, Column::ShippingAddress | Column::Notes | Column::NamedItem)
    }

    /// Whether its values may be phrases of headings, such as `Order Shipped` or `Card declined`.
    #[must_use]
    pub const fn takes_phrase(self) -> bool {
        matches!(
            self.column,
            Column::Status
                | Column::Result
                | Column::FraudStatus
                | Column::FailureReason
                | Column::CancelReason
        )
    }
}

/// Labels of lists of products.
#[rustfmt::skip]
pub(crate) const LIST_LABELS: &[&str] = &[
    "items", "products", "order items", "ordered items", "line items", "cart items", "item(s)", "product(s)", "items purchased",
    "products purchased", "products ordered", "items ordered", "cart", "basket", "cart contents",
];
/// Notes in parentheses behind a label: `Price (USD)`, `Order Number (click)`.
const NOTES: [&str; 8] = ["usd", "cad", "gbp", "eur", "aud", "click", "link", "size"];
/// Marks around a label: `› Product`, `Product »`, `[Product]`.
const DECORATION: [char; 10] = [':', '：', '›', '»', '➤', '→', '[', ']', '・', '│'];

/// The highest number of a product in a label.
pub(crate) const MAX_ITEMS: u8 = 99;

/// A column, its labels, and its weak labels. All labels are folded.
type Row = (Column, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (Column::Product, &["product", "product name", "item name", "products", "items", "order items", "ordered items", "line items", "cart items", "item(s)", "product(s)", "items purchased", "product title", "item title", "products purchased", "products ordered", "items ordered", "produkt", "produktname", "artikel", "artikelname", "artikelbezeichnung", "produit", "article", "producto", "artículo", "prodotto", "articolo", "商品", "产品"], &["description", "shoe", "cart", "basket", "cart contents"]),
    (Column::Item, &["item"], &[]),
    (Column::Details, &[], &["details", "product details", "item details", "item info", "product info"]),
    (Column::Price, &["price", "price paid", "unit price", "item price", "product price", "price per", "price each", "price per item", "price per unit", "price (each)", "checkout price", "sale price", "price(s)", "prices", "preis", "stückpreis", "einzelpreis", "prix", "prix unitaire", "precio", "precio unitario", "prezzo", "prezzo unitario", "价格"], &["cost", "retail"]),
    (Column::Total, &["total", "order total", "total price", "grand total", "price w/ tax", "price with tax", "price incl tax", "price incl. tax", "price (incl. tax)", "price (incl tax)", "price (tax included)", "total (incl. tax)", "total (incl tax)", "total (tax included)", "total incl. tax", "total incl tax", "total including tax", "final price", "final total", "total charged", "total amount", "price including tax", "price after tax", "total w/ tax", "total with tax", "total paid", "total cost", "cart total", "basket total", "amount paid", "amount charged", "estimated total", "gesamtpreis", "gesamtbetrag", "gesamtsumme", "endpreis", "bestellwert", "prix total", "montant total", "precio total", "importe total", "prezzo totale", "importo totale", "totale"], &["gesamt", "summe"]),
    (Column::Amount, &[], &["amount"]),
    (Column::Commission, &["commission"], &["profit", "earnings"]),
    (Column::Currency, &["currency", "currency code", "währung"], &[]),
    (Column::Quantity, &["quantity", "qty", "product quantity", "item quantity", "qty ordered", "quantity ordered", "quantity purchased", "quantity(s)", "quantities", "menge", "anzahl", "stückzahl", "quantité", "cantidad", "quantità", "数量"], &["total quantity", "count", "units", "number of items", "of items", "no. of items"]),
    (Column::QtyReceived, &["qty received", "quantity received", "received qty"], &["received"]),
    (Column::Email, &["email", "e-mail", "email address", "customer email", "profile email", "order email", "checkout email", "user email", "mail", "e-mail-adresse", "email-adresse"], &["contact", "account email", "login email", "retailer account email", "username", "login"]),
    (Column::Account, &[], &["account"]),
    (Column::CustomerName, &["customer name", "customer", "recipient", "full name", "kunde", "kundenname"], &["name"]),
    (Column::Profile, &["profile", "profile name", "profileid", "profilename", "billing profile", "customer profile", "user profile", "task profile", "checkout profile", "profile used", "profile / group", "profil", "perfil", "profilo"], &["amazon account", "account name", "billing"]),
    (Column::ProfileAndEmail, &["profile / email"], &[]),
    (Column::Payment, &[], &["payment"]),
    (Column::PaymentMethod, &["payment method", "payment type", "payment card", "card used", "paid with", "zahlungsart", "zahlungsmethode"], &[]),
    (Column::Proxy, &["proxy details", "proxy list", "proxy", "proxies", "proxy group", "proxy used", "proxy ip"], &["checkout proxy", "task proxy"]),
    (Column::OrderNumber, &["order number", "order #", "order#", "order no", "order no.", "order nr", "order num", "order ref", "order reference", "checkout order number", "store order number", "bestellnummer", "numéro de commande", "número de pedido", "numero ordine", "numero di ordine", "numero d'ordine", "n° de commande", "nº de pedido", "订单号", "retailer order number", "订单号(order#)", "ordernumber", "order-id", "your order number", "order code", "order confirmation #", "order confirmation number", "order number/link", "bestellnr", "bestellnr.", "bestell-nr", "bestell-nr.", "bestell-id", "auftragsnummer"], &["order", "order id", "orderid", "confirmation number", "confirmation #", "confirmation id", "confirmation", "confirmation no", "confirmation no.", "confirmation code", "conf #", "conf number", "conf. number", "purchase id", "purchase number", "bestellung", "auftrag", "commande", "pedido", "ordine"]),
    (Column::Reference, &["reference #", "reference number", "reference", "ref #"], &[]),
    (Column::Status, &["status", "order status", "new status", "current status", "bestellstatus", "sendungsstatus", "lieferstatus", "statut", "estado", "stato"], &["state"]),
    (Column::FraudStatus, &["fraud status"], &[]),
    (Column::FailureReason, &["reason", "decline reason", "fraud reason", "failure reason", "error reason", "failed reason", "fail reason", "fraud check reason", "decline message", "error message", "grund", "fehlergrund", "ablehnungsgrund", "fehlermeldung"], &[]),
    (Column::CancelReason, &["cancel reason", "cancellation reason", "cancelation reason", "canceled reason", "cancelled reason", "reason for cancellation", "order cancel reason", "cancel code", "cancellation type", "stornogrund", "stornierungsgrund", "grund der stornierung"], &[]),
    (Column::Tracking, &["tracking number", "tracking", "tracking #", "sendungsnummer", "trackingnummer", "tracking-nummer", "paketnummer", "sendungsverfolgung", "numéro de suivi", "número de seguimiento", "numero di tracciamento", "numero di tracking"], &["tracking id", "shipment id"]),
    (Column::ShippingAddress, &["shipping address", "delivery address", "ship to", "lieferadresse", "versandadresse", "adresse de livraison", "dirección de envío", "indirizzo di spedizione"], &["address", "adresse"]),
    (Column::ShippingMethod, &["shipping method", "delivery method", "versandart", "versandmethode", "liefermethode"], &["delivery", "fulfillment type", "fulfillment"]),
    (Column::Notes, &["notes", "notizen"], &["opinion"]),
    (Column::Store, &["store", "site", "retailer", "website", "shop", "restaurant", "merchant", "store (checkout)", "site (checkout)", "händler", "magasin", "boutique", "tienda", "negozio"], &["region", "module", "site name", "domain", "webseite", "geschäft"]),
    (Column::OrderDate, &["order date", "ordered on", "placed on", "bestelldatum"], &["date", "date time", "time stamp(utc)", "created at", "datum"]),
    (Column::PostedDate, &["posted date"], &["posted", "fulfilled date", "completion date"]),
    (Column::ShippedDate, &["shipped date", "shipped on", "ship date", "versanddatum"], &[]),
    (Column::DeliveredDate, &["delivered date", "delivered on", "delivered at"], &[]),
    (Column::Worksheet, &["worksheet name"], &[]),
    (Column::ProductUrl, &["product url", "product link", "view product", "product page", "produktlink", "zum produkt"], &[]),
    (Column::OrderUrl, &["order url", "order link", "orderlink", "view order", "open order", "order page", "order status page", "zur bestellung"], &["order track url", "track order", "link"]),
    (Column::ImageUrl, &["image", "image url"], &[]),
    (Column::Result, &["result", "outcome", "checkout result", "checkout status", "checkout state", "ergebnis"], &["response"]),
    (Column::Owner, &["owner", "buyer", "member", "user", "discord", "discord user", "discord id", "user id", "käufer", "besitzer"], &[]),
    (Column::Author, &["embed author"], &[]),
    (Column::Mention, &["embed mention"], &[]),
    (Column::Title, &["embed title"], &[]),
    (Column::Color, &["embed color"], &[]),
    (Column::Footer, &["footer"], &[]),
    (Column::Timestamp, &["timestamp"], &[]),
    (Column::Extra("size"), &["size", "sizes", "variant", "size/color", "product size", "shoe size", "sz", "sizing", "größe", "grösse", "groesse", "schuhgröße", "taille", "pointure", "talla", "taglia", "尺码"], &[]),
    (Column::Extra("sku"), &["sku", "asin", "pid", "product sku", "style code", "style-color", "product id", "tcin", "artikelnummer"], &["style"]),
    (Column::Extra("color"), &["color", "farbe"], &[]),
    (Column::Extra("category"), &["category"], &[]),
    (Column::Extra("mode"), &["mode", "模式(mode)", "task mode"], &["method"]),
    (Column::Extra("checkout_id"), &["id"], &[]),
    (Column::Extra("checkout_time"), &["checkout time", "checkout speed"], &["speed", "duration"]),
    (Column::Extra("is_preorder"), &["is preorder"], &[]),
    (Column::Extra("bot_version"), &["app version"], &[]),
    (Column::Ignored, &["share link", "captcha bypass", "tasks", "delay", "monitor delay", "retry delay", "slot info", "checkout ip", "complete payment", "buy now atc?", "password", "account password", "proxy user", "proxy username", "proxy login", "proxy pass", "proxy password", "proxy auth", "proxy credentials", "card number", "cvv", "cvc", "security code"], &[]),
];

static BY_NAME: LazyLock<WordTable<(Column, bool)>> = LazyLock::new(|| {
    let strong =
        TABLE.iter().flat_map(|(column, names, _)| names.iter().map(|name| (*name, (*column, false))));
    let weak = TABLE.iter().flat_map(|(column, _, names)| names.iter().map(|name| (*name, (*column, true))));
    WordTable::new(strong.chain(weak))
});

/// Finds the label in the table that equals a line or a field name.
#[must_use]
pub fn find(line: &str) -> Option<Label> {
    find_plain(&label_text(line))
}

/// Like [`find`], for a line without markup.
#[must_use]
pub(crate) fn find_plain(text: &str) -> Option<Label> {
    let name = text.trim_matches(|c: char| c == ' ' || DECORATION.contains(&c));
    if let Some(label) = by_name(name, 0) {
        return Some(label);
    }
    if !name.starts_with(|c: char| c.is_alphanumeric() || c == '(') {
        return None;
    }
    let spaced = (!name.contains(' ')).then(|| spaced_words(name)).flatten();
    if let Some(label) = spaced.as_deref().and_then(|name| by_name(name, 0)) {
        return Some(label);
    }
    let name = spaced.as_deref().unwrap_or(name);
    if !name.contains(' ') {
        return None;
    }
    with_number(name)
        .or_else(|| with_note(name))
        .or_else(|| behind_first_word(name))
        .or_else(|| before_number(name))
}

/// `Product (2)`, `Price - 2` and `Product 1 - Qty`
fn with_number(name: &str) -> Option<Label> {
    let (name, item) = without_number(name)?;
    by_name(&name, item).or_else(|| {
        let (_, rest) = name.split_once(' ').filter(|(word, _)| is_product_word(word) && item > 0)?;
        by_name(rest, item).filter(|label| label.column.is_of_item())
    })
}

/// `Price (USD)`
fn with_note(name: &str) -> Option<Label> {
    let (kept, note) = name.strip_suffix(')')?.rsplit_once(" (")?;
    let is_note = NOTES.iter().any(|known| note.eq_ignore_ascii_case(known));
    by_name(kept, 0).filter(|_| is_note)
}

/// `Item 2 Price` and `Target Order Number`
fn behind_first_word(name: &str) -> Option<Label> {
    let (word, rest) = name.split_once(' ')?;
    if is_product_word(word) {
        let (number, rest) = rest.split_once(' ')?;
        let item = item_number(number)?;
        return by_name(&format!("{word} {rest}"), item).filter(|label| label.column.is_of_item());
    }
    let is_number = |label: &Label| label.column == Column::OrderNumber && !label.weak;
    is_known_store(word).then(|| by_name(rest, 0))?.filter(is_number)
}

/// `Product 1` and `Item #1`, but not `Order 1`
fn before_number(name: &str) -> Option<Label> {
    let ends_in_digit = name.ends_with(|c: char| c.is_ascii_digit());
    let (name, number) = name.rsplit_once(' ').filter(|_| ends_in_digit)?;
    by_name(name, item_number(number)?).filter(|label| label.column.is_of_item())
}

fn is_product_word(word: &str) -> bool {
    ["product", "item"].iter().any(|item| word.eq_ignore_ascii_case(item))
}

/// The number of a product: `2` or `#2`.
fn item_number(text: &str) -> Option<u8> {
    text.trim_start_matches('#').parse().ok().filter(|item| (1..=MAX_ITEMS).contains(item))
}

/// The words of a JSON key: `order_number` or `orderNumber`. `None` if it is one word.
fn spaced_words(key: &str) -> Option<String> {
    if key.contains('_') {
        return Some(key.replace('_', " "));
    }
    let is_break = |[before, c]: &[u8; 2]| before.is_ascii_lowercase() && c.is_ascii_uppercase();
    if !key.as_bytes().array_windows().any(is_break) {
        return None;
    }
    let mut words = String::with_capacity(key.len() + 2);
    let mut was_lower = false;
    for c in key.chars() {
        if was_lower && c.is_ascii_uppercase() {
            words.push(' ');
        }
        was_lower = c.is_ascii_lowercase();
        words.push(c);
    }
    Some(words)
}

fn by_name(name: &str, item: u8) -> Option<Label> {
    // A quick check: most values begin with a digit or a sign, and no label does.
    if !name.starts_with(char::is_alphabetic) {
        return None;
    }
    let (name, (column, weak)) = BY_NAME.find(name)?;
    // `Items (2)` counts the products of its list.
    let item = if LIST_LABELS.contains(&name) { 0 } else { item };
    Some(Label { column, name, item, weak })
}

/// Removes a number from 1 to 99 written as `(n)`, `- n` or `n -`, with its dashes.
fn without_number(name: &str) -> Option<(String, u8)> {
    if !name.contains(['-', '(']) || !name.split_whitespace().any(|word| word == "-" || word.starts_with('('))
    {
        return None;
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let number = |word: &str| word.parse::<u8>().ok().filter(|n| (1..=MAX_ITEMS).contains(n));
    let mut item = 0;
    let mut kept = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let beside_dash =
            at.checked_sub(1).and_then(|i| words.get(i)) == Some(&"-") || words.get(at + 1) == Some(&"-");
        let in_parentheses = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
        if let Some(n) = in_parentheses.and_then(number).or_else(|| number(word).filter(|_| beside_dash)) {
            item = n;
        } else if *word != "-" {
            kept.push(*word);
        }
    }
    (kept.len() < words.len()).then(|| (kept.join(" "), item))
}

/// The number and the name of a product in a label: `Product 1 - Mug`, `Item (2): Cap`, `3. Pin`. The number is 0 if there
/// is none: `Product - Mug`.
pub(crate) fn named_in_label(label: &str) -> Option<(u8, &str)> {
    let behind_word = without_product_word(label);
    let text = behind_word.unwrap_or(label).trim_start_matches([' ', '#', '(']);
    let (digits, rest) = text.split_at_checked(text.bytes().take_while(u8::is_ascii_digit).count())?;
    let name = rest.trim_start_matches(['.', ')', ' ', '-', '–', '—', ':', '|', '»']);
    let separator = rest.strip_suffix(name)?;
    let is_apart = match behind_word {
        // `3 Pack` does not begin with the number of a product.
        None => !digits.is_empty() && separator.starts_with(['.', ')']),
        Some(_) => separator.contains(|c| c != ' '),
    };
    let is_name = name.contains(char::is_alphabetic) && find(name).is_none();
    let number =
        if digits.is_empty() { 0 } else { digits.parse().ok().filter(|n| (1..=MAX_ITEMS).contains(n))? };
    (is_apart && is_name && separator.contains(' ')).then_some((number, name))
}

/// The rest of a label behind `Product` or `Item`.
fn without_product_word(label: &str) -> Option<&str> {
    ["product", "item"].iter().find_map(|word| {
        let (start, rest) = label.split_at_checked(word.len())?;
        (start.eq_ignore_ascii_case(word) && !rest.starts_with(char::is_alphanumeric)).then_some(rest)
    })
}
