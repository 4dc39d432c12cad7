//! Which cards are orders and which are not.

use super::{check, embed_with, read_all};

fn card_with_heading(heading: &str, rest: &str) -> String {
    format!("{heading}\nProduct\nFraud Squad\nOrder Number\n#A-1\n{rest}")
}

#[test]
fn every_success_phrase_is_a_success() {
    for heading in [
        "Successful Checkout | Target",
        "Successful Checkout!",
        "Successful Checkout",
        "Successfully Checked Out",
        "Successfully checked out!",
        "**Checked Out!**",
        "AlpineAIO - Checked Out!",
        "Successful checkout (Safe)",
        "Checkout Success",
        "Checkout Successful",
        ":rocket: Kodai Success :rocket:",
        "Success - Target",
        "You cooked",
        "Copped!",
        "Checkout link",
        "✅ Successful Checkout | Target",
        "# Successful Checkout | Target",
        "SUCCESSFUL CHECKOUT | Target",
        "Order Confirmed",
        "Order Placed | Target",
        "Successful Checkut | Target",
        "Pre-Order Confirmed | Target",
    ] {
        check(&[(heading, &card_with_heading(heading, ""), &[("~status", "verified"), ("number", "A-1")])]);
    }
    for heading in ["Successful Checkout (Review Hold)", "Successful Checkout (Review Hold) | Target"] {
        check(&[(heading, &card_with_heading(heading, ""), &[("~status", "pending"), ("number", "A-1")])]);
    }
}

#[test]
fn every_failure_phrase_is_a_failure_in_the_heading_and_in_the_status() {
    for phrase in [
        "checkout failed",
        "payment failed",
        "payment declined",
        "card declined",
        "card decline",
        "declined",
        "out of stock",
        "oos",
        "sold out",
        "shapeblock",
        "shape block",
        "blocked",
        "error",
        "unavailable",
        "denied",
        "unsuccessful",
        "fraud",
        "insufficient funds",
        "payment cancelled",
        "bad card",
    ] {
        for text in [
            card_with_heading(phrase, ""),
            card_with_heading(&format!("❌ {} | Target", phrase.to_uppercase()), ""),
            card_with_heading("Successful Checkout | Target", &format!("Status\n{phrase}")),
        ] {
            let cards = read_all(&text);
            assert_eq!(cards.len(), 1, "{text}: {cards:?}");
            assert_eq!(cards[0].get("no order").map(String::as_str), Some("failure"), "{text}");
        }
        let embed = embed_with(&[("Order Number", "A-1"), ("Status", phrase)]);
        assert_eq!(read_all(&embed)[0]["no order"], "failure", "{phrase}");
        for label in ["Product", "Profile", "Store", "Notes", "Warehouse"] {
            let embed = embed_with(&[("Order Number", "A-1"), (label, phrase), ("Price", "$5")]);
            assert_eq!(read_all(&embed)[0]["number"], "A-1", "{phrase} in {label} means nothing");
            if label != "Warehouse"
                && !matches!(
                    phrase,
                    "checkout failed"
                        | "payment failed"
                        | "payment declined"
                        | "card declined"
                        | "card decline"
                )
            {
                let text = card_with_heading("Successful Checkout | Target", &format!("{label}\n{phrase}"));
                assert_eq!(read_all(&text)[0]["number"], "A-1", "{phrase} in {label} means nothing in text");
            }
        }
    }
    for name in ["Fraud Squad", "Error Card", "Declined: the Game", "Test Product", "Order Cancelled Tee"] {
        let text = format!("Successful Checkout | S\nProduct\n{name}\nOrder Number\nA-1");
        check(&[(name, &text, &[("product", name), ("number", "A-1")])]);
    }
}

#[test]
fn a_reason_makes_a_failure_but_not_of_a_cancellation() {
    for label in ["Reason", "Decline Reason", "Fraud Reason", "Failure Reason"] {
        let text = card_with_heading("Successful Checkout | Target", &format!("{label}\nNot enough money"));
        check(&[(label, &text, &[("no order", "failure"), ("reason", "Not enough money")])]);
        let text = card_with_heading("Successful Checkout | Target", &format!("{label}\nN/A"));
        check(&[(label, &text, &[("number", "A-1")])]);
        for cancelled in ["Order Cancelled | Target", "Order Canceled"] {
            let text = card_with_heading(cancelled, &format!("{label}\nQuantity limit"));
            check(&[(
                cancelled,
                &text,
                &[
                    ("number", "A-1"),
                    ("status", "cancelled"),
                    ("cancel_reason", "Quantity Limit"),
                    ("extra.failure_reason", ""),
                ],
            )]);
        }
        let text = card_with_heading("Order Update | Target", &format!("Status\nRefunded\n{label}\nDamaged"));
        check(&[(label, &text, &[("status", "refunded"), ("extra.failure_reason", "Damaged")])]);
    }
    check(&[
        (
            "remark",
            "Checkout Failed - Out of stock\nProduct\nX",
            &[("no order", "failure"), ("reason", "Out of stock")],
        ),
        (
            "cancel reason",
            &card_with_heading("Order Update", "Cancel Reason\nLimit"),
            &[("status", "cancelled"), ("cancel_reason", "Limit"), ("extra.failure_reason", "")],
        ),
    ]);
}

#[test]
fn a_heading_about_an_existing_order_states_its_status() {
    for (heading, status) in [
        ("Order Cancelled | Target", "cancelled"),
        ("Order Canceled", "cancelled"),
        ("Order Shipped | Target", "shipped"),
        ("Order Delivered", "delivered"),
        ("Order Refunded", "refunded"),
        ("Order Update", ""),
        ("Tracking Update", ""),
    ] {
        check(&[(
            heading,
            &card_with_heading(heading, ""),
            &[("status", status), ("~status", ""), ("number", "A-1")],
        )]);
    }
    let text = card_with_heading("Successful Checkout | Store", "Status\nShipped");
    check(&[("a stated status wins over the heading", &text, &[("status", "shipped")])]);
}

#[test]
fn test_cards_and_monitor_cards_are_not_orders() {
    for (text, kind) in [
        ("Test Webhook", "test"),
        ("Webhook Test\nYour webhook works", "test"),
        ("Test", "test"),
        ("Refract Test Webhook", "test"),
        ("This is a test webhook", "test"),
        ("Webhook test successful!", "test"),
        ("test notification\nProduct\nX\nPrice\n$5", "test"),
        ("Restock | Target\nProduct\nX\nPrice\n$5", "monitor"),
        ("In Stock!\nTitle\nX", "monitor"),
        ("Price Drop\nProduct\nX", "monitor"),
    ] {
        check(&[(text, text, &[("no order", kind)])]);
    }
    for (heading, kind) in [
        ("Refract Test Webhook", "test"),
        ("This is a test webhook", "test"),
        ("Webhook test successful!", "test"),
        ("This is a test", "test"),
        ("Test Checkout | Target", "test"),
        ("[TEST] Successful Checkout", "test"),
        ("TEST Successful Checkout | Target", "test"),
        ("Successful Checkout (Test)", "test"),
        ("Sample Webhook", "test"),
        ("Restock", "monitor"),
        ("Price Drop | Target", "monitor"),
    ] {
        check(&[(heading, &card_with_heading(heading, ""), &[("no order", kind)])]);
    }
}
