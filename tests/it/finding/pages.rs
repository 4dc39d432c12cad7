//! Pages by key, and totals.

use std::collections::BTreeSet;

use roms::order::{Order, Status};
use roms::store::{OrderFilter, PageStart, Total};

use super::shelf::{Shelf, numbers, of_status, order, search, some, time, with};

/// Orders such that every filter of [`filters`] but the last finds some of them.
fn mixed(count: usize) -> Vec<Order> {
    let statuses = [Status::Verified, Status::Shipped, Status::Verified, Status::Cancelled];
    let made = (0..count).map(|n| {
        with(order(&format!("N-{n:05}")), |fields| {
            fields.status = Some(statuses[n % 4]);
            fields.store = some(["Best Buy US", "TARGET us", "Costco"][n % 3]);
            fields.profile = some(["Main", "Spare"][n % 2]);
            fields.email = some(&format!("user{}@example.net", n % 5));
            fields.product = some(["Snake_Case mug", "100% cotton"][n / 7 % 2]);
            // Not in the order of the list.
            let day = 1 + n * 11 % 28;
            fields.order_date = Some(time(&format!("2026-01-{day:02}T12:00:00Z")));
        })
    });
    made.collect()
}

fn filters() -> Vec<OrderFilter> {
    let all = OrderFilter::default;
    vec![
        all(),
        of_status(Status::Shipped),
        OrderFilter { store: some("target US"), ..all() },
        OrderFilter { profile: some("MAIN"), ..all() },
        OrderFilter { email: some("User3@Example.net"), ..all() },
        search("case"),
        search("e_c"),
        search("0%"),
        search("user3@example.net"),
        search("N-0001"),
        OrderFilter { status: Some(Status::Verified), store: some("costco"), ..all() },
        OrderFilter { status: Some(Status::Verified), ..search("mug") },
        OrderFilter { email: some("user1@example.net"), status: Some(Status::Cancelled), ..search("cotton") },
        OrderFilter {
            since: Some(time("2026-01-10T00:00:00Z")),
            until: Some(time("2026-01-20T00:00:00Z")),
            ..all()
        },
        OrderFilter { since: Some(time("2026-01-10T00:00:00Z")), ..of_status(Status::Shipped) },
        OrderFilter { until: Some(time("2026-01-05T00:00:00Z")), ..search("mug") },
        search("there is no such thing"),
    ]
}

/// Whether an order matches a filter, decided without the database.
fn fits(filter: &OrderFilter, order: &Order) -> bool {
    let fields = &order.fields;
    let is = |wanted: &Option<String>, has: &Option<String>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| has.as_ref().is_some_and(|has| has.to_lowercase() == wanted.to_lowercase()))
    };
    let holds = |text: &String| {
        let number = Some(order.number.to_string());
        let texts = [&number, &fields.product, &fields.email, &fields.profile, &fields.tracking_number];
        texts.into_iter().flatten().any(|has| has.to_lowercase().contains(&text.to_lowercase()))
    };
    filter.status.is_none_or(|status| fields.status == Some(status))
        && is(&filter.store, &fields.store)
        && is(&filter.profile, &fields.profile)
        && is(&filter.email, &fields.email)
        && filter.search.as_ref().is_none_or(holds)
        && filter.since.is_none_or(|since| fields.order_date.is_some_and(|date| date >= since))
        && filter.until.is_none_or(|until| fields.order_date.is_some_and(|date| date < until))
}

/// Goes through the whole list by key, forward and back, and holds it against what must be there.
async fn walk_through(shelf: &Shelf, orders: &[Order]) {
    for filter in filters() {
        let expected: Vec<&str> = orders
            .iter()
            .rev()
            .filter(|order| fits(&filter, order))
            .map(|order| order.number.as_str())
            .collect();
        for (first, forward) in [(PageStart::Newest, true), (PageStart::Oldest, false)] {
            let (mut from, mut seen) = (first, Vec::new());
            loop {
                let page = shelf.store.order_page(&filter, from, 7).await.unwrap();
                let names: Vec<String> = numbers(&page.items).into_iter().map(str::to_owned).collect();
                let (ahead, behind) =
                    if forward { (page.has_older, page.has_newer) } else { (page.has_newer, page.has_older) };
                assert_eq!(behind, !seen.is_empty(), "{filter:?}");
                if forward {
                    seen.extend(names);
                } else {
                    seen.splice(0..0, names);
                }
                let edge = if forward { page.items.last() } else { page.items.first() };
                let Some(edge) = edge.filter(|_| ahead) else { break };
                from = if forward { PageStart::Before(edge.id) } else { PageStart::After(edge.id) };
            }
            assert_eq!(seen, expected, "{filter:?} from {first:?}");
        }
        let skipped = shelf.store.order_page_at_offset(&filter, 5, 3).await.unwrap();
        let behind: Vec<&str> = expected.iter().skip(5).take(3).copied().collect();
        assert_eq!(numbers(&skipped.items), behind, "{filter:?} behind five");
        assert_eq!(skipped.has_older, expected.len() > 8, "{filter:?} behind five");
        let total = shelf.store.count_orders(&filter).await.unwrap();
        assert_eq!(total, Total { count: expected.len() as u64, exact: true }, "{filter:?}");
    }
}

#[tokio::test]
async fn every_filter_gives_its_orders_page_by_page_in_both_directions() {
    let shelf = Shelf::new().await;
    let orders = mixed(120);
    shelf.put(&orders).await;
    walk_through(&shelf, &orders).await;
}

#[tokio::test]
async fn orders_that_are_written_between_searches_are_found() {
    let shelf = Shelf::new().await;
    let orders = mixed(120);
    shelf.put(&orders[..50]).await;
    walk_through(&shelf, &orders[..50]).await;
    shelf.put(&orders[50..]).await;
    walk_through(&shelf, &orders).await;
}

#[tokio::test]
async fn the_same_orders_are_found_without_the_index() {
    let shelf = Shelf::with("[database]\nsearch_index = false").await;
    let orders = mixed(120);
    shelf.put(&orders).await;
    walk_through(&shelf, &orders).await;
}

#[tokio::test]
async fn the_first_and_the_last_page_say_so() {
    let shelf = Shelf::new().await;
    let page = async |from| {
        let page = shelf.store.order_page(&OrderFilter::default(), from, 10).await.unwrap();
        (page.items.len(), page.has_newer, page.has_older)
    };
    for from in [PageStart::Newest, PageStart::Oldest, PageStart::Before(5), PageStart::After(5)] {
        assert_eq!(page(from).await, (0, false, false), "{from:?} of nothing");
    }
    shelf.put(&[order("A"), order("B"), order("C")]).await;
    assert_eq!(page(PageStart::Before(1)).await, (0, true, false));
    assert_eq!(page(PageStart::After(3)).await, (0, false, true));
    assert_eq!(page(PageStart::Before(i64::MAX)).await, (3, false, false));
    assert_eq!(page(PageStart::After(i64::MIN)).await, (3, false, false));
    assert_eq!(page(PageStart::Before(i64::MIN)).await, (0, true, false));
}

#[tokio::test]
async fn new_orders_do_not_change_an_older_page() {
    let shelf = Shelf::new().await;
    let orders = mixed(30);
    shelf.put(&orders[..20]).await;
    let all = OrderFilter::default();
    let first = shelf.store.order_page(&all, PageStart::Newest, 5).await.unwrap();
    let next = PageStart::Before(first.items.last().unwrap().id);
    let before = shelf.store.order_page(&all, next, 5).await.unwrap();
    shelf.put(&orders[20..]).await;
    let after = shelf.store.order_page(&all, next, 5).await.unwrap();
    assert_eq!(numbers(&after.items), numbers(&before.items));
}

#[tokio::test]
async fn a_total_that_would_take_long_is_a_lower_bound_and_says_so() {
    let shelf = Shelf::new().await;
    let many: Vec<Order> = (0..10_500)
        .map(|n| {
            with(order(&format!("M-{n}")), |fields| {
                fields.email = some("one@example.net");
                fields.status = Some(if n % 2 == 0 { Status::Verified } else { Status::Shipped });
            })
        })
        .collect();
    shelf.put(&many).await;
    let total = async |filter: OrderFilter| {
        let total = shelf.store.count_orders(&filter).await.unwrap();
        (total.count, total.exact)
    };
    assert_eq!(total(OrderFilter::default()).await, (10_500, true));
    assert_eq!(total(of_status(Status::Shipped)).await, (5_250, true));
    let (count, exact) =
        total(OrderFilter { email: some("one@example.net"), ..OrderFilter::default() }).await;
    assert!(!exact && (10_000..10_500).contains(&count), "{count}");
    let (count, exact) = total(search("one@example.net")).await;
    assert!(!exact && (1_000..10_500).contains(&count), "{count}");
    assert_eq!(total(search("M-10499")).await, (1, true));
}

#[tokio::test]
async fn an_order_is_found_by_number_in_any_case_and_by_id_where_no_number_fits() {
    let shelf = Shelf::new().await;
    shelf.put(&[order("AbC-1"), order("ABC-1"), order("x/2"), order("4"), order("last")]).await;
    let found = async |key: &str| shelf.store.order(key).await.unwrap().map(|order| order.number.to_string());
    let cases = [
        ("AbC-1", Some("AbC-1")),
        ("ABC-1", Some("ABC-1")),
        // Of several that fit in some other case, the most recent.
        ("abc-1", Some("ABC-1")),
        ("#X/2", Some("x/2")),
        (" # X/2 ", Some("x/2")),
        ("4", Some("4")),
        ("#4", Some("4")),
        ("5", Some("last")),
        ("6", None),
        ("", None),
        ("nothing", None),
        ("abc_1", None),
    ];
    for (key, expected) in cases {
        assert_eq!(found(key).await.as_deref(), expected, "{key}");
    }
    assert_eq!(shelf.store.order_by_id(4).await.unwrap().unwrap().number.as_str(), "4");
    assert!(shelf.store.order_by_id(6).await.unwrap().is_none());
    let ids: BTreeSet<i64> = shelf
        .store
        .order_page(&OrderFilter::default(), PageStart::Newest, 9)
        .await
        .unwrap()
        .items
        .iter()
        .map(|o| o.id)
        .collect();
    assert_eq!(ids.len(), 5);
}
