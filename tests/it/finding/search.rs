//! Substring search: what is a hit, whatever stands in the text.

use roms::order::Order;
use roms::store::{OrderFilter, PageStart};

use super::shelf::{Shelf, numbers, order, search, some, with};

async fn found(shelf: &Shelf, filter: &OrderFilter) -> Vec<String> {
    let page = shelf.store.order_page(filter, PageStart::Newest, 50).await.unwrap();
    numbers(&page.items).into_iter().map(str::to_owned).collect()
}

/// Orders whose texts contain characters that have a meaning in SQL patterns or in a search index.
fn odd() -> Vec<Order> {
    vec![
        with(order("O-1"), |fields| fields.product = some("a \"quoted\" OR plain (thing)")),
        with(order("O-2"), |fields| fields.product = some("100% wool_blend \\ back")),
        with(order("O-3"), |fields| fields.product = some("it's NEAR(x) AND product : y* -z ^a {b}")),
        with(order("O-4"), |fields| fields.product = some("Café GRÖSSE 🎮 ポケモン カード")),
        with(order("O-5"), |fields| fields.email = some("Somebody@Example.NET")),
        with(order("O-6"), |fields| fields.profile = some("Lennar #8-$48-@07")),
        with(order("O-7"), |fields| fields.tracking_number = some("1Z999AA10123456784")),
        with(order("O-8"), |fields| fields.notes = some("only in the notes: needle")),
        // Ends and begins of columns are no text of their own.
        with(order("O-9"), |fields| (fields.product, fields.email) = (some("left"), some("right@x.example"))),
    ]
}

#[tokio::test]
async fn every_search_text_is_taken_literally() {
    let texts: [(&str, &[&str]); 26] = [
        ("\"quoted\" OR", &["O-1"]),
        ("(thing)", &["O-1"]),
        ("OR", &["O-1"]),
        ("100%", &["O-2"]),
        ("0% w", &["O-2"]),
        ("l_b", &["O-2"]),
        ("\\ b", &["O-2"]),
        ("\\", &["O-2"]),
        ("%", &["O-2"]),
        ("_", &["O-2"]),
        ("NEAR(x)", &["O-3"]),
        ("product : y*", &["O-3"]),
        ("y*", &["O-3"]),
        ("^a {b}", &["O-3"]),
        ("it's", &["O-3"]),
        ("' OR 1=1 --", &[]),
        ("ポケモン", &["O-4"]),
        ("🎮 ポ", &["O-4"]),
        ("café grö", &["O-4"]),
        ("somebody@example.net", &["O-5"]),
        ("lennar #8-$48-@07", &["O-6"]),
        ("aa1012345678", &["O-7"]),
        ("needle", &[]),
        ("leftright", &[]),
        ("left\u{1f}right", &[]),
        ("o-1", &["O-1"]),
    ];
    let shelf = Shelf::new().await;
    shelf.put(&odd()).await;
    for (text, expected) in texts {
        assert_eq!(found(&shelf, &search(text)).await, expected, "{text:?}");
    }
    let without = shelf.again("[database]\nsearch_index = false").await;
    for (text, expected) in texts.into_iter().filter(|(text, _)| text.is_ascii()) {
        assert_eq!(found(&without, &search(text)).await, expected, "{text:?}, without the index");
    }
}

#[tokio::test]
async fn letters_other_than_a_to_z_are_found_in_any_case_too() {
    let shelf = Shelf::new().await;
    shelf.put(&odd()).await;
    let cases: [(&str, &[&str]); 4] =
        [("CAFÉ", &["O-4"]), ("café", &["O-4"]), ("grÖsse 🎮", &["O-4"]), ("größe", &[])];
    for (text, expected) in cases {
        assert_eq!(found(&shelf, &search(text)).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_long_text_is_found_among_many_that_are_nearly_the_same() {
    let shelf = Shelf::new().await;
    let alike: Vec<Order> = (0..900)
        .map(|n| {
            with(order(&format!("BBY01-80710{n:04}")), |fields| {
                fields.email = some(&format!("woozy_cats{n:04}@icloud.example"));
                fields.product = some("Trading Card Game Elite Trainer Box");
            })
        })
        .collect();
    shelf.put(&alike).await;
    for n in [0, 7, 450, 899] {
        let number = format!("BBY01-80710{n:04}");
        assert_eq!(
            found(&shelf, &search(&format!("woozy_cats{n:04}@icloud.example"))).await,
            [number.as_str()]
        );
        assert_eq!(found(&shelf, &search(&number.to_lowercase())).await, [number.as_str()]);
    }
    assert_eq!(found(&shelf, &search("woozy_cats9999@icloud.example")).await, [] as [&str; 0]);
    assert_eq!(found(&shelf, &search("card game elite trainer box")).await.len(), 50);
    assert_eq!(found(&shelf, &search("card game elite trainer boxes")).await.len(), 0);
}

#[tokio::test]
async fn an_order_number_is_found_with_the_sign_before_it_that_cards_print() {
    for toml in ["", "[database]\nsearch_index = false"] {
        let shelf = Shelf::with(toml).await;
        let profile = with(order("P-1"), |fields| fields.profile = some("Lennar #BBY01 run"));
        shelf.put(&[order("BBY01-807102506907"), profile, order("XBBY01-1"), order("A-2")]).await;
        let cases: [(&str, &[&str]); 6] = [
            ("#BBY01-807102506907", &["BBY01-807102506907"]),
            ("#bby01-8071", &["BBY01-807102506907"]),
            ("#BBY01", &["P-1", "BBY01-807102506907"]),
            ("#A-", &["A-2"]),
            ("#", &["P-1"]),
            ("#807102506907", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(found(&shelf, &search(text)).await, expected, "{text}, {toml}");
        }
    }
}
