//! Generates the orders of a busy group. The seed is fixed, so that the orders are always the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use iso_currency::Currency;
use roms::order::{Amount, Extra, FieldChange, Fields, Order, OrderNumber, Source, Status};
use roms::store::{LogEntry, NewEvent, OrderFilter, PageStart, Store};

/// Store, the beginning of its order numbers, currency, and its share in percent. Seven of ten numbers have the
/// same beginning.
const STORES: [(&str, &str, Currency, u8); 8] = [
    ("Best Buy US", "BBY01-8071", Currency::USD, 70),
    ("Target US", "1020000", Currency::USD, 12),
    ("Walmart US", "2000132-", Currency::USD, 8),
    ("Best Buy CA", "BBYCA-", Currency::CAD, 4),
    ("Media Markt DE", "MM-", Currency::EUR, 3),
    ("Argos UK", "ARG/", Currency::GBP, 1),
    ("GameStop US", "GS", Currency::USD, 1),
    ("Costco US", "C-", Currency::USD, 1),
];
/// Status, and its share in percent.
const STATUSES: [(Status, u8); 6] = [
    (Status::Verified, 55),
    (Status::Delivered, 25),
    (Status::Shipped, 10),
    (Status::Cancelled, 6),
    (Status::Pending, 3),
    (Status::Refunded, 1),
];
const MAKERS: [&str; 12] = [
    "STARLINK", "Pokémon", "NVIDIA", "Sony", "Nintendo", "LEGO", "Apple", "Samsung", "Dyson", "Bose",
    "Topps", "ASUS",
];
const THINGS: [&str; 10] = [
    "Mini Kit AC Dual Band Wi-Fi System",
    "Trading Card Game Elite Trainer Box",
    "GeForce RTX Founders Edition Graphics Card",
    "PlayStation Console Digital Edition Bundle",
    "Handheld Console OLED Model",
    "Star Destroyer Collector Set",
    "Wireless Noise Cancelling Headphones",
    "Cordless Vacuum Cleaner",
    "Chrome Hobby Box Series",
    "Gaming Monitor 240 Hz",
];
const COLOURS: [&str; 6] = ["White", "Black", "Silver", "Neon Red", "Blue", "Limited Edition"];

/// Days over which the orders are spread.
pub(crate) const DAYS: i64 = 3 * 365;
/// The e-mail address of a single order in a million.
pub(crate) const RARE_EMAIL: &str = "quixotic.zebra@rare.example";

/// Generates orders in the order of their time.
pub(crate) struct Orders {
    rng: Rng,
    next: u64,
    at: DateTime<Utc>,
    step: TimeDelta,
}

impl Orders {
    /// `count` orders, the last of them at `end`.
    pub(crate) fn ending(end: DateTime<Utc>, count: u32) -> Self {
        let span = TimeDelta::days(DAYS);
        Self {
            rng: Rng::with_seed(7),
            next: 0,
            at: end - span,
            step: span / i32::try_from(count).expect("few enough"),
        }
    }

    /// Orders of today with numbers that no stored order has.
    pub(crate) fn of_today(now: DateTime<Utc>) -> Self {
        static ROUND: AtomicU64 = AtomicU64::new(0);
        let round = 1 + ROUND.fetch_add(1, Ordering::Relaxed);
        Self {
            rng: Rng::with_seed(round),
            next: round * 100_000_000,
            at: now,
            step: TimeDelta::milliseconds(1),
        }
    }

    /// The index of a random entry of a table whose weights add up to 100.
    fn weighted<T>(&mut self, table: &[T], weight: impl Fn(&T) -> u8) -> usize {
        let mut left = self.rng.u8(0..100);
        table
            .iter()
            .position(|row| left.checked_sub(weight(row)).map(|rest| left = rest).is_none())
            .unwrap_or(0)
    }
}

impl Iterator for Orders {
    type Item = Order;

    fn next(&mut self) -> Option<Order> {
        let n = self.next;
        self.next += 1;
        self.at += self.step;
        let (store, prefix, currency, _) = STORES[self.weighted(&STORES, |row| row.3)];
        let status = STATUSES[self.weighted(&STATUSES, |row| row.1)].0;
        let product = popular(&mut self.rng, 600);
        let (profile, email) = (popular(&mut self.rng, 400), popular(&mut self.rng, 20_000));
        let price = Amount::from_hundredths(i64::try_from(1_999 + product * 137).expect("small"));
        let quantity = 1 + u32::from(self.rng.u8(0..10) == 0);
        let sent = matches!(status, Status::Shipped | Status::Delivered);
        // Numbers rise with gaps.
        let number = format!("{prefix}{:09}", n * 613 + self.rng.u64(0..613));
        let fields = Fields {
            product: Some(format!(
                "{} - {} {} - {}",
                MAKERS[product % MAKERS.len()],
                THINGS[product / 7 % THINGS.len()],
                100 + product,
                COLOURS[product / 3 % COLOURS.len()],
            )),
            price,
            total: price.and_then(|price| price.times(quantity)),
            quantity: Some(quantity),
            email: Some(match n {
                250_000 => RARE_EMAIL.to_owned(),
                _ => format!("woozy_{}{email}@icloud.example", ["byes", "cats", "owls", "tins"][email % 4]),
            }),
            profile: Some(format!("Lennar #{}-${}-@{:02}", profile % 40, 12 * (profile % 9), profile / 4)),
            proxy_list: Some(format!("ISP {}", profile % 12)),
            status: Some(status),
            tracking_number: sent.then(|| format!("1Z999AA1{:010}", self.rng.u64(0..9_999_999_999))),
            order_date: Some(self.at),
            order_time: Some(self.at.format("%I:%M:%S %p").to_string()),
            store: Some(store.to_owned()),
            currency: Some(currency),
            image_url: Some(format!("https://images.example/products/{product}.jpg")),
            bot: Some("Refract".to_owned()),
            ..Fields::default()
        };
        Some(Order {
            id: 0,
            number: OrderNumber::parse(&number).expect("a number"),
            fields,
            extra: Extra::new(),
            items: Vec::new(),
            derived: ["order_date", "order_time", "total"].into(),
            unreadable: BTreeMap::new(),
            cleared: BTreeSet::new(),
            source: Source::DiscordBot,
            newest: self.at,
            created_at: self.at,
            updated_at: self.at,
        })
    }
}

/// A random number below `of`. Low numbers are the most frequent.
fn popular(rng: &mut Rng, of: usize) -> usize {
    let below = rng.usize(1..=of);
    let below = rng.usize(1..=below);
    rng.usize(..below)
}

/// The log row of the message that created an order.
pub(crate) fn log(order: &Order) -> LogEntry {
    let product = order.fields.product.as_deref().unwrap_or_default();
    let flattened = format!("Successful Checkout\nProduct\n{product}\nOrder Number\n#{}\n", order.number);
    // Ids of messages rise with the time, which they hold in milliseconds from their 22nd bit on.
    let id = (order.newest.timestamp_millis() - 1_420_070_400_000) << 22
        | i64::from(order.newest.timestamp_subsec_nanos()) & 0x3f_ffff;
    let mut rng = Rng::with_seed(id.unsigned_abs());
    LogEntry {
        source: order.source.as_str().to_owned(),
        source_key: Some(format!("discord:{id}:{}", order.number)),
        endpoint: "discord/1112223334445556667/1112223334445556668".to_owned(),
        message_id: Some(id),
        content_hash: Some(format!("{:032x}{:032x}", rng.u128(..), rng.u128(..))),
        outcome: "created".to_owned(),
        payload: format!("{{\"embeds\":[{{\"description\":{flattened:?}}}]}}"),
        flattened,
        sent_at: order.newest,
        created_at: order.created_at,
        ..LogEntry::default()
    }
}

/// The first step of an order's history.
pub(crate) fn event(order: &Order, id: i64, log_id: i64) -> NewEvent {
    let changes = order.fields.named_texts().into_iter().map(|(name, text)| FieldChange {
        field: name.to_owned(),
        old: None,
        new: Some(text),
    });
    NewEvent {
        order_id: id,
        event_type: "created",
        changes: changes.collect(),
        source: order.source,
        log_id: Some(log_id),
        actor: None,
        import: None,
        created_at: order.created_at,
    }
}

/// Some orders of a full database, for queries.
pub(crate) struct Sample(Vec<Order>);

impl Sample {
    /// Reads orders that are spread over the whole database.
    pub(crate) async fn of(store: &Store, count: u32) -> Result<Self> {
        let mut orders = Vec::new();
        for part in 0..20 {
            let near = PageStart::Before(i64::from(count) * part / 20 + 1_000);
            let filter = OrderFilter { status: Some(Status::Delivered), ..OrderFilter::default() };
            orders.extend(store.order_page(&filter, near, 1).await?.items);
        }
        Ok(Self(orders))
    }

    fn order(&self, n: u64) -> &Order {
        &self.0[usize::try_from(n).unwrap_or_default() % self.0.len()]
    }

    pub(crate) fn number(&self, n: u64) -> String {
        self.order(n).number.to_string()
    }

    /// A number without its last two characters.
    pub(crate) fn beginning(&self, n: u64) -> String {
        let number = self.number(n);
        number.chars().take(number.chars().count() - 2).collect()
    }

    /// A number with one wrong character.
    pub(crate) fn mistyped(&self, n: u64) -> String {
        self.number(n).chars().enumerate().map(|(at, c)| if at == 3 { 'x' } else { c }).collect()
    }

    pub(crate) fn email(&self, n: u64) -> String {
        self.order(n).fields.email.clone().unwrap_or_default()
    }

    pub(crate) fn tracking(&self, n: u64) -> String {
        self.order(n).fields.tracking_number.clone().unwrap_or_default()
    }
}
