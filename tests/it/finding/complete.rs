//! Completion of what is typed, and the nearest numbers.

use roms::order::{Order, View};

use super::shelf::{Shelf, numbers, order, some, with};

async fn complete(shelf: &Shelf, typed: &str, limit: u64) -> Vec<String> {
    complete_for(View::Full, shelf, typed, limit).await
}

async fn complete_for(view: View, shelf: &Shelf, typed: &str, limit: u64) -> Vec<String> {
    let found = shelf.store.autocomplete(typed, view, limit).await.unwrap();
    numbers(&found).into_iter().map(str::to_owned).collect()
}

fn shop() -> Vec<Order> {
    vec![
        with(order("BBY-1"), |fields| fields.product = some("Star Set")),
        with(order("bby-2"), |fields| fields.email = some("star@example.net")),
        with(order("STAR-3"), |fields| fields.product = some("Mug")),
        with(order("X-4"), |fields| fields.profile = some("Rising Star")),
        with(order("X-5"), |fields| fields.product = some("Dark Star Bundle")),
        with(order("X-6"), |fields| {
            fields.product = some("Star Lamp");
            fields.email = some("star@example.net");
            fields.profile = some("Star");
        }),
        with(order("star-7"), |fields| fields.product = some("Star")),
        order("100%_A"),
        order("100xyA"),
    ]
}

#[tokio::test]
async fn a_reader_of_masked_orders_does_not_find_them_by_what_is_masked() {
    for toml in ["", "[database]\nsearch_index = false"] {
        let shelf = Shelf::with(toml).await;
        shelf.put(&shop()).await;
        let found = async |typed: &str| complete_for(View::Masked, &shelf, typed, 9).await;
        assert_eq!(found("star").await, ["star-7", "STAR-3", "X-6", "X-5", "BBY-1"], "{toml}");
        for hidden in ["example.net", "rising", "star@"] {
            assert_eq!(found(hidden).await, [""; 0], "{toml} {hidden}");
        }
    }
}

#[tokio::test]
async fn numbers_come_first_then_product_then_email_then_profile_each_newest_first_and_once() {
    for toml in ["", "[database]\nsearch_index = false"] {
        let shelf = Shelf::with(toml).await;
        shelf.put(&shop()).await;
        let cases: [(&str, &[&str]); 12] = [
            ("star", &["star-7", "STAR-3", "X-6", "X-5", "BBY-1", "bby-2", "X-4"]),
            ("#STAR", &["star-7", "STAR-3"]),
            ("# bby", &["bby-2", "BBY-1"]),
            ("BBY-1", &["BBY-1"]),
            ("bundle", &["X-5"]),
            ("example.net", &["X-6", "bby-2"]),
            ("rising", &["X-4"]),
            ("st", &["star-7", "STAR-3", "X-6", "X-5", "BBY-1", "bby-2", "X-4"]),
            ("100%", &["100%_A"]),
            ("100%_", &["100%_A"]),
            ("nothing", &[]),
            ("\"", &[]),
        ];
        for (typed, expected) in cases {
            let found = complete(&shelf, typed, 25).await;
            assert_eq!(found, expected, "{typed}, {toml}");
            let two: Vec<&str> = expected.iter().take(2).copied().collect();
            assert_eq!(complete(&shelf, typed, 2).await, two, "two of {typed}");
        }
        assert_eq!(complete(&shelf, "", 3).await, ["100xyA", "100%_A", "star-7"]);
        assert_eq!(complete(&shelf, " ", 1).await, ["100xyA"]);
        assert_eq!(complete(&shelf, "#", 1).await, ["100xyA"]);
    }
}

/// More numbers with one beginning than are sorted at once, all of them older than others.
#[tokio::test]
async fn a_common_beginning_lists_its_newest_numbers_first() {
    for toml in ["", "[database]\nsearch_index = false"] {
        let shelf = Shelf::with(toml).await;
        let many: Vec<Order> =
            (0..10_400).map(|n| order(&format!("BBY01-{:05}", n * 7919 % 99_991))).collect();
        shelf.put(&many).await;
        let others: Vec<Order> = (0..4_000).map(|n| order(&format!("TGT-{n}"))).collect();
        shelf.put(&others).await;
        let expected: Vec<&str> = many.iter().rev().take(5).map(|order| order.number.as_str()).collect();
        for typed in ["bby", "BBY01", "BBY01-", "#bby01-"] {
            assert_eq!(complete(&shelf, typed, 5).await, expected, "{typed}, {toml}");
        }
        shelf.put(&[order("bby01-new")]).await;
        assert_eq!(complete(&shelf, "BBY01", 2).await, ["bby01-new", expected[0]], "{toml}");
    }
}

#[tokio::test]
async fn a_missing_number_lists_the_most_similar_ones() {
    let shelf = Shelf::new().await;
    shelf
        .put(
            &[
                "BBY01-807102506907",
                "BBY01-807102506917",
                "BBY01-807199999999",
                "TGT-55",
                "112-7654321-1234567",
            ]
            .map(order),
        )
        .await;
    let nearest = async |number: &str, limit: usize| -> Vec<String> {
        let near = shelf.store.similar_numbers(number, limit).await.unwrap();
        near.iter().map(ToString::to_string).collect()
    };
    let cases: [(&str, &[&str]); 9] = [
        // One wrong, one missing, one too many, two swapped, at the end, in the middle and at the start.
        ("bby01-807102506908", &["BBY01-807102506907", "BBY01-807102506917"]),
        ("BBY01-80710250690", &["BBY01-807102506907", "BBY01-807102506917"]),
        ("#BBY01-8071025069077", &["BBY01-807102506907", "BBY01-807102506917"]),
        ("YBB01-807102506907", &["BBY01-807102506907", "BBY01-807102506917"]),
        ("BY01-807102506907", &["BBY01-807102506907"]),
        ("TGT-5", &["TGT-55"]),
        ("112-7645321-1234567", &["112-7654321-1234567"]),
        ("nothing like it", &[]),
        ("", &[]),
    ];
    for (typed, expected) in cases {
        let two = nearest(typed, 2).await;
        assert!(
            two.starts_with(&expected.iter().take(1).map(|text| (*text).to_owned()).collect::<Vec<_>>()),
            "{typed}: {two:?}"
        );
        assert!(expected.len() < 2 || two == expected, "{typed}: {two:?}");
        assert_eq!(nearest(typed, 0).await, [] as [String; 0]);
    }
    assert_eq!(nearest("nothing like it", 5).await, [] as [String; 0]);
    assert_eq!(nearest(&"9".repeat(255), 5).await, [] as [String; 0]);
}
