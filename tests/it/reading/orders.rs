//! Texts with several orders, and orders with several products.

use super::text::SUPPORTED_FORMAT;
use super::{check, read_all};

#[test]
fn several_orders_in_one_text_are_several_orders() {
    let two = SUPPORTED_FORMAT.to_owned() + &SUPPORTED_FORMAT.replace("807102506907", "2");
    let numbers: Vec<String> = read_all(&two).iter().map(|card| card["number"].clone()).collect();
    assert_eq!(numbers, ["BBY01-807102506907", "BBY01-2"]);
    let touching =
        SUPPORTED_FORMAT.replace("Image\n", "Status\n") + &SUPPORTED_FORMAT.replace("807102506907", "2");
    assert_eq!(read_all(&touching).len(), 2, "an empty Status does not swallow the next card");
    let mixed = SUPPORTED_FORMAT.to_owned()
        + "Checkout Failed | Target\nProduct\nX\nReason\nOut of stock\n"
        + SUPPORTED_FORMAT;
    let cards = read_all(&mixed);
    assert_eq!((cards.len(), cards[1]["no order"].as_str()), (3, "failure"));
}

#[test]
fn numbered_products_are_combined() {
    check(&[
        (
            "in parentheses",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct (1)\nX\nPrice (1)\n$10\nQuantity (1)\n2\n\
             Product (2)\nY\nPrice (2)\n$5",
            &[("product", "X + Y"), ("quantity", "3"), ("price", ""), ("~total", "25.00")],
        ),
        (
            "behind a dash",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct - 1\nX\nPrice - 1\n$10\nProduct - 2\nY\nPrice - 2\n$10",
            &[("product", "X + Y"), ("quantity", "2"), ("price", "10.00"), ("~total", "20.00")],
        ),
        (
            "between dashes",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct 1 - Name\nX\nProduct 1 - Price\n$10\nProduct 1 - Quantity\n3\nProduct 1 - Size\nM",
            &[("product", "X"), ("quantity", "3"), ("price", "10.00"), ("extra.size", "M")],
        ),
        (
            "a dash alone",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct - Name\nX\nProduct - Price\n$10",
            &[("product", "X"), ("price", "10.00")],
        ),
        (
            "an amount beside numbered prices is the total",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct (1)\nX\nPrice (1)\n$10\nQuantity (1)\n2\nAmount\n$20",
            &[("price", "10.00"), ("total", "20.00")],
        ),
    ]);
}

#[test]
fn prose_is_not_an_order() {
    check(&[
        ("a greeting", "hello everybody", &[]),
        ("nothing", "", &[]),
        ("white space", " \n\t\n", &[]),
        ("one everyday word", "Order\npizza", &[]),
        ("two everyday words", "Order: pizza\nName: Bob", &[]),
        ("a name and a date", "Name: Bob\nDate: tomorrow", &[]),
        ("a link", "https://example.com", &[]),
        ("a JSON of something else", "{\"hello\": \"world\"}", &[]),
        ("an empty Discord message", "{\"content\": \"\", \"embeds\": []}", &[]),
        ("a Discord greeting", "{\"content\": \"gm\"}", &[]),
    ]);
}

#[test]
fn a_reason_or_status_that_reads_like_a_heading_starts_no_card() {
    for (label, value) in
        [("Status", "Order Shipped"), ("Status", "Order Cancelled"), ("Order Status", "Order Placed")]
    {
        let text = format!("Order Update | S\n{label}\n{value}\nOrder Number\nA-1\nEmail\na@b.c");
        let cards = read_all(&text);
        assert_eq!(cards.len(), 1, "{label} {value}: {cards:?}");
        assert_eq!(cards[0]["number"], "A-1", "{label} {value}");
    }
    let failed = read_all("Payment Declined | S\nDecline Reason\nCard declined\nEmail\na@b.c");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["reason"], "Card declined");
}
