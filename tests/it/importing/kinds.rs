//! Each kind of file with the forms that people have.

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::json;

use super::command::done;
use super::{card, example, value, with_cards};
use crate::cli::err;
use crate::support::home::Home;
use crate::watching::program::run;

/// Imports a file with this content, and returns what is printed.
pub(super) async fn import(home: &Home, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = home.path().join(name);
    std::fs::write(&path, content).unwrap();
    done(home, &["import", path.to_str().unwrap(), "--yes"]).await
}

#[tokio::test]
async fn a_scan_report_finds_orders_by_parcel_and_adds_parcels_up() {
    let home = with_cards(&[&card("A-1"), &card("A-2"), &card("A-3")]).await;
    import(&home, "t.csv", "order number,tracking number\nA-1,1Z1\nA-2,\"1Z2,1Z3\"\nA-3,\"1Z4,1Z5\"\n").await;
    let report = "tracking_id,total,commission,status,qty,order_number,created,modified\n\
                  1z1,599.98,5.00,VERIFIED,2,8812,\"01-31-2026, 17:05:09\",\n\
                  1Z2,0.00,1.50,VERIFIED,1,8813,,\n\
                  1Z3,0.00,1.50,UNVERIFIED,1,8813,,\n\
                  1Z4,,,,1,,,\n\
                  1Z9,,,,1,,,\n";
    let printed = import(&home, "scan.csv", report).await;
    for line in
        ["added to row 3 of the same order", "no order has this tracking number", "order A-3 has 2 parcels"]
    {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    assert!(printed.contains("2 updated, 1 unchanged, 1 not found, 1 ambiguous"), "{printed}");
    assert_eq!(value(&home, "A-1", "qty_received").await, 2);
    assert_eq!(value(&home, "A-1", "commission").await, 5.0);
    assert!(
        value(&home, "A-1", "extra").await.as_str().unwrap().contains("\"Created\":\"01-31-2026, 17:05:09\"")
    );
    assert_eq!(value(&home, "A-2", "qty_received").await, 2);
    assert_eq!(value(&home, "A-2", "commission").await, 3.0);
    assert_eq!(value(&home, "A-2", "status").await, "unverified");
    assert_eq!(value(&home, "A-2", "total").await, 599.98, "0.00 says nothing");
}

#[tokio::test]
async fn the_sheet_of_the_old_system_becomes_orders_and_its_undo_cancels_them() {
    let home = with_cards(&[]).await;
    done(&home, &["import", example("orders.csv").to_str().unwrap(), "--yes"]).await;
    for (column, expected) in [
        ("product", json!("Mini Kit")),
        ("price", json!(1299.99)),
        ("total", json!(2599.98)),
        ("currency", json!("USD")),
        ("quantity", json!(2)),
        ("qty_received", json!(2)),
        ("status", json!("verified")),
        ("reference_number", json!("320250310123456789")),
        ("order_time", json!("05:56:00 PM")),
        ("source", json!("manual_upload")),
    ] {
        assert_eq!(value(&home, "A-1", column).await, expected, "{column}");
    }
    let placed = value(&home, "A-1", "order_date").await;
    assert!(placed.as_str().unwrap().starts_with("2026-01-31T17:56:00"), "{placed}");
    let extra = value(&home, "A-1", "extra").await;
    assert!(extra.as_str().unwrap().contains("\"Order ID\":\"8812\""), "{extra}");

    done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert_eq!(value(&home, "A-1", "status").await, "cancelled");
    done(&home, &["imports", "undo", "2", "--yes"]).await;
    assert_eq!(value(&home, "A-1", "status").await, "verified");
    assert_eq!(value(&home, "A-1", "cancel_reason").await, json!(null));
}

#[tokio::test]
async fn a_file_that_was_undone_is_imported_anew() {
    for name in ["cards.txt", "orders.csv"] {
        let home = with_cards(&[]).await;
        let file = example(name);
        let file = file.to_str().unwrap();
        done(&home, &["import", file, "--yes"]).await;
        let orders = home.sql().await.values("SELECT order_number, status, cancel_reason FROM orders").await;
        done(&home, &["imports", "undo", "1", "--yes"]).await;
        assert!(home.sql().await.count("orders WHERE status = 'cancelled'").await > 0);
        let printed = done(&home, &["import", file, "--yes"]).await;
        assert!(printed.contains("status: cancelled → verified"), "{printed}");
        let again = home.sql().await.values("SELECT order_number, status, cancel_reason FROM orders").await;
        assert_eq!(again, orders, "{name}");
    }
}

#[tokio::test]
async fn a_charge_whose_text_names_two_orders_is_ambiguous() {
    let home = with_cards(&[&card("A-100001"), &card("A-100002")]).await;
    let statement = "Date,Description,Amount\n02/02/2026,BEST BUY A-100001 A-100002,299.99\n";
    let printed = import(&home, "amex.csv", statement).await;
    assert!(printed.contains("its text names orders A-100001, A-100002"), "{printed}");
    assert!(printed.contains("1 ambiguous"), "{printed}");
}

#[tokio::test]
async fn tracking_numbers_match_without_regard_to_spaces_and_case() {
    let home = with_cards(&[&format!("{}Tracking\n1z 999 aa1 01 2345 6784\n", card("A-1"))]).await;
    let list = "order number,tracking number\nA-1,1Z999AA1 0123456784\n";
    let printed = import(&home, "tracking.csv", list).await;
    assert!(printed.contains("unchanged  A-1"), "{printed}");
    let scans = "tracking_id,qty\n1Z 999AA1 0123 456784,2\n";
    import(&home, "scans.csv", scans).await;
    assert_eq!(value(&home, "A-1", "qty_received").await, 2);
    let formula = "order number,tracking number\nA-1,\"=if(a1,\"\"x\"\")\"\n";
    import(&home, "formula.csv", formula).await;
    assert_eq!(value(&home, "A-1", "tracking_number").await, "=if(a1,\"x\")");
}

/// A card with values that a table may spell in another way.
fn varied(n: usize) -> String {
    let products = ["Kit", "=1+1", "'=2+2", "-Case, \"large\"", "Ünïcode 📦", "007", "+1"];
    let product = products[n % products.len()];
    let (cents, quantity) = (n % 100, n % 4 + 1);
    let mut card = format!(
        "Successful Checkout | Best Buy US\nOrder Number\nV-{n:05}\nProduct\n{product}\nPrice\n${n}.{cents:02}\n\
         Quantity\n{quantity}\nEmail\nbuyer{n}@example.com\n"
    );
    if n.is_multiple_of(3) {
        card.push_str("Notes\n=SUM(A1)\nsecond line\n");
    }
    if n.is_multiple_of(5) {
        card.push_str("Tracking\n1z 999 aa1, 9400 1118\n");
    }
    if n.is_multiple_of(7) {
        // An hour that the clocks repeat, and a time before the clocks change.
        card.push_str(
            ["Order Date\n2026-11-01T06:30:00.25Z\n", "Order Date\n2026-03-08T09:59:59.999999Z\n"][n % 2],
        );
    }
    if n.is_multiple_of(11) {
        card.push_str("Status\nShipped\n");
    }
    if n.is_multiple_of(13) {
        card.push_str("Product (2)\nSecond\nPrice (2)\n$1.00\nQuantity (2)\n2\n");
    }
    card
}

#[tokio::test]
async fn an_export_of_varied_orders_changes_nothing() {
    const ORDERS: usize = 500;
    let app =
        crate::support::app::App::start_in(Home::new(), "[orders]\ntimezone = \"America/New_York\"\n").await;
    let cards: Vec<String> = (0..ORDERS).map(varied).collect();
    app.stored(&cards.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let table = app.get("/api/v2/orders/export").await.text;
    let workbook =
        reqwest::get(app.url("/api/v2/orders/export?format=xlsx")).await.unwrap().bytes().await.unwrap();
    for (name, content) in [("export.csv", table.as_bytes()), ("export.xlsx", &workbook)] {
        let (_, path) = super::page::upload(&app, name, content, "").await;
        let page = app.get(&path).await.text;
        let counts = format!("<dd id=\"counts\">{ORDERS} unchanged</dd>");
        assert!(page.contains(&counts), "{name}: {page}");
    }
}

#[tokio::test]
async fn an_order_of_another_currency_is_left_alone() {
    let home = with_cards(&[&card("A-1")]).await;
    let printed =
        import(&home, "o.csv", "order number,product,total\nA-1,Kit,\"12,50 €\"\nA-2,Kit,\"1.299,00 €\"\n")
            .await;
    assert!(printed.contains("the amounts of the order are in USD, those of the row are not"), "{printed}");
    assert_eq!(value(&home, "A-1", "total").await, 599.98);
    assert_eq!(value(&home, "A-2", "total").await, 1299.0);
    assert_eq!(value(&home, "A-2", "currency").await, "EUR");
}

#[tokio::test]
async fn a_workbook_with_dates_and_numbers_is_read() {
    let home = with_cards(&[&card("1002")]).await;
    let mut workbook = Workbook::new();
    workbook.add_worksheet();
    let sheet = workbook.add_worksheet();
    for (at, heading) in (0..).zip(["Order Number", "Price", "Order Date", "Quantity", "Notes"]) {
        sheet.write_string(0, at, heading).unwrap();
    }
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let date = ExcelDateTime::from_ymd(2026, 1, 31).unwrap();
    sheet.write_string(1, 0, "1001").unwrap();
    sheet.write_number(1, 1, 299.99).unwrap();
    sheet.write_datetime_with_format(1, 2, &date, &day).unwrap();
    sheet.write_string(1, 3, "2").unwrap();
    sheet.write_string(1, 4, "=1+1").unwrap();
    sheet.write_number(2, 0, 1002).unwrap();
    sheet.write_string(2, 1, "$19.99").unwrap();
    sheet.write_string(2, 2, "01/31/2026").unwrap();
    let printed = import(&home, "orders.xlsx", workbook.save_to_buffer().unwrap()).await;
    assert!(printed.contains("1 created, 1 updated"), "{printed}");
    assert_eq!(value(&home, "1001", "price").await, 299.99);
    assert_eq!(value(&home, "1001", "notes").await, "=1+1");
    for number in ["1001", "1002"] {
        let placed = value(&home, number, "order_date").await;
        assert!(placed.as_str().unwrap().starts_with("2026-01-31T00:00:00"), "{placed}");
    }
}

#[tokio::test]
async fn large_amounts_of_a_workbook_are_read_and_amounts_below_zero_are_refused() {
    let home = with_cards(&[]).await;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (at, heading) in (0..).zip(["Order Number", "Product", "Total"]) {
        sheet.write_string(0, at, heading).unwrap();
    }
    let totals = [111_111_110.19, 8_600_000.01, 19.99, 0.1 + 0.2, -1.1];
    for (line, total) in (1..).zip(totals) {
        sheet.write_string(line, 0, format!("A-{line}")).unwrap();
        sheet.write_string(line, 1, "Kit").unwrap();
        sheet.write_number(line, 2, total).unwrap();
    }
    let printed = import(&home, "orders.xlsx", workbook.save_to_buffer().unwrap()).await;
    assert!(printed.contains("total: `-1.1` is below zero"), "{printed}");
    for (line, total) in (1..).zip([111_111_110.19, 8_600_000.01, 19.99, 0.3]) {
        assert_eq!(value(&home, &format!("A-{line}"), "total").await, total);
    }
}

#[tokio::test]
async fn an_orders_file_with_a_bad_amount_or_address_says_so() {
    let home = with_cards(&[]).await;
    let file =
        "order number,product,price,email\nA-1,Kit,-1.10,\nA-2,Kit,1.10,bad mail\nA-3,Kit,1.10,a@b.example\n";
    let printed = import(&home, "orders.csv", file).await;
    for problem in ["price: `-1.10` is below zero", "email: `bad mail` is not an e-mail address"] {
        assert!(printed.contains(problem), "{problem}\n{printed}");
    }
    assert!(printed.contains("1 created, 2 bad"), "{printed}");
}

#[tokio::test]
async fn the_export_can_be_imported() {
    let app = crate::support::app::App::start().await;
    app.stored(&[&card("A-1"), &format!("{}Notes\n=1+1\nEmail\nbuyer@example.com\n", card("A-2"))]).await;
    let table = app.get("/api/v2/orders/export").await.text;
    let home = app.stop().await;
    let printed = import(&home, "export.csv", &table).await;
    assert!(printed.contains("2 unchanged."), "{printed}");
    assert!(printed.ends_with("Nothing to store.\n"), "{printed}");
    let other = with_cards(&[]).await;
    import(&other, "export.csv", &table).await;
    for column in ["product", "total", "currency", "status", "notes", "email", "store", "order_date", "extra"]
    {
        assert_eq!(value(&other, "A-2", column).await, value(&home, "A-2", column).await, "{column}");
    }
}

#[tokio::test]
async fn cards_of_a_text_file_become_orders() {
    let home = with_cards(&[]).await;
    let printed = done(&home, &["import", example("cards.txt").to_str().unwrap(), "--yes"]).await;
    assert!(printed.contains("A file of cards with 2 rows."), "{printed}");
    assert_eq!(value(&home, "A-1", "store").await, "Best Buy US");
    assert_eq!(value(&home, "A-2", "price").await, 19.99);
    assert_eq!(value(&home, "A-2", "status").await, "verified");
    assert_eq!(value(&home, "A-2", "order_date").await, json!(null), "a file has no time");
}

/// The card of an order at a store, placed on 31 January.
fn dated(number: &str, store: &str, total: &str) -> String {
    format!(
        "Successful Checkout | {store}\nOrder Number\n{number}\nProduct\nKit\nTotal\n{total}\nOrder Date\n2026-01-31\n"
    )
}

#[tokio::test]
async fn charges_are_matched_by_number_and_else_by_amount_date_and_store() {
    let cards = [
        dated("BBY01-100001", "Best Buy US", "$299.99"),
        dated("T-2", "Target", "$19.99"),
        dated("W-1", "Walmart", "$50.00"),
        dated("W-2", "Walmart", "$50.00"),
        dated("T-3", "Target", "$7.00"),
    ];
    let home = with_cards(&cards.each_ref().map(String::as_str)).await;
    let statement = "Date,Description,Amount,Extended Details,Reference\n\
        02/02/2026,BEST BUY,310.00,\"Description : BBY01-100001 Price : 0.00\",'320250310123456789'\n\
        02/03/2026,TARGET.COM,19.99,TARGET.COM MINNEAPOLIS,'320250310123456790'\n\
        02/01/2026,WALMART.COM,50.00,,\n\
        02/09/2026,TARGET,7.00,,\n\
        02/02/2026,PAYMENT,-100.00,,\n";
    let printed = import(&home, "amex.csv", statement).await;
    for line in [
        "its number is in:",
        "found by amount, date and store:",
        "fits orders W-1, W-2",
        "a payment or refund",
    ] {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    assert!(printed.contains("2 updated, 1 unchanged, 1 not found, 1 ambiguous"), "{printed}");
    assert_eq!(value(&home, "BBY01-100001", "reference_number").await, "320250310123456789");
    assert!(value(&home, "BBY01-100001", "posted_date").await.as_str().unwrap().starts_with("2026-02-02"));
    assert_eq!(value(&home, "BBY01-100001", "total").await, 299.99, "a charge does not change the total");
    assert!(value(&home, "BBY01-100001", "extra").await.as_str().unwrap().contains("\"Charged\":\"310.00\""));
    assert_eq!(value(&home, "T-2", "reference_number").await, "320250310123456790");
    assert_eq!(value(&home, "T-3", "posted_date").await, json!(null));
}

#[tokio::test]
async fn statements_in_other_languages_and_without_headings_are_read() {
    for statement in [
        "Datum;Beschreibung;Betrag\n02.02.2026;TARGET.COM;19,99\n13.01.2026;ANDERES;1.299,00\n",
        "Fecha,Descripción,Importe\n02/02/2026,TARGET.COM,\"19,99\"\n13/01/2026,OTRO,\"1.299,00\"\n",
        "02/02/2026,'320250310123456790',19.99,TARGET.COM\n01/13/2026,'320250310123456791',-1.00,OTHER\n",
    ] {
        let home = with_cards(&[&dated("T-2", "Target", "$19.99")]).await;
        let printed = import(&home, "statement.csv", statement).await;
        assert!(printed.contains("A file of charges with 2 rows."), "{printed}");
        let posted = value(&home, "T-2", "posted_date").await;
        assert!(
            posted.as_str().is_some_and(|posted| posted.starts_with("2026-02-02")),
            "{posted}\n{printed}"
        );
    }
}

#[tokio::test]
async fn a_short_number_in_the_text_of_a_charge_counts_if_the_order_fits() {
    let cards = [
        dated("A-1", "Walmart", "$20.00"),
        dated("A-7", "Target", "$19.99"),
        dated("77", "Target", "$5.00"),
        dated("78", "Target", "$6.00"),
        dated("79", "Target", "$7.00"),
    ];
    let home = with_cards(&cards.each_ref().map(String::as_str)).await;
    let statement = "Date,Description,Amount,Extended Details\n\
        02/02/2026,WALMART 0442 A-1,20.00,\n\
        02/20/2026,SHOP,310.00,\"Description : A-7 Price : 0.00\"\n\
        02/02/2026,TARGET 77,9.00,\n\
        02/20/2026,TARGET 78,6.00,\n\
        02/02/2026,WALMART 79,7.00,\n";
    let printed = import(&home, "amex.csv", statement).await;
    assert_eq!(printed.matches("its number is in:").count(), 2, "{printed}");
    for number in [77, 78, 79] {
        let doubtful = format!(
            "`{number}` in its text is an order that does not fit, and no order fits its amount, date and store"
        );
        assert!(printed.contains(&doubtful), "{printed}");
    }
    assert!(value(&home, "A-1", "extra").await.as_str().unwrap().contains("\"Charged\":\"20.00\""));
    assert!(value(&home, "A-7", "extra").await.as_str().unwrap().contains("\"Charged\":\"310.00\""));
}

#[tokio::test]
async fn a_column_without_a_heading_is_named_by_its_position() {
    let home = with_cards(&[&dated("T-2", "Target", "$20.00")]).await;
    let file = home.path().join("statement.csv");
    std::fs::write(&file, "02/02/2026,TARGET.COM,20,3\n02/03/2026,WALMART,100,12\n").unwrap();
    let file = file.to_str().unwrap();
    let refused = run(&home, &["import", file, "--dry-run"]).await;
    let said = err(&refused);
    let why = "the file has no headings, and several columns may hold the amount: Column 3, Column 4";
    assert!(said.contains(why) && said.contains("--map"), "{said}");
    let printed =
        done(&home, &["import", file, "--yes", "--map", "Column 3=amount", "--map", "column 4=ignore"]).await;
    assert!(printed.contains("found by amount, date and store: TARGET.COM;"), "{printed}");
    let wrong = run(&home, &["import", file, "--map", "Column 5=amount"]).await;
    assert!(err(&wrong).contains("the file has no column `Column 5`"), "{}", err(&wrong));
}
