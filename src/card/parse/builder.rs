//! Collects the values of one card into the fields of a patch.
//!
//! The first value of a column counts. A later value that differs is kept in `extra` under its label.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use iso_currency::Currency;

use super::bots;
use super::heading::{self, CardKind};
use super::labels::Column;
use super::markup;
use super::money::{self, CurrencyHint};
use super::text_form::LabelledValue;
use super::values;
use crate::order::dates::{self, ParsedDate};
use crate::order::{Amount, Extra, Fields, MAX_LINE, OrderItem, Status, currency_from_code, cut};
use crate::redact;

/// Maximum characters of a value of several lines: the size of an embed description.
const MAX_LINES: usize = 4096;
/// Maximum characters of a name in `extra`.
const MAX_EXTRA_NAME: usize = 100;
/// Maximum labels without a column that are kept from one card.
const MAX_EXTRA: usize = 50;
/// Maximum warnings from one card.
const MAX_WARNINGS: usize = 50;
/// Maximum characters of a value that a warning quotes.
const MAX_QUOTE: usize = 40;

/// A column of an order.
type FieldOf<T> = fn(&mut Fields) -> &mut Option<T>;

/// The name and field of a column that takes one line of text.
pub(crate) fn text_field(column: Column) -> Option<(&'static str, FieldOf<String>)> {
    Some(match column {
        Column::Product => ("product", |fields| &mut fields.product),
        Column::CustomerName => ("customer_name", |fields| &mut fields.customer_name),
        Column::PaymentMethod => ("payment_method", |fields| &mut fields.payment_method),
        Column::Proxy => ("proxy_list", |fields| &mut fields.proxy_list),
        Column::Reference => ("reference_number", |fields| &mut fields.reference_number),
        Column::FraudStatus => ("fraud_status", |fields| &mut fields.fraud_status),
        Column::Tracking => ("tracking_number", |fields| &mut fields.tracking_number),
        Column::ShippingMethod => ("shipping_method", |fields| &mut fields.shipping_method),
        Column::Store => ("store", |fields| &mut fields.store),
        Column::Worksheet => ("worksheet_name", |fields| &mut fields.worksheet_name),
        _ => return None,
    })
}

/// The name and field of a column that takes money, and whether it may be negative. `Amount` is the total if
/// a price is stated, otherwise the price.
pub(crate) fn amount_field(column: Column, has_price: bool) -> Option<(&'static str, bool, FieldOf<Amount>)> {
    Some(match column {
        Column::Price => ("price", false, |fields| &mut fields.price),
        Column::Amount if !has_price => ("price", false, |fields| &mut fields.price),
        Column::Total | Column::Amount => ("total", false, |fields| &mut fields.total),
        Column::Commission => ("commission", true, |fields| &mut fields.commission),
        _ => return None,
    })
}

/// The name and field of a column that takes a date.
pub(crate) fn date_field(column: Column) -> Option<(&'static str, FieldOf<DateTime<Utc>>)> {
    Some(match column {
        Column::OrderDate => ("order_date", |fields| &mut fields.order_date),
        Column::PostedDate => ("posted_date", |fields| &mut fields.posted_date),
        Column::ShippedDate => ("shipped_date", |fields| &mut fields.shipped_date),
        Column::DeliveredDate => ("delivered_date", |fields| &mut fields.delivered_date),
        _ => return None,
    })
}

/// The name and field of the column that takes the link of a value.
pub(crate) fn link_field(column: Column) -> Option<(&'static str, FieldOf<String>)> {
    Some(match column {
        Column::Product | Column::Item | Column::ProductUrl => {
            ("product_url", |fields| &mut fields.product_url)
        }
        Column::OrderNumber | Column::OrderUrl => ("order_url", |fields| &mut fields.order_url),
        Column::ImageUrl => ("image_url", |fields| &mut fields.image_url),
        _ => return None,
    })
}

/// The kind of a reason, if it says more than that the checkout failed. If a card states several, the later
/// variant counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReasonKind {
    /// A suspected fraud, for which the store cancels the order.
    Fraud,
    /// A cancellation.
    Cancellation,
    /// A hold. It overrules every other outcome except a failure.
    Hold,
}

/// The meaning of the prices in a list of products. If its lines differ, the later variant counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListedPrices {
    /// They stand under labels, or there are none.
    #[default]
    Labelled,
    /// They have no label, and may be for one unit or for the whole line.
    Bare,
    /// They are for one unit.
    PerUnit,
}

/// The values of a card so far.
#[derive(Default)]
pub(crate) struct PatchBuilder {
    pub(crate) number: Option<String>,
    pub(crate) stated: Fields,
    pub(crate) derived: Fields,
    pub(crate) extra: Extra,
    pub(crate) warnings: Vec<String>,
    /// The timestamp of the embed.
    pub(crate) embed_time: Option<DateTime<Utc>>,
    /// Why the checkout failed, if the card says so.
    pub(crate) failure_reason: Option<String>,
    /// The kind of the clearest reason that the card states.
    pub(crate) reason_kind: Option<ReasonKind>,
    /// The outcome that a `Result` label states.
    pub(crate) result: Option<CardKind>,
    /// The author of the embed, if it is not a heading.
    pub(crate) author: Option<String>,
    /// The user that the text beside the embed mentions.
    pub(crate) mentioned: Option<String>,
    /// The title of the embed, if it is not a heading.
    pub(crate) title: Option<String>,
    /// The link of the embed's title.
    pub(crate) title_link: Option<String>,
    /// The color of the embed.
    pub(crate) color: Option<u32>,
    /// The footer of the embed.
    pub(crate) footer: Option<String>,
    /// The text of the link to the order, if it starts with `#`.
    pub(crate) order_link_text: Option<String>,
    /// The link of the tracking number.
    pub(crate) tracking_link: Option<String>,
    /// Whether the products come from a list, so that the price is that of the whole basket.
    pub(crate) is_basket: bool,
    /// The meaning of the prices in the list.
    pub(crate) listed_prices: ListedPrices,
    /// Whether the product's name may end in the line total, as one bot writes it.
    pub(crate) may_end_in_total: bool,
    /// The value of a `Currency` label.
    pub(crate) currency: Option<String>,
    /// The currency that the amounts state.
    pub(crate) currency_hints: Vec<CurrencyHint>,
    /// The numbered products of the card, by number.
    pub(crate) items: BTreeMap<u8, OrderItem>,
}

impl PatchBuilder {
    pub(crate) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }

    pub(crate) fn warn_unreadable(&mut self, column: &str, text: &str, expected: &str) {
        let quoted = cut(&redact::credentials(text), MAX_QUOTE);
        self.warn(format!("{column}: \"{quoted}\" is not {expected}; ignored"));
    }

    /// Whether the card names a product.
    pub(crate) fn has_product(&self) -> bool {
        self.stated.product.is_some() || self.derived.product.is_some() || !self.items.is_empty()
    }

    /// Whether a price is stated, for the order or for one of its products.
    pub(crate) fn has_price(&self) -> bool {
        self.stated.price.is_some() || self.items.values().any(|item| item.unit_price.is_some())
    }

    /// Keeps a value that has no column, without the credentials of proxies.
    pub(crate) fn keep(&mut self, name: &str, value: &str) {
        if !markup::is_no_value(value) && self.extra.len() < MAX_EXTRA {
            let kept = || cut(&redact::labelled(name, value), MAX_LINE);
            self.extra.entry(cut(name, MAX_EXTRA_NAME)).or_insert_with(kept);
        }
    }

    /// Keeps a value under a name that several labels share. A second, different value is kept under its label.
    pub(crate) fn keep_as(&mut self, name: &str, label: &str, value: &str) {
        match self.extra.get(name) {
            Some(first) if first != value => self.keep(label, value),
            _ => self.keep(name, value),
        }
    }

    pub(crate) fn set_text(&mut self, column: &str, label: &str, text: &str, field: FieldOf<String>) {
        self.set_text_within(MAX_LINE, column, label, text, field);
    }

    fn set_text_within(
        &mut self,
        max_chars: usize,
        column: &str,
        label: &str,
        text: &str,
        field: FieldOf<String>,
    ) {
        let kept = cut(text, max_chars);
        if kept != text {
            self.warn(format!("{column}: cut to {max_chars} characters"));
        }
        match field(&mut self.stated) {
            Some(first) if *first == kept => {}
            Some(_) => self.keep(label, &kept),
            empty => *empty = Some(kept),
        }
    }

    pub(crate) fn set_lines(&mut self, column: &str, value: &LabelledValue, field: FieldOf<String>) {
        let lines: Vec<&str> = value.lines.iter().map(|line| line.text.as_str()).collect();
        self.set_text_within(MAX_LINES, column, value.label.name, lines.join("\n").trim(), field);
    }

    pub(crate) fn set_profile(&mut self, label: &str, text: &str) {
        if values::is_snowflake(text) {
            return self.set_owner(text);
        }
        if let Some((owner, profile)) = values::mention_and_rest(text) {
            self.set_owner(owner);
            if !profile.is_empty() {
                self.set_profile(label, &profile);
            }
            return;
        }
        let text = match values::owner_and_profile(text) {
            Some((owner, profile)) => {
                self.set_owner(owner);
                profile
            }
            None => text,
        };
        if let Some((profile, address)) = values::profile_and_email(text) {
            self.set_email(label, address);
            return self.set_text("profile", label, profile, |fields| &mut fields.profile);
        }
        // If a bot states the profile twice, the second one is the e-mail address.
        if self.stated.profile.is_some() && values::is_email(text) {
            self.set_email(label, text);
        } else {
            self.set_text("profile", label, text, |fields| &mut fields.profile);
        }
    }

    pub(crate) fn set_owner(&mut self, id: &str) {
        self.stated.owner_id.get_or_insert_with(|| id.to_owned());
    }

    /// Sets the owner from a mention beside the embed, or else from `lines` in front of the first label.
    pub(crate) fn set_mentioned_owner(&mut self, lines: &str) {
        if let Some(owner) = self.mentioned.take().or_else(|| values::only_mention(lines).map(str::to_owned))
        {
            self.set_owner(&owner);
        }
    }

    pub(crate) fn set_email(&mut self, label: &str, text: &str) {
        if values::is_masked(text) || values::is_placeholder(text) {
            return self.warn("email: the address is masked; ignored".to_owned());
        }
        if !values::is_email(text) {
            self.warn("email: does not look like an address; kept as it is".to_owned());
        }
        self.set_text("email", label, text, |fields| &mut fields.email);
    }

    pub(crate) fn set_number(&mut self, label: &str, text: &str) {
        let text = values::without_order_word(values::without_note(text));
        // There may be more markup after the `#`.
        let (text, has_mark) = match text.strip_prefix('#') {
            Some(rest) => (markup::without_wrappers(rest.trim_start_matches(['#', ' '])), true),
            None => (text, false),
        };
        if !values::may_be_order_number(text, has_mark) {
            return;
        }
        match &self.number {
            Some(first) if *first == text => {}
            Some(_) => self.keep(label, text),
            None => self.number = Some(text.to_owned()),
        }
    }

    /// Sets why the checkout failed or the order was cancelled, without the credentials of proxies.
    pub(crate) fn set_reason(&mut self, label: &str, text: &str) {
        let text = &*redact::credentials(text);
        match &self.failure_reason {
            Some(first) if first == text => {}
            // `Status: Failed` gives no reason, and a label below it may.
            Some(first) if heading::is_vague(first) => self.failure_reason = Some(text.to_owned()),
            Some(_) => self.keep(label, text),
            None => self.failure_reason = Some(text.to_owned()),
        }
    }

    pub(crate) fn set_link(&mut self, column: &str, link: Option<&str>, field: FieldOf<String>) {
        let Some(link) = link else { return };
        match field(&mut self.stated) {
            None if link.chars().count() > MAX_LINE => {
                self.warn(format!("{column}: the link is too long; ignored"));
            }
            empty @ None => *empty = Some(link.to_owned()),
            Some(_) => {}
        }
    }

    pub(crate) fn set_amount(
        &mut self,
        column: &str,
        text: &str,
        may_be_negative: bool,
        field: FieldOf<Amount>,
    ) {
        let stated = money::without_label(text);
        let stated = if column == "price" { money::without_charges(stated) } else { stated };
        let parsed = money::parse(stated).filter(|parsed| may_be_negative || parsed.amount.hundredths() >= 0);
        let Some(parsed) = parsed else {
            return self.warn_unreadable(column, text, "an amount of money");
        };
        if !self.add_currency_hint(parsed.currency) {
            return self.warn(format!("{column}: in another currency than the amounts before it; ignored"));
        }
        match field(&mut self.stated) {
            Some(first) if *first == parsed.amount => {}
            Some(_) => self.keep(column, text),
            empty => *empty = Some(parsed.amount),
        }
    }

    pub(crate) fn set_count(&mut self, column: &str, text: &str, count: Option<u32>, field: FieldOf<u32>) {
        match (count, field(&mut self.stated)) {
            (Some(count), empty @ None) => *empty = Some(count),
            (Some(_), Some(_)) => {}
            (None, _) => self.warn_unreadable(column, text, "a number from 1 to 1,000,000"),
        }
    }

    /// Returns the date if it is the first one of the column.
    pub(crate) fn set_date(
        &mut self,
        column: &str,
        text: &str,
        zone: Tz,
        field: FieldOf<DateTime<Utc>>,
    ) -> Option<ParsedDate> {
        let date = dates::parse(text, zone);
        match (date, field(&mut self.stated)) {
            (Some(date), empty @ None) => *empty = Some(date.at),
            (Some(_), Some(_)) => return None,
            (None, _) => self.warn_unreadable(column, text, "a date"),
        }
        date
    }

    pub(crate) fn set_status(&mut self, text: &str) {
        let text = values::around_arrow(text).map_or(text, |(_, now)| now);
        if let Some(status) = values::status(text) {
            self.stated.status = self.stated.status.or(Some(status));
        } else if self.set_cancelled_with_reason("status", text) {
            self.stated.status = self.stated.status.or(Some(Status::Cancelled));
        } else if heading::is_failure(text) {
            let reason = || redact::credentials(text).into_owned();
            self.failure_reason = Some(self.failure_reason.take().unwrap_or_else(reason));
        } else if let Some(kind) = heading::parse_outcome(text) {
            self.result = self.result.or(Some(kind));
        } else {
            self.warn_unreadable("status", text, "a known status");
            self.keep("status", text);
        }
    }

    /// Sets the reason from `Cancelled: Item Demand`. Returns false if the text is not of this form.
    fn set_cancelled_with_reason(&mut self, label: &str, text: &str) -> bool {
        let reason = values::status_and_note(text)
            .and_then(|(status, note)| (status == Status::Cancelled).then_some(note));
        match &reason {
            Some(note) if heading::is_hold(note) => self.reason_kind = Some(ReasonKind::Hold),
            Some(note) => {
                self.set_reason(label, note);
                self.reason_kind = self.reason_kind.max(Some(ReasonKind::Cancellation));
            }
            None => {}
        }
        reason.is_some()
    }

    /// Sets the outcome from a `Result` label, whose values may be statuses or phrases of headings.
    pub(crate) fn set_result(&mut self, label: &str, text: &str) {
        if self.set_cancelled_with_reason(label, text) {
            self.result = self.result.or(Some(CardKind::Cancelled));
            return;
        }
        let kind = heading::parse_outcome(text).or_else(|| {
            Some(match values::status(text)? {
                Status::Verified => CardKind::Success,
                Status::Pending => CardKind::Hold,
                Status::Cancelled => CardKind::Cancelled,
                Status::Refunded => CardKind::Refunded,
                Status::Shipped => CardKind::Shipped,
                Status::Delivered => CardKind::Delivered,
                Status::Processing => CardKind::Processing,
                Status::Unverified => return None,
            })
        });
        match kind {
            Some(kind) => self.result = self.result.or(Some(kind)),
            None => self.keep(label, text),
        }
    }

    pub(crate) fn set_author(&mut self, text: &str) {
        self.author = Some(text.to_owned());
        let bot = || bots::bot(text).map(|(name, _)| name.to_owned());
        self.stated.bot = self.stated.bot.take().or_else(bot);
    }

    pub(crate) fn set_footer(&mut self, text: &str) {
        self.footer = Some(text.to_owned());
        if let Some((bot, version)) = bots::bot(text) {
            self.stated.bot = Some(bot.to_owned());
            if let Some(version) = version {
                self.keep("bot_version", &version);
            }
        }
    }

    /// Whether a value of the label `Amount` is the quantity: a small whole number, beside nothing that says otherwise.
    pub(crate) fn is_quantity(&self, text: &str) -> bool {
        let Some(count) = values::small_count(text).filter(|_| self.stated.quantity.is_none()) else {
            return false;
        };
        let amount = self.stated.total.or(self.stated.price);
        amount.map_or(count < 10, |amount| amount.hundredths() > i64::from(count) * 100)
    }

    /// Records what an amount says about its currency. Returns false if it contradicts an earlier amount.
    pub(crate) fn add_currency_hint(&mut self, hint: CurrencyHint) -> bool {
        let contradicts = self.currency_hints.iter().any(|other| match (hint, *other) {
            (CurrencyHint::Absent, _) | (_, CurrencyHint::Absent) => false,
            (CurrencyHint::Named(currency), other) | (other, CurrencyHint::Named(currency)) => {
                !other.allows(currency)
            }
            (a, b) => a != b,
        });
        if !contradicts && !self.currency_hints.contains(&hint) {
            self.currency_hints.push(hint);
        }
        !contradicts
    }

    /// Decides the currency: one that an amount or the card names is stated. Otherwise it is derived from the
    /// store's country or from the configuration. A bare `$` always means a dollar currency; `kr` without a
    /// country leaves the currency unknown.
    pub(crate) fn set_currency(&mut self, configured: Currency) {
        self.use_currency_label();
        let named = self.currency_hints.iter().find_map(|hint| match hint {
            CurrencyHint::Named(currency) => Some(*currency),
            _ => None,
        });
        if named.is_some() {
            self.stated.currency = named;
        } else if !self.currency_hints.is_empty() {
            let store = self.stated.store.as_deref().or(self.derived.store.as_deref());
            self.derived.currency = usual_currency(store, configured, &self.currency_hints);
        }
    }

    fn use_currency_label(&mut self) {
        let Some(text) = self.currency.take() else { return };
        match currency_from_code(&text.to_uppercase()) {
            Some(named) if self.add_currency_hint(CurrencyHint::Named(named)) => return,
            Some(_) => self.warn(format!("currency: the amounts are not in {text}; ignored")),
            None => self.warn_unreadable("currency", &text, "a currency code"),
        }
        self.keep("currency", &text);
    }
}

/// The currency of amounts that name none. The candidates are the currency of the store's country, the
/// configured one and the dollar; the first one that the amounts allow is used.
pub(crate) fn usual_currency(
    store: Option<&str>,
    configured: Currency,
    hints: &[CurrencyHint],
) -> Option<Currency> {
    let fits = |currency: &Currency| hints.iter().all(|hint| hint.allows(*currency));
    let usual = [store.and_then(currency_of_store), Some(configured), Some(Currency::USD)];
    usual.into_iter().flatten().find(fits)
}

/// The currencies of countries, by the end of a store's name (`Best Buy US`) or host (`amazon.co.uk`), and of stores
/// that sell in one country. In upper case.
#[rustfmt::skip]
const CURRENCIES: &[(Currency, &[&str], &[&str])] = &[
    (Currency::USD, &["US", "USA"], &[]),
    (Currency::CAD, &["CA", "CANADA"], &[]),
    (Currency::GBP, &["UK", "GB"], &["ARGOS", "ASDA", "CURRYS", "HARRODS", "TESCO"]),
    (Currency::EUR, &["EU", "DE", "AT", "FR", "IT", "ES", "PT", "NL", "BE", "IE", "FI"], &["FNAC", "OTTO", "SATURN"]),
    (Currency::AUD, &["AU", "AUSTRALIA"], &[]),
    (Currency::NZD, &["NZ"], &[]),
    (Currency::JPY, &["JP", "JAPAN"], &[]),
    (Currency::SGD, &["SG"], &[]),
    (Currency::MXN, &["MX"], &[]),
    (Currency::CHF, &["CH"], &[]),
    (Currency::PLN, &["PL"], &[]),
    (Currency::SEK, &["SE"], &[]),
    (Currency::NOK, &["NO"], &[]),
    (Currency::DKK, &["DK"], &[]),
];

/// The currency in which a store sells, if its name ends in a country or it sells in one country only.
fn currency_of_store(store: &str) -> Option<Currency> {
    let store = store.trim().to_uppercase();
    let is_host = !store.contains(' ') && store.contains('.');
    let country = store.rsplit(|c: char| c == ' ' || is_host && c == '.').next()?;
    let row = CURRENCIES.iter().find(|(_, countries, stores)| {
        (country.len() < store.len() && countries.contains(&country)) || stores.contains(&store.as_str())
    });
    row.map(|(currency, ..)| *currency)
}
