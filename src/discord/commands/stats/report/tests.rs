//! The embed and the chart for rows from the database.

use iso_currency::Currency::{EUR, GBP, JPY, USD};
use serde_json::Value;

use super::*;
use crate::store::Spend;

fn row(key: &str, orders: u64, void: u64, spend: &[(iso_currency::Currency, i64)]) -> StatRow {
    let spend = spend.iter().map(|(currency, hundredths)| Spend {
        currency: Some(*currency),
        hundredths: *hundredths,
        orders: orders - void,
    });
    let key = Some(key.to_owned()).filter(|key| !key.is_empty());
    StatRow { key, orders, cancelled_or_refunded: void, units: 2 * (orders - void), spend: spend.collect() }
}

/// The embed and the chart for rows of November 2026.
fn asked(by: GroupBy, rows: &[StatRow]) -> (Value, Chart) {
    let today = "2026-11-25".parse().unwrap();
    let period = Period { from: "2026-11-01".parse().ok(), to: "2026-11-30".parse().ok() };
    let question =
        Question { title: "This month".to_owned(), period, by, today, timezone: chrono_tz::Asia::Tokyo };
    let Report { embed, chart } = report(&question, rows, rows);
    (serde_json::to_value(embed.build()).unwrap(), chart.unwrap())
}

fn field<'a>(embed: &'a Value, name: &str) -> &'a str {
    let fields = embed["fields"].as_array().unwrap();
    let found = fields.iter().find(|field| field["name"] == name);
    found.and_then(|field| field["value"].as_str()).unwrap_or_default()
}

fn bars(chart: &Chart) -> Vec<(&str, &str)> {
    chart.bars.iter().map(|bar| (bar.label.as_str(), bar.text.as_str())).collect()
}

#[test]
fn currencies_are_not_mixed_and_the_chart_names_the_one_it_shows() {
    let rows = [
        row("Walmart US", 5, 1, &[(USD, 10_010)]),
        row("Best Buy US", 4, 0, &[(USD, 100_000), (GBP, 500)]),
        row("Media Markt DE", 3, 0, &[(EUR, 900_000)]),
        row("", 1, 1, &[]),
    ];
    let (embed, chart) = asked(GroupBy::Store, &rows);
    assert_eq!(embed["title"], "This month");
    assert_eq!(field(&embed, "Orders"), "13");
    assert_eq!(field(&embed, "Units"), "22");
    assert_eq!(field(&embed, "Cancel rate"), "15.4% (2 of 13)");
    assert_eq!(field(&embed, "Spend"), "1,100.10 USD\n5.00 GBP\n9,000.00 EUR");
    assert_eq!(field(&embed, "Average order"), "137.51 USD\n1.25 GBP\n3,000.00 EUR");
    assert_eq!(
        field(&embed, "By store"),
        "Walmart US: 5 orders · 8 units · **100.10 USD** · 1 cancelled or refunded\n\
         Best Buy US: 4 orders · 8 units · **5.00 GBP** · **1,000.00 USD**\n\
         Media Markt DE: 3 orders · 6 units · **9,000.00 EUR**\n\
         not stated: 1 order · 0 units · 1 cancelled or refunded"
    );
    assert!(embed["footer"]["text"].as_str().unwrap().starts_with("Time zone: Asia/Tokyo."));
    assert_eq!(chart.subtitle, "Spend in USD by store, without GBP and EUR");
    assert_eq!(bars(&chart), [("Best Buy US", "1,000.00"), ("Walmart US", "100.10")]);
    assert_eq!(
        chart.alt_text(),
        "This month. Spend in USD by store, without GBP and EUR: Best Buy US 1,000.00; Walmart US 100.10"
    );
}

#[test]
fn groups_without_a_bar_of_their_own_are_added_up() {
    let rows: Vec<StatRow> =
        (0..13).map(|at| row(&format!("Product {at}"), 20, 0, &[(USD, 1_000 + at)])).collect();
    let (embed, chart) = asked(GroupBy::Product, &rows);
    let lines = field(&embed, "By product");
    assert_eq!(lines.lines().count(), 11);
    assert!(lines.ends_with("\n3 others: 60 orders · 120 units · **30.33 USD**"), "{lines}");
    assert_eq!(chart.bars.len(), 10);
    assert_eq!(chart.bars[0].label, "Product 12", "the highest first");
    let rest = chart.rest.unwrap();
    assert_eq!((rest.label.as_str(), rest.text.as_str()), ("3 others", "30.03"));
}

#[test]
fn a_status_has_its_colour_and_counts_orders() {
    let rows = [row("verified", 3, 0, &[(USD, 500)]), row("cancelled", 2, 2, &[]), row("", 1, 0, &[])];
    let (embed, chart) = asked(GroupBy::Status, &rows);
    assert_eq!(chart.subtitle, "Orders by status");
    assert_eq!(bars(&chart), [("verified", "3"), ("cancelled", "2"), ("not stated", "1")]);
    let colours: Vec<Option<u32>> = chart.bars.iter().map(|bar| bar.colour).collect();
    assert_eq!(colours, [Some(0x0023_A55A), Some(0x00DA_373C), Some(0x0080_848E)]);
    assert!(field(&embed, "By status").starts_with("🟢 verified: 3 orders"));
}

#[test]
fn orders_without_an_amount_are_counted() {
    let (embed, chart) = asked(GroupBy::Profile, &[row("Main", 1_200, 0, &[])]);
    assert_eq!(chart.subtitle, "Orders by profile");
    assert_eq!(bars(&chart), [("Main", "1,200")]);
    assert_eq!((field(&embed, "Spend"), field(&embed, "Average order")), ("", ""));
}

#[test]
fn days_are_chronological_in_the_chart_and_newest_first_on_the_lines() {
    let rows = [row("2026-11-01", 1, 0, &[(JPY, 100)]), row("2026-11-24", 2, 0, &[(JPY, 500)])];
    let (embed, chart) = asked(GroupBy::Day, &rows);
    assert_eq!(chart.subtitle, "Spend in JPY by day");
    assert_eq!(chart.bars.len(), 25, "up to today");
    assert_eq!(bars(&chart)[0], ("1 Nov", "1.00"));
    assert_eq!(bars(&chart)[23], ("24 Nov", "5.00"));
    assert_eq!(
        field(&embed, "By day, newest first"),
        "Tue 24 Nov 2026: 2 orders · 4 units · **5.00 JPY**\nSun 1 Nov 2026: 1 order · 2 units · **1.00 JPY**"
    );
}

#[test]
fn a_name_from_a_card_is_escaped_and_breaks_no_other_line() {
    let evil = format!("@everyone [x](javascript:alert(1)) {}", "*_~`|".repeat(200));
    let rows: Vec<StatRow> = (0..11)
        .map(|at| row(&format!("{at} {evil}"), 9, 1, &[(USD, i64::MAX), (EUR, i64::MAX), (GBP, 1), (JPY, 1)]))
        .collect();
    let (embed, chart) = asked(GroupBy::Product, &rows);
    let fields = embed["fields"].as_array().unwrap();
    let values: Vec<&str> = fields.iter().filter_map(|field| field["value"].as_str()).collect();
    assert!(values.iter().all(|value| utf16_len(value) <= MAX_FIELD_VALUE));
    let lines: Vec<&str> = values.iter().flat_map(|value| value.lines()).collect();
    for at in 0..10 {
        let beginning = format!("{at} @\u{200b}everyone \\[x\\]\\(javascript:alert\\(1\\)\\)");
        let line = lines.iter().find(|line| line.starts_with(&beginning)).unwrap();
        assert!(line.ends_with(" · 1 more currency · 1 cancelled or refunded"), "{line}");
    }
    assert!(lines.iter().any(|line| line.starts_with("1 other: 9 orders")), "{lines:#?}");
    assert!(!chart.alt_text().contains('\u{200b}'), "a picture has no mentions");
}

#[test]
fn without_orders_the_answer_is_a_sentence() {
    let today = "2026-11-25".parse().unwrap();
    for (period, expected) in [
        (Period::default(), "There are no orders yet."),
        (Period::day(today), "No orders in this period: Today · 25 Nov 2026."),
    ] {
        let title = "Today · 25 Nov 2026".to_owned();
        let question = Question { title, period, by: GroupBy::Day, today, timezone: chrono_tz::UTC };
        let Report { embed, chart } = report(&question, &[], &[]);
        assert!(chart.is_none());
        assert!(embed.description.starts_with(expected), "{}", embed.description);
    }
}
