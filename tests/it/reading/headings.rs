//! Headings: the outcome wherever a heading puts it, and the store, the reason or the bot's name beside it.

use proptest::prelude::*;
use roms::card::parse::text_form::{Line, classify};
use serde_json::json;

use super::{check, read_all, read_cards};

/// A card whose embed has this title and the labels of an order.
fn titled(title: &str) -> String {
    json!({"embeds": [{"title": title, "fields": [
        {"name": "Product", "value": "Example Box"},
        {"name": "Order Number", "value": "A-1"},
        {"name": "Price", "value": "$5"},
    ]}]})
    .to_string()
}

#[test]
fn a_success_is_found_with_its_store() {
    for (title, store) in [
        ("Venetia Successful Checkout! :tada:", ""),
        ("CanadaComputers-V0.0.1 | Successful Checkout :white_check_mark:", ""),
        ("Successful Checkout: Target", "Target"),
        ("Successful Checkout - Target", "Target"),
        ("Successful Checkout (Fast) | Target", "Target"),
        ("Successful Checkout on Best Buy US", "Best Buy US"),
        ("Successful Checkout | Polar AIO", ""),
        ("Successful Checkout | Target | Polar AIO", "Target"),
        ("Polar AIO | Successful Checkout | Target", "Target"),
        ("Target | Successful Checkout", "Target"),
        ("Order Successfully Placed", ""),
        ("Your order has been placed!", ""),
        ("Order placed successfully at Target", "Target"),
        ("Succesfully Checked Out!", ""),
        ("Sucessful Checkout | Target", "Target"),
        ("Successfull checkout", ""),
        ("Checkout Successfull | Walmart", "Walmart"),
        ("Dashe Checkout (Example Kicks)", "Example Kicks"),
        ("HayhaAIO: Successful Checkout!", ""),
        ("🎉 Purchase Successful 🎉", ""),
        ("Succesful chekout!", ""),
        ("Target Successful Checkout", "Target"),
        ("Best Buy US - Successful Checkout", "Best Buy US"),
        ("Successful Checkout ➜ Walmart", "Walmart"),
        ("You have successfully checked out Example Box!", ""),
        ("Thank you for your order!", ""),
        ("You checked out!", ""),
        ("Shikari - Walmart Success", "Walmart"),
        ("Success ✅ Target", "Target"),
        ("ACO Success | Target", "Target"),
        ("W Checkout | Target", "Target"),
        ("Checkout on Target was successful", "Target"),
        ("Confirmed: Target", "Target"),
    ] {
        let expected = [("~status", "verified"), ("number", "A-1"), ("~store", store), ("status", "")];
        check(&[(title, &titled(title), &expected)]);
    }
}

#[test]
fn a_failure_is_found_with_its_reason() {
    for (title, reason) in [
        ("Bot-V0.0.1 | Checkout Failed :x:", ""),
        ("CanadaComputers-V0.0.1 | Checkout Failed :x: ", ""),
        ("Your card was declined", "Card declined"),
        ("Your payment has been declined.", "Payment declined"),
        ("Out of stock", "Out of stock"),
        ("Declined", ""),
        ("Checkout Failed: Out of stock", "Out of stock"),
        ("Checkout Failed - Out of stock", "Out of stock"),
        ("Checkout Failed (Card Declined)", "Card Declined"),
        ("Payment Failed due to insufficient funds", "insufficient funds"),
        ("Polar AIO Checkout Failed!", ""),
        ("Dashe Checkout Failed (Example Kicks)", ""),
        ("Declined: CVV Mismatch", "CVV Mismatch"),
        ("Unfortunately, your checkout failed", ""),
        ("Chekout Faild", ""),
        ("Checkout Attempt Failed", ""),
        ("We couldn't place your order", ""),
        ("Could not complete checkout", ""),
        ("Your payment didn't go through", "Payment didn't go through"),
        ("Task Failed Successfully", "Task Failed Successfully"),
    ] {
        check(&[(title, &titled(title), &[("no order", "failure"), ("reason", reason)])]);
    }
}

#[test]
fn a_cancellation_is_found_with_its_reason_and_a_hold_is_none() {
    for (title, reason) in [
        ("Order Canceled: Item Demand", "Item Demand"),
        ("Order Canceled: Policy - Quantity Limit", "Policy - Quantity Limit"),
        ("Order Cancelled - Item Demand", "Item Demand"),
        ("Order Cancelled (Item Demand)", "Item Demand"),
        ("Your order was cancelled", ""),
        ("Shikari | Order Canceled", ""),
        ("Order has been canceled due to Item Demand", "Item Demand"),
        ("Canceled: Item Demand", "Item Demand"),
        ("Canceled: Policy - Quantity Limit", "Policy - Quantity Limit"),
        ("Order Auto-Cancelled", ""),
        ("Checkout Cancelled", ""),
        ("Canceled Order Detected! | Target", ""),
        ("Order Canceled: Target", ""),
        ("Order Canceled: Walmart - Item Demand", "Item Demand"),
    ] {
        let one_spelling = reason.trim_start_matches("Policy - ");
        let expected = [
            ("status", "cancelled"),
            ("extra.failure_reason", ""),
            ("cancel_reason", one_spelling),
            ("~status", ""),
        ];
        check(&[(title, &titled(title), &expected)]);
    }
    for title in
        ["REVIEW_HOLD", "Order Canceled: REVIEW_HOLD", "Successful Checkout (Review Hold)", "Order On Hold"]
    {
        check(&[(title, &titled(title), &[("~status", "pending"), ("status", "")])]);
    }
    for label in ["Reason", "Cancel Reason", "Fraud Reason", "Result"] {
        for title in ["Successful Checkout", "Order Cancelled"] {
            let text = format!("{title}\nOrder Number\nA-1\n{label}\nREVIEW_HOLD\n");
            check(&[(label, &text, &[("~status", "pending"), ("status", ""), ("cancel_reason", "")])]);
        }
    }
}

#[test]
fn news_about_an_order_is_found_in_a_sentence() {
    for (title, status) in [
        ("Your order has shipped!", "shipped"),
        ("Your order has been delivered", "delivered"),
        ("Order is out for delivery", "shipped"),
        ("Your order was refunded", "refunded"),
        ("Order Shipped: Target", "shipped"),
        ("Shipping Confirmation | Target", "shipped"),
        ("Shipment Notification", "shipped"),
        ("Shipment Update: Out for delivery", "shipped"),
        ("Target: Shipped", "shipped"),
        ("Order #A-1: Shipped", "shipped"),
        ("Your Amazon.com order of Acme Kettle has shipped!", "shipped"),
        (
            "Your Amazon order of \"Acme Kettle 1.7 l, with a lid and a very long name\" was delivered",
            "delivered",
        ),
        ("Picked up | Best Buy", "delivered"),
        ("Order Processing", "processing"),
        ("Order Void", "cancelled"),
        ("Cancellation Notice", "cancelled"),
    ] {
        let expected = [("status", status), ("~status", ""), ("extra.failure_reason", "")];
        check(&[(title, &titled(title), &expected)]);
    }
}

#[test]
fn a_message_that_is_not_about_an_order_is_named_as_what_it_is() {
    for (title, code) in [
        ("🛒 Product Carted!", "cart"),
        ("Successfully added to cart", "cart"),
        (":credit_card: Confirm 3D Secure Payment :credit_card:", "three_d_secure"),
        ("3DS Required", "three_d_secure"),
        ("3DS Authentication Required", "three_d_secure"),
        ("Waiting for 3DS...", "three_d_secure"),
        ("Passed Queue!", "queue"),
        ("You are in queue", "queue"),
        ("Waiting Room", "queue"),
        ("Release Reminder", "release"),
        ("Upcoming Release: Example Box", "release"),
        ("Foo Product Carted!", "cart"),
        ("Added to cart on Target", "cart"),
        ("Drop Summary for Target", "summary"),
        ("Your account has been created", "account"),
        ("📊 Drop Summary — #checkout — today", "summary"),
        ("Daily Summary", "summary"),
        ("Account Created", "account"),
        ("Account successfully created!", "account"),
        ("Approve 3D Secure in your bank app", "three_d_secure"),
        ("3DS App Prompt", "three_d_secure"),
        ("PayPal Link Ready", "three_d_secure"),
        ("Checkout Link Ready", "three_d_secure"),
        ("Task Started", "task"),
        ("New Product Loaded", "task"),
        ("Deal Alert: 50% off", "monitor"),
        ("Drop Recap", "summary"),
    ] {
        check(&[(title, &titled(title), &[("no order", code)])]);
    }
    for (title, code) in [
        ("Restock | Target", "monitor"),
        ("Back in Stock!", "monitor"),
        ("RESTOCK: Example Box", "monitor"),
        ("Connection Test", "test"),
        ("Webhook connected successfully", "test"),
    ] {
        let payload = json!({"embeds": [{"title": title, "description": "Example Box"}]}).to_string();
        check(&[(title, &payload, &[("no order", code)])]);
    }
}

#[test]
fn a_result_counts_more_than_the_title_and_the_title_is_then_the_product() {
    for (result, key, value) in [
        ("Success", "~status", "verified"),
        ("Successful", "~status", "verified"),
        ("Failed", "no order", "failure"),
        ("Declined", "no order", "failure"),
        ("Cancelled", "status", "cancelled"),
        ("On Hold", "~status", "pending"),
    ] {
        let payload =
            json!({"embeds": [{"title": "Success Kid Plush", "url": "https://x.example/p", "fields": [
                {"name": "Result", "value": result},
                {"name": "Order Number", "value": "A-1"},
            ]}]})
            .to_string();
        check(&[(result, &payload, &[(key, value)])]);
        if key != "no order" {
            let expected = [("~product", "Success Kid Plush"), ("~product_url", "https://x.example/p")];
            check(&[(result, &payload, &expected)]);
        }
    }
    let footer = json!({"embeds": [{"title": "Example Box", "footer": {"text": "Enven - Success"},
        "fields": [{"name": "Order", "value": "7"}]}]});
    check(&[("footer", &footer.to_string(), &[("~product", "Example Box"), ("~status", "verified")])]);
}

#[test]
fn a_color_counts_only_for_bots_that_use_it() {
    let card = |footer: &str, color: u32| {
        json!({"embeds": [{"title": "Successful Checkout!", "color": color, "footer": {"text": footer},
            "fields": [{"name": "Order ID", "value": "102"}, {"name": "Site", "value": "Target"}]}]})
        .to_string()
    };
    for (color, key, status) in [
        (0x43_B581, "~status", "verified"),
        (0xFA_A61A, "~status", "pending"),
        (0xF0_4747, "status", "cancelled"),
    ] {
        check(&[("Shikari", &card("Shikari", color), &[(key, status)])]);
        check(&[("another bot", &card("Other", color), &[("~status", "verified"), ("status", "")])]);
    }
}

/// Names of products and stores, and prose, that contain the words of outcomes.
const WORDS: &[&str] = &[
    "Order",
    "Cancelled",
    "Successful",
    "Checkout",
    "Declined",
    "the",
    "Game",
    "Fraud",
    "Squad",
    "Error",
    "Card",
    "Test",
    "Product",
    "Shipped",
    "Target",
    "Best Buy US",
    "Walmart",
    "Success",
    "Kid",
    "your",
    "was",
    "has been",
    "placed",
    "|",
    "-",
    ":",
    "(",
    ")",
    "!",
    "not",
    "my",
    "friend",
    "delivered",
    "Refund",
    "thanks",
    "tomorrow",
    "🎉",
    "**",
    "#1",
    "\n",
];

proptest! {
    #[test]
    fn prose_without_a_label_is_never_an_order(words in prop::collection::vec(prop::sample::select(WORDS), 1..12)) {
        let text = words.join(" ");
        // `Product - Kid` has a label.
        if text.lines().any(|line| matches!(classify(line.trim()), Line::Label(..))) {
            return Ok(());
        }
        for payload in [
            json!({"id": "1450000000000000000", "content": text}),
            json!({"id": "1450000000000000000", "embeds": [{"title": text}]}),
            json!({"id": "1450000000000000000", "embeds": [{"description": text}]}),
        ] {
            for (form, card) in read_cards(&payload.to_string(), true) {
                prop_assert!(!card.is_some_and(|card| card.contains_key("number")), "{form}");
            }
        }
    }

    #[test]
    fn the_name_of_a_product_never_changes_the_outcome(words in prop::collection::vec(prop::sample::select(WORDS), 1..6)) {
        let name = words.join(" ").replace('\n', " ");
        let embed = json!({"embeds": [{"title": "Successful Checkout | Target", "fields": [
            {"name": "Product", "value": name}, {"name": "Order Number", "value": "A-1"},
        ]}]});
        let card = read_all(&embed.to_string()).remove(0);
        prop_assert_eq!(card.get("~status").map(String::as_str), Some("verified"));
        prop_assert_eq!(card.get("status"), None);
        prop_assert_eq!(card.get("~store").map(String::as_str), Some("Target"));
    }
}

#[test]
fn a_reason_of_a_cancellation_has_one_spelling() {
    for reason in [
        "Item Demand",
        "ITEM_DEMAND",
        "item demand",
        "Policy - Item Demand",
        "POLICY - ITEM_DEMAND",
        "Policy: Item Demand.",
    ] {
        let card = format!("Order Cancelled | Target\nOrder Number\nA-1\nCancel Reason\n{reason}\n");
        check(&[(reason, &card, &[("cancel_reason", "Item Demand")])]);
    }
}

#[test]
fn an_update_says_what_happened_in_a_sentence_below_but_not_in_prose() {
    for (description, status) in [
        ("Your order has been **canceled** due to item demand.", "cancelled"),
        ("Your order has shipped!", "shipped"),
        ("Good news: it is on its way", ""),
        ("If your order was canceled, contact us.", ""),
        ("Orders that were cancelled cannot be restored", ""),
    ] {
        let card = json!({"embeds": [{"title": "Order Update | Target", "description": description,
            "fields": [{"name": "Order Number", "value": "A-1"}]}]});
        check(&[(
            description,
            &card.to_string(),
            &[("status", status), ("~store", "Target"), ("number", "A-1")],
        )]);
    }
    for title in
        ["Order Update: Shipped Vintage Tee", "Shipped! The Card Game", "Bot #2 | Successful Checkout"]
    {
        check(&[(title, &titled(title), &[("status", ""), ("number", "A-1")])]);
    }
}

#[test]
fn an_order_number_in_a_heading_is_read() {
    for (title, key, status) in [
        ("Order #12345 confirmed", "~status", "verified"),
        ("Order 12345 has been cancelled", "status", "cancelled"),
    ] {
        let card =
            json!({"embeds": [{"title": title, "fields": [{"name": "Product", "value": "Example Box"}]}]});
        check(&[(title, &card.to_string(), &[("number", "12345"), (key, status)])]);
    }
}
