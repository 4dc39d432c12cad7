//! Amounts of money and their currency.

use super::{card_with, check, check_values, read_all, read_in};

#[test]
fn money_is_read_in_every_usual_form() {
    let table = [
        ("$299.99", "299.99"),
        ("299.99", "299.99"),
        ("€49,99", "49.99"),
        ("49,99 €", "49.99"),
        ("1.299,99 €", "1299.99"),
        ("1.299,00 €", "1299.00"),
        ("1 299,99 €", "1299.99"),
        ("1\u{a0}299,99\u{a0}€", "1299.99"),
        ("£20.00", "20.00"),
        ("£140", "140.00"),
        ("USD 26.94", "26.94"),
        ("usd 26.94", "26.94"),
        ("$ 26.94", "26.94"),
        ("$26.94 USD", "26.94"),
        ("US $26.94", "26.94"),
        ("$1,299.99", "1299.99"),
        ("$1,234,567.89", "1234567.89"),
        ("1'299.00 CHF", "1299.00"),
        ("99.98 USD", "99.98"),
        ("C$12.97", "12.97"),
        ("C $12.97", "12.97"),
        ("$.99", "0.99"),
        ("$0.00", "0.00"),
        ("$5", "5.00"),
        ("||$5.00||", "5.00"),
        ("**$5.00**", "5.00"),
        ("`$5.00`", "5.00"),
        ("EUR 59,-", "59.00"),
        ("59.- CHF", "59.00"),
        ("￥5,980", "5980.00"),
        ("₹1,29,999.00", "129999.00"),
        ("$40.00*", "40.00"),
        ("$40.00 → $35.00", "35.00"),
        ("20 dollars", "20.00"),
        ("د.إ 450", "450.00"),
        ("999999999999.99", "999999999999.99"),
    ];
    check_values("Price", "price", &table);
    let totals = table.map(|(text, amount)| (text, amount));
    check_values("Total", "total", &totals);
}

#[test]
fn what_is_added_to_a_price_is_no_part_of_it_and_a_count_is_the_quantity() {
    let both = |text: &str, price: &str, quantity: &str| {
        let card = card_with("Price", text);
        check(&[(text, &card, &[("price", price), ("quantity", quantity)])]);
    };
    both("$20.00 + $1.60 tax", "20.00", "");
    both("2 x $10.00", "10.00", "2");
    both("$10.00 x 2", "10.00", "2");
    let labelled = card_with("Total", "Total: $40.00");
    check(&[("an amount behind its own label", &labelled, &[("total", "40.00")])]);
    let total = card_with("Total", "$20.00 + $1.60 tax");
    check(&[("a total with tax is not guessed", &total, &[("total", "")])]);
}

#[test]
fn a_small_whole_number_under_amount_is_the_quantity() {
    for (amount, beside, quantity, total) in [
        ("2", "Price\n$10.00\n", "2", ""),
        ("20", "Price\n$10.00\n", "", "20.00"),
        ("2", "Quantity\n3\nPrice\n$10.00\n", "3", "2.00"),
        ("$2", "Price\n$10.00\n", "", "2.00"),
        ("2", "", "2", ""),
        ("45", "", "", ""),
    ] {
        let card = card_with("Amount", &format!("{amount}\n{beside}"));
        check(&[(amount, &card, &[("quantity", quantity), ("total", total)])]);
    }
}

#[test]
fn the_total_of_a_refund_only_fills_an_empty_total() {
    let card = "Order Refunded | Target\nOrder Number\nA-1\nTotal\n$20.00\n";
    let expected =
        [("status", "refunded"), ("total", ""), ("~total", "20.00"), ("extra.refund_total", "20.00")];
    check(&[("refund", card, &expected)]);
}

#[test]
fn ambiguous_amounts_are_ignored_with_a_warning() {
    for text in [
        "$5 EUR",
        "12.345",
        "$1.299",
        "1,2,3",
        "1.2.3",
        "$",
        "1000000000000",
        "99999999999999999999",
        "-5.00",
        "$5 - $7",
        "١٢",
        "1e5",
        "NaN",
        "0x10",
        "$1,29.99",
        "5.00 KWD",
        "see cart",
    ] {
        let card = read_all(&card_with("Price", text)).remove(0);
        assert_eq!(card.get("price"), None, "{text}");
        assert!(
            card.get("warnings").is_some_and(|warning| warning.starts_with("price: ")),
            "{text}: {card:?}"
        );
        assert_eq!(card["number"], "A-1", "{text}");
    }
}

#[test]
fn a_commission_may_be_a_loss() {
    check_values(
        "Commission",
        "commission",
        &[("-$5.00", "-5.00"), ("$-5.00", "-5.00"), ("$20.00", "20.00")],
    );
}

#[test]
fn the_currency_comes_from_the_value_then_the_store_then_the_configuration() {
    let table = [
        ("Store", "€5", "EUR", "currency", "EUR"),
        ("Best Buy US", "C$5", "EUR", "currency", "CAD"),
        ("Best Buy CA", "$5", "EUR", "~currency", "CAD"),
        ("Best Buy US", "$5", "CAD", "~currency", "USD"),
        ("Best Buy UK", "5.00", "USD", "~currency", "GBP"),
        ("Best Buy UK", "$5.00", "EUR", "~currency", "USD"),
        ("Best Buy UK", "$5.00", "CAD", "~currency", "CAD"),
        ("Store", "$5", "CAD", "~currency", "CAD"),
        ("Store", "$5", "EUR", "~currency", "USD"),
        ("Store", "5", "EUR", "~currency", "EUR"),
        ("amazon.co.uk", "64.97", "USD", "~currency", "GBP"),
        ("amazon.de", "64,97", "USD", "~currency", "EUR"),
        ("bestbuy.ca", "$5", "USD", "~currency", "CAD"),
        ("Amazon DE", "64,97", "USD", "~currency", "EUR"),
        ("Foot Locker AU", "$5", "USD", "~currency", "AUD"),
        ("Argos", "5", "USD", "~currency", "GBP"),
        ("Elgiganten SE", "1 299,00 kr", "USD", "~currency", "SEK"),
    ];
    for (store, price, configured, key, currency) in table {
        let text = format!("Successful Checkout | {store}\nOrder Number\nA-1\nPrice\n{price}");
        let card = read_in(&text, configured).remove(0);
        assert_eq!(
            card.get(key).map(String::as_str),
            Some(currency),
            "{store} {price} {configured}: {card:?}"
        );
    }
    // A wrong currency would be worse than none.
    let text = "Successful Checkout | Store\nOrder Number\nA-1\nPrice\n1 299,00 kr";
    let card = read_in(text, "USD").remove(0);
    assert_eq!(
        (card["price"].as_str(), card.get("~currency"), card.get("currency")),
        ("1299.00", None, None)
    );
}
