//! Times queries on a large database, each many times.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use chrono::{DateTime, Days, Utc};
use roms::order::{Status, View};
use roms::store::{GroupBy, OrderFilter, PageStart, Period, Store};

use crate::orders::{RARE_EMAIL, Sample};
use crate::report::{Row, milliseconds};

/// How often each query runs.
const TIMES: u64 = 21;
/// Orders on a page.
const PAGE: u64 = 50;

/// Times every query.
pub(crate) async fn measure(store: &Store, now: DateTime<Utc>, count: u32) -> Result<Vec<Row>> {
    let mut queries = Queries { store, rows: Vec::new() };
    let sample = Sample::of(store, count).await?;
    queries.pages(PageStart::Before(i64::from(count / 2))).await?;
    queries.dates(now).await?;
    queries.totals().await?;
    queries.single(&sample).await?;
    queries.searches(&sample).await?;
    queries.stats(now).await?;
    Ok(queries.rows)
}

/// Returns the n-th text of a kind.
type TextOf = fn(&Sample, u64) -> String;

struct Queries<'a> {
    store: &'a Store,
    rows: Vec<Row>,
}

impl Queries<'_> {
    /// Pages of the list.
    async fn pages(&mut self, deep: PageStart) -> Result<()> {
        let store = self.store;
        let all = OrderFilter::default;
        self.page("newest page", &all(), PageStart::Newest).await?;
        self.page("page by cursor, half way down", &all(), deep).await?;
        self.page("last page", &all(), PageStart::Oldest).await?;
        self.time("page 200 by number", async |_| {
            Ok(store.order_page_at_offset(&all(), 9_950, PAGE).await?.items.len())
        })
        .await?;
        for (name, status) in [
            ("55 % of all", Status::Verified),
            ("1 % of all", Status::Refunded),
            ("none", Status::Processing),
        ] {
            let filter = OrderFilter { status: Some(status), ..all() };
            self.page(&format!("by status: {name}"), &filter, PageStart::Newest).await?;
            self.page(&format!("by status, half way down: {name}"), &filter, deep).await?;
        }
        for (name, shop) in [("70 % of all", "best buy us"), ("1 % of all", "COSTCO US")] {
            let filter = OrderFilter { store: Some(shop.to_owned()), ..all() };
            self.page(&format!("by store: {name}"), &filter, PageStart::Newest).await?;
            let filter = OrderFilter { status: Some(Status::Refunded), ..filter };
            self.page(&format!("by store and status: {name} and 1 %"), &filter, deep).await?;
        }
        Ok(())
    }

    /// Pages of one person and of periods.
    async fn dates(&mut self, now: DateTime<Utc>) -> Result<()> {
        let all = OrderFilter::default;
        self.page(
            "by e-mail: one order",
            &OrderFilter { email: Some(RARE_EMAIL.to_uppercase()), ..all() },
            PageStart::Newest,
        )
        .await?;
        let month =
            OrderFilter { since: Some(now - Days::new(400)), until: Some(now - Days::new(370)), ..all() };
        self.page("by date: a month long ago", &month, PageStart::Newest).await?;
        self.page(
            "by date: the last month",
            &OrderFilter { since: Some(now - Days::new(30)), ..all() },
            PageStart::Newest,
        )
        .await?;
        Ok(())
    }

    /// Totals of filters.
    async fn totals(&mut self) -> Result<()> {
        let store = self.store;
        let all = OrderFilter::default;
        for (name, filter) in [
            ("all", all()),
            ("of a status", OrderFilter { status: Some(Status::Verified), ..all() }),
            ("of a store", OrderFilter { store: Some("best buy us".to_owned()), ..all() }),
            (
                "of a store and a status",
                OrderFilter { store: Some("best buy us".to_owned()), status: Some(Status::Pending), ..all() },
            ),
            ("of a search with many hits", OrderFilter { search: Some("starlink".to_owned()), ..all() }),
        ] {
            self.time(&format!("total: {name}"), async |_| {
                Ok(usize::try_from(store.count_orders(&filter).await?.count)?)
            })
            .await?;
        }
        Ok(())
    }

    /// Autocompletion, and single orders by their number.
    async fn single(&mut self, sample: &Sample) -> Result<()> {
        let store = self.store;
        for (name, typed) in [
            ("a beginning of 70 % of the numbers", "BBY01"),
            ("a longer beginning of 70 % of the numbers", "#bby01-8071"),
            ("a beginning of 1 % of the numbers", "arg"),
            ("two letters", "bb"),
            ("a word of a product", "starlink"),
            ("a part of an e-mail", "quixotic"),
            ("nothing like it", "qqqqq"),
        ] {
            self.time(&format!("complete: {name}"), async |_| {
                Ok(store.autocomplete(typed, View::Full, 25).await?.len())
            })
            .await?;
        }
        self.time("complete: a number without its end", async |n| {
            Ok(store.autocomplete(&sample.beginning(n), View::Full, 25).await?.len())
        })
        .await?;
        self.time("nearest: one typing error", async |n| {
            Ok(store.similar_numbers(&sample.mistyped(n), 5).await?.len())
        })
        .await?;
        self.time("order by number in another case", async |n| {
            Ok(usize::from(store.order(&sample.number(n).to_lowercase()).await?.is_some()))
        })
        .await?;
        Ok(())
    }

    /// Substring searches.
    async fn searches(&mut self, sample: &Sample) -> Result<()> {
        let store = self.store;
        let all = OrderFilter::default;
        for (name, text) in [
            ("number, common", "bby01"),
            ("number, common and long", "BBY01-8071"),
            ("product, common", "starlink"),
            ("product, common and long", "trading card game elite trainer box"),
            ("e-mail, common", "icloud.example"),
            ("e-mail, rare", "zebra@rare"),
            ("e-mail, rare and long", RARE_EMAIL),
            ("profile", "lennar #8-$"),
            ("five digits", "48813"),
            ("nothing", "nothing like it"),
            ("nothing, of common parts", "starlink pokémon nvidia"),
            ("two letters", "qz"),
        ] {
            let filter = OrderFilter { search: Some(text.to_owned()), ..all() };
            self.page(&format!("search: {name}"), &filter, PageStart::Newest).await?;
        }
        let whole: [(&str, TextOf); 3] = [
            ("a whole number", Sample::number),
            ("a whole e-mail", Sample::email),
            ("a whole tracking number", Sample::tracking),
        ];
        for (name, text) in whole {
            self.time(&format!("search: {name}"), async |n| {
                let filter = OrderFilter { search: Some(text(sample, n)), ..all() };
                Ok(store.order_page(&filter, PageStart::Newest, PAGE).await?.items.len())
            })
            .await?;
        }
        Ok(())
    }

    /// Statistics.
    async fn stats(&mut self, now: DateTime<Utc>) -> Result<()> {
        let store = self.store;
        let today = now.date_naive();
        let month = Period { from: today.checked_sub_days(Days::new(29)), to: Some(today) };
        for (span, period) in [("a month", month), ("everything", Period::default())] {
            for by in [GroupBy::Day, GroupBy::Store, GroupBy::Status, GroupBy::Profile, GroupBy::Product] {
                self.time(&format!("stats of {span} by {by:?}"), async |_| {
                    Ok(store.stats(&period, by).await?.len())
                })
                .await?;
            }
        }
        Ok(())
    }

    async fn page(&mut self, name: &str, filter: &OrderFilter, from: PageStart) -> Result<()> {
        let store = self.store;
        self.time(name, async |_| Ok(store.order_page(filter, from, PAGE).await?.items.len())).await
    }

    /// Runs a query once to warm up, then times it many times. The query receives the number of the run.
    async fn time(&mut self, name: &str, query: impl AsyncFn(u64) -> Result<usize>) -> Result<()> {
        let mut found = query(0).await?;
        let mut times = Vec::new();
        for n in 1..=TIMES {
            let begun = Instant::now();
            found = query(n).await?;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let middle = times.get(times.len() / 2).ok_or_else(|| anyhow!("the query ran at least once"))?;
        let most = times.last().copied().unwrap_or(Duration::ZERO);
        self.rows.push(Row(vec![
            name.to_owned(),
            milliseconds(*middle),
            milliseconds(most),
            found.to_string(),
        ]));
        Ok(())
    }
}
