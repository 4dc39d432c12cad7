//! Tables of orders over HTTP, opened again with the libraries that read CSV and Excel files.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};

use crate::support::app::App;

/// A table as rows of name and text.
fn csv_rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().map(Result::unwrap).collect();
    assert!(text.ends_with("\r\n"));
    rows
}

/// The workbook's only sheet.
async fn xlsx_rows(app: &App, query: &str) -> Vec<Vec<Data>> {
    let reply = reqwest::get(app.url(&format!("/api/v2/orders/export?format=xlsx{query}"))).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert!(reply.headers()["content-disposition"].to_str().unwrap().ends_with(".xlsx\""));
    let mut workbook = Xlsx::new(Cursor::new(reply.bytes().await.unwrap())).unwrap();
    assert_eq!(workbook.sheet_names(), ["Orders"]);
    let sheet = workbook.worksheet_range("Orders").unwrap();
    sheet.rows().map(<[Data]>::to_vec).collect()
}

/// An order with everything that a spreadsheet could misread.
fn difficult(number: &str) -> String {
    format!(
        "Successful Checkout | Target\nOrder Number\n{number}\nProduct\n=HYPERLINK(\"http://x\";\"Müll, \"\"1\"\"\")\n\
         Price\n$1,234.50\nQuantity\n2\nProfile\n-7\nTracking Number\n00123456789012345678\n"
    )
}

#[tokio::test]
async fn a_csv_table_holds_what_the_api_shows() {
    let app = App::start_with("[orders]\ntimezone = \"Asia/Tokyo\"\n").await;
    app.stored(&[
        &difficult("A-1"),
        "Successful Checkout | Best Buy US\nOrder Number\nBBY01-2\nProduct\nThing\nPrice\n5\n",
    ])
    .await;
    let changed = app
        .request(
            reqwest::Method::PATCH,
            "/api/v2/orders/A-1",
            &[],
            json!({"order_date": "2026-01-31T18:00:00Z"}).to_string(),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let reply = app.get("/api/v2/orders/export").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/csv; charset=utf-8"));
    let rows = csv_rows(&reply.text);
    let orders = app.get("/api/v2/orders").await.json["orders"].clone();
    assert_eq!(rows.len(), 2);
    for (row, order) in rows.iter().zip(orders.as_array().unwrap()) {
        for (name, text) in row.iter().filter(|(name, _)| !["items", "order_day"].contains(&name.as_str())) {
            let shown = text.strip_prefix('\'').unwrap_or(text);
            match &order[name] {
                Value::Null => assert_eq!(shown, "", "{name}"),
                Value::Number(number) => assert_eq!(shown.parse::<f64>().ok(), number.as_f64(), "{name}"),
                Value::String(value) if name.ends_with("_at") || name.ends_with("_date") => {
                    assert_eq!(
                        shown.parse::<chrono::DateTime<chrono::Utc>>().unwrap(),
                        value.parse::<chrono::DateTime<chrono::Utc>>().unwrap(),
                        "{name}"
                    );
                }
                value => assert_eq!(shown, value.as_str().unwrap(), "{name}"),
            }
        }
    }
    let row = &rows[1];
    assert_eq!(
        (row["price"].as_str(), row["total"].as_str(), row["currency"].as_str()),
        ("1234.50", "2469.00", "USD")
    );
    assert!(row["product"].starts_with("'=HYPERLINK"), "{row:?}");
    assert_eq!(row["profile"], "'-7");
    // 18:00 UTC is the next day in Tokyo.
    assert_eq!(
        (row["order_date"].as_str(), row["order_day"].as_str()),
        ("2026-01-31T18:00:00Z", "2026-02-01")
    );
}

#[tokio::test]
async fn a_table_has_all_orders_of_the_filter_in_the_chosen_columns() {
    let app = App::start().await;
    let cards: Vec<String> = (0..1203)
        .map(|number| {
            let store = if number % 3 == 0 { "Walmart" } else { "Target" };
            format!("Successful Checkout | {store}\nOrder Number\nN-{number}\nProduct\nThing\nPrice\n1\n")
        })
        .collect();
    for block in cards.chunks(100) {
        app.stored(&[&block.join("\n")]).await;
    }
    let reply = app.get("/api/v2/orders/export?store=target&columns=order_number,%20Total").await;
    let mut lines = reply.text.trim_start_matches('\u{feff}').lines();
    assert_eq!(lines.next(), Some("order_number,total"));
    let expected: Vec<String> =
        (0..1203).rev().filter(|number| number % 3 != 0).map(|number| format!("N-{number},1.00")).collect();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert_eq!(xlsx_rows(&app, "&store=target&columns=total").await.len(), expected.len() + 1);
    let nothing = app.get("/api/v2/orders/export?store=nowhere&columns=total").await;
    assert_eq!(nothing.text, "\u{feff}total\r\n");
}

#[tokio::test]
async fn a_workbook_has_numbers_times_and_texts() {
    let app = App::start_with("[orders]\ntimezone = \"Asia/Tokyo\"\n").await;
    app.stored(&[&difficult("A-1")]).await;
    let body = json!({"order_date": "2026-01-31T18:00:00Z"}).to_string();
    assert_eq!(app.request(reqwest::Method::PATCH, "/api/v2/orders/A-1", &[], body).await.status, 200);
    let rows =
        xlsx_rows(&app, "&columns=product,price,quantity,order_date,order_day,tracking_number,email").await;
    assert_eq!(rows[0][0], Data::String("product".to_owned()));
    let [product, price, quantity, date, day, tracking] = &rows[1][..6] else { panic!("{rows:?}") };
    assert!(product.to_string().starts_with("=HYPERLINK"), "{product:?}");
    assert_eq!((price, quantity), (&Data::Float(1234.5), &Data::Float(2.0)));
    assert_eq!(tracking, &Data::String("00123456789012345678".to_owned()));
    let (Data::DateTime(date), Data::DateTime(day)) = (date, day) else { panic!("{rows:?}") };
    assert_eq!(date.as_datetime().unwrap().to_string(), "2026-02-01 03:00:00");
    assert_eq!(day.as_datetime().unwrap().to_string(), "2026-02-01 00:00:00");
}

#[tokio::test]
async fn a_wrong_parameter_of_a_table_is_named() {
    let app = App::start().await;
    for (query, parameter, detail) in [
        (
            "columns=order_number,prize",
            "columns",
            "there is no column `prize`; the columns are order_number, order_day,",
        ),
        ("format=pdf", "format", "One of: csv, xlsx."),
        ("limit=10", "limit", "A table has all orders of the filter"),
        ("stor=Target", "stor", "did you mean `store`?"),
    ] {
        let reply = app.get(&format!("/api/v2/orders/export?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text);
        assert!(reply.text.contains(parameter) && reply.text.contains(detail), "{query}: {}", reply.text);
    }
}
