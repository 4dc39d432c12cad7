//! The lines about cards in the terminal.

use std::time::{Duration, Instant};

use roms::card::message::Message;
use roms::clock::now;
use roms::log_limit::LogLimiter;

use crate::support::app::{ORDERS, until};
use crate::support::edge::Log;
use crate::support::pipeline::Pipeline;

/// The lines about cards, without time and level.
fn lines(log: &Log) -> Vec<String> {
    let text = log.text();
    let lines = text.lines().filter_map(|line| line.split_once(" INFO roms::cards: "));
    lines.map(|(_, line)| line.split(" log.id=").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_card_has_a_line_without_personal_data() {
    let (log, _listening) = Log::listen();
    let pipeline = Pipeline::start().await;
    let card = "Successful Checkout | Best Buy US\nProduct\nSTARLINK - Mini Kit\nPrice\n$299.99\nOrder Number\n\
                #BBY01-1\nEmail\nwoozy@icloud.com\nProfile\nLennar #8\nProxy List\nuser:pass@10.0.0.1:80\n";
    pipeline.post(card, 0).await;
    pipeline.post(&card.replace("Successful Checkout", "Order Shipped"), 1).await;
    pipeline.post(card, 2).await;
    pipeline.post("Successful Checkout | a@b.c\nOrder Number\nA-1\n", 3).await;
    pipeline.post("Checkout Failed | Store\nProduct\nThing\nReason\nwoozy@icloud.com declined\n", 4).await;
    pipeline.post("hello", 5).await;
    pipeline.discord(5, "Order Number\nA-2\n", 0).await;
    // An unchanged copy leaves neither a row nor a line.
    pipeline.discord(5, "Order Number\nA-2\n", 0).await;
    pipeline.end().await;
    assert_eq!(
        lines(&log),
        [
            "order created BBY01-1 299.99 USD Best Buy US",
            "order updated BBY01-1 299.99 USD Best Buy US",
            "order unchanged BBY01-1 299.99 USD Best Buy US",
            "order created A-1",
            "card ignored: failed checkout, not an order",
            "card rejected: no heading such as \"Successful Checkout | Store\" and no labels such as \"Order \
             Number\", each on a line of its own, were found",
            "order created A-2",
        ]
    );
}

#[tokio::test]
async fn cards_beyond_20_a_second_are_counted() {
    let (log, _listening) = Log::listen();
    let pipeline = Pipeline::start().await;
    let mut pending = Vec::new();
    for at in 0..100 {
        let message = Message::from_payload(&format!("Order Number\nA-{at}\n"), ORDERS, now());
        pending.push(pipeline.ingest.enqueue(message).await.unwrap());
    }
    for pending in pending {
        pending.receipt().await.unwrap();
    }
    let counted = || {
        let lines = lines(&log);
        let summaries = lines.iter().filter_map(|line| line.strip_prefix("more cards within a second: "));
        summaries
            .map(|counts| counts.strip_suffix(" created").unwrap().parse::<usize>().unwrap())
            .sum::<usize>()
    };
    let single = || lines(&log).iter().filter(|line| line.starts_with("order created ")).count();
    until("every card is accounted for", async || single() + counted() == 100).await;
    assert!(counted() > 0);
    pipeline.end().await;
}

#[test]
fn the_first_20_events_of_a_second_have_lines_and_the_rest_are_counted() {
    let mut limiter = LogLimiter::default();
    let start = Instant::now();
    let after = |millis| start + Duration::from_millis(millis);
    for millis in 0..20 {
        assert!(limiter.admit("created", after(millis)));
    }
    assert_eq!(limiter.summary_due(), None);
    assert!(!limiter.admit("created", after(21)));
    assert!(!limiter.admit("rejected", after(22)));
    assert!(!limiter.admit("created", after(999)));
    assert_eq!(limiter.take_summary(after(999)), None, "not yet due");
    assert_eq!(limiter.take_summary(after(1000)).as_deref(), Some("2 created, 1 rejected"));
    assert_eq!(limiter.take_summary(after(2000)), None, "nothing was counted since");
    assert!(limiter.admit("created", after(1001)), "a new second has begun");
}

#[test]
fn counts_that_were_not_taken_in_time_are_part_of_the_next_summary() {
    let mut limiter = LogLimiter::default();
    let start = Instant::now();
    for _ in 0..25 {
        limiter.admit("created", start);
    }
    assert!(limiter.admit("created", start + Duration::from_secs(3)));
    assert_eq!(limiter.take_summary(start + Duration::from_secs(4)).as_deref(), Some("5 created"));
}
