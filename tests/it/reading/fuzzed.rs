//! Faults that fuzzing found, with made-up values. See `fuzz/README.md`.

use roms::card::flatten::flatten;
use roms::card::message::Message;
use roms::order::OrderNumber;

use super::{card_with, check, embed_with, read_all};

#[test]
fn entities_make_no_lines_and_nothing_invisible() {
    let product = embed_with(&[("Order Number", "A-1"), ("Product", "X&#10;Y&#8203;")]);
    let email = card_with("Email", "tester&#8203;@mail.example");
    check(&[
        ("a line break and a zero-width space", &product, &[("product", "X Y")]),
        ("inside an e-mail address", &email, &[("email", "tester@mail.example")]),
    ]);
}

#[test]
fn a_word_after_ticks_that_close_at_once_is_kept() {
    let fenced = card_with("Product", "```Widget\n```\nPrice\n$5");
    check(&[("text", &fenced, &[("product", "Widget"), ("price", "5.00")])]);
    let cards = flatten(&Message::from_payload(&fenced, "test", chrono::DateTime::UNIX_EPOCH));
    assert_eq!(read_all(&cards[0]), read_all(&fenced), "the text form reads as the text it was");
}

#[test]
fn nul_characters_in_an_embed_hide_no_label_and_open_no_fence() {
    let card = serde_json::json!({"embeds": [{"title": "Successful\0 Checkout | Store", "fields": [
        {"name": "Order\0 Number", "value": "A-1"},
        {"name": "``\0`Product", "value": "Wid\0get"},
        {"name": "\0Price", "value": "``\0`$5\0"},
    ]}]})
    .to_string();
    let expected = [("number", "A-1"), ("product", "Widget"), ("price", "5.00"), ("~store", "Store")];
    check(&[("embed", &card, &expected)]);
    let cards = flatten(&Message::from_payload(&card, "test", chrono::DateTime::UNIX_EPOCH));
    assert!(!cards[0].contains('\0'), "{cards:?}");
    assert_eq!(read_all(&cards[0]), read_all(&card), "the text form reads as the embed");
}

#[test]
fn a_field_name_after_ticks_is_kept() {
    let card = embed_with(&[("Order Number", "A-1"), ("```Product", "Widget"), ("Price", "$5")]);
    check(&[("embed", &card, &[("product", "Widget"), ("price", "5.00")])]);
}

#[test]
fn byte_order_marks_are_not_seen_at_the_beginning_of_any_line() {
    let text =
        "Successful Checkout | S\nOrder Number\nA-1\n\u{feff}Notes\n\u{feff}\nEmail\ntester@mail.example";
    check(&[("text", text, &[("notes", ""), ("email", "tester@mail.example")])]);
}

#[test]
fn joined_names_of_products_are_no_longer_than_one() {
    let name = "x".repeat(4_000);
    let items = [1, 2, 3].map(|item| format!("Product ({item})\n{name}\n")).concat();
    let [card] = read_all(&card_with("Email", &format!("tester@mail.example\n{items}"))).try_into().unwrap();
    assert_eq!(card["product"].chars().count(), 1_024);
}

#[test]
fn an_order_number_reads_back_as_it_was_read() {
    for text in ["A-1", "#A-1", "# #A-1", " ## # A-1 "] {
        let number = OrderNumber::parse(text).unwrap();
        assert_eq!(number.as_str(), "A-1", "{text}");
        assert_eq!(OrderNumber::parse(number.as_str()), Ok(number));
    }
}

#[test]
fn a_field_name_between_colons_before_an_emoji_stays_a_label() {
    let card = embed_with(&[("Order Number", "A-1"), (":Product:😀", "Widget"), ("Price", "$5")]);
    check(&[("embed", &card, &[("product", "Widget"), ("price", "5.00")])]);
}

#[test]
fn a_description_of_bold_labels_on_one_line_has_the_text_form_of_its_labels() {
    let description = "**Store:** Target **Product:** Kettle **Order Number:** A-1";
    let card =
        serde_json::json!({"embeds": [{"title": "Checkout!!", "description": description}]}).to_string();
    let cards = flatten(&Message::from_payload(&card, "test", chrono::DateTime::UNIX_EPOCH));
    assert!(
        cards[0].starts_with("**Store:** Target\n**Product:** Kettle\n**Order Number:** A-1"),
        "{cards:?}"
    );
}
