//! Tables of orders over HTTP, opened again with the libraries that read CSV and Excel files.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};

use crate::access::LOCKED;
use crate::support::app::{App, until};
use crate::support::home::Home;

/// A table as rows of name and text.
fn csv_rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let rows = csv::Reader::from_reader(text.as_bytes()).into_deserialize().map(Result::unwrap).collect();
    assert!(text.ends_with("\r\n"));
    rows
}

/// The workbook's only sheet.
async fn xlsx_rows(app: &App, query: &str) -> Vec<Vec<Data>> {
    sheet_rows(app, &format!("/api/v2/orders/export?format=xlsx{query}"), "Orders").await
}

async fn sheet_rows(app: &App, path: &str, name: &str) -> Vec<Vec<Data>> {
    let reply = reqwest::get(app.url(path)).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert!(reply.headers()["content-disposition"].to_str().unwrap().ends_with(".xlsx\""));
    let mut workbook = Xlsx::new(Cursor::new(reply.bytes().await.unwrap())).unwrap();
    assert_eq!(workbook.sheet_names(), [name]);
    let sheet = workbook.worksheet_range(name).unwrap();
    sheet.rows().map(<[Data]>::to_vec).collect()
}

/// The links to files on a page: CSV, then Excel.
async fn file_links(app: &App, page: &str) -> Vec<String> {
    let page = app.get(page).await.text;
    let links = page.split("<a href=\"").filter(|part| part.contains(" download>"));
    links.map(|part| part.split('"').next().unwrap().replace("&#38;", "&")).collect()
}

/// An order with everything that a spreadsheet could misread.
fn difficult(number: &str) -> String {
    format!(
        "Successful Checkout | Target\nOrder Number\n{number}\nProduct\n=HYPERLINK(\"http://x\";\"Müll, \"\"1\"\"\")\n\
         Price\n$1,234.50\nQuantity\n2\nProfile\n-7\nTracking Number\n00123456789012345678\n"
    )
}

#[tokio::test]
async fn a_browser_that_accepts_compression_gets_the_whole_table() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    for path in ["/export", "/export?format=xlsx", "/numbers/export", "/api/v2/orders/export"] {
        for accepted in ["gzip", "identity"] {
            let request = reqwest::Client::new().get(app.url(path)).header("accept-encoding", accepted);
            let reply = request.send().await.unwrap();
            assert_eq!(reply.status(), 200, "{path}");
            assert!(!reply.bytes().await.unwrap().is_empty(), "{path} with {accepted}");
        }
    }
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

#[tokio::test]
async fn a_list_of_the_page_is_exported_with_its_filter_and_columns() {
    let app = App::start().await;
    for (number, status) in [("A-1", "shipped"), ("A-2", "verified"), ("A-3", "shipped")] {
        let lines = "Product\nThing\nPrice\n$5.00\nProfile\n=1+1";
        app.stored(&[&format!(
            "Successful Checkout | Target\nOrder Number\n{number}\n{lines}\nStatus\n{status}\n"
        )])
        .await;
    }
    let links =
        file_links(&app, "/orders?status=shipped&columns=order_number,total,profile&sort=total").await;
    let reply = app.get(&links[0]).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/csv; charset=utf-8"), "{links:?}");
    assert_eq!(
        reply.text,
        "\u{feff}order_number,total,currency,profile\r\nA-3,5.00,USD,'=1+1\r\nA-1,5.00,USD,'=1+1\r\n"
    );
    let rows = sheet_rows(&app, &links[1], "Orders").await;
    let text = |text: &str| Data::String(text.to_owned());
    assert_eq!(rows[2], [text("A-1"), Data::Float(5.0), text("USD"), text("=1+1")]);
}

#[tokio::test]
async fn the_numbers_of_the_page_are_exported_with_a_column_for_each_currency() {
    let app = App::start().await;
    for (number, store, price, status) in [
        ("A-1", "Target", "$5.00", "shipped"),
        ("A-2", "Target", "$8.00", "cancelled"),
        ("A-3", "Argos", "£7.00", "verified"),
        ("A-4", "Target", "$6.50", "verified"),
    ] {
        let card = format!("Successful Checkout | {store}\nOrder Number\n{number}\nProduct\nThing");
        app.stored(&[&format!("{card}\nPrice\n{price}\nStatus\n{status}\n")]).await;
    }
    let links = file_links(&app, "/numbers?by=store&period=all").await;
    let rows = csv_rows(&app.get(&links[0]).await.text);
    let cells = |row: &BTreeMap<String, String>| -> Vec<String> {
        ["store", "orders", "cancelled_or_refunded", "units", "spend_USD", "average_USD", "spend_GBP"]
            .map(|name| row[name].clone())
            .into()
    };
    assert_eq!(cells(&rows[0]), ["Target", "3", "1", "2", "11.50", "5.75", ""]);
    assert_eq!(cells(&rows[1]), ["Argos", "1", "0", "1", "", "", "7.00"]);
    let sheet = sheet_rows(&app, &links[1], "Numbers").await;
    assert_eq!((sheet.len(), &sheet[1][1]), (3, &Data::Float(3.0)));
}

#[tokio::test]
async fn a_spreadsheet_loads_orders_from_a_link_that_can_do_nothing_else() {
    let home = Home::new();
    let create = |name: &str, arguments: &[&str]| {
        let all = ["token", "create", "--name", name, "--url"].into_iter().chain(arguments.iter().copied());
        let output = home.command(&all.collect::<Vec<_>>()).output().unwrap();
        let link = String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned();
        (link, String::from_utf8(output.stderr).unwrap())
    };
    let (masked, _) = create("sheet", &["--scope", "read"]);
    let (full, _) = create("full", &["--scope", "read:pii"]);
    let (sender, _) = create("sender", &[]);
    assert!(create("more", &["--scope", "read,write"]).1.contains("only be read or read:pii"));
    let path = |link: &str| format!("/api{}", link.split_once("/api").unwrap().1);
    let token = |link: &str| link.split('/').find(|part| part.starts_with("roms_")).unwrap().to_owned();
    let (masked, full, sender) = (path(&masked), path(&full), path(&sender));

    let app = App::start_in(home, LOCKED).await;
    let card = "Order Number\nA-1\nProduct\nThing\nEmail\nbuyer@example.com\n";
    assert_eq!(
        app.request(reqwest::Method::POST, &sender, &[], json!({"content": card}).to_string()).await.status,
        204
    );
    let columns = "?columns=order_number,email&search=a-1";
    assert_eq!(
        app.get(&format!("{masked}{columns}")).await.text,
        "\u{feff}order_number,email\r\nA-1,***\r\n"
    );
    let seen = app.get(&format!("{full}{columns}")).await;
    assert_eq!(seen.text, "\u{feff}order_number,email\r\nA-1,buyer@example.com\r\n");
    assert_eq!(app.get(&format!("{masked}?email=buyer@example.com")).await.status, 403);

    // Neither token works anywhere else, and a sender's link reads nothing.
    let other = format!("/api/v2/exports/{}/orders.csv", token(&sender));
    assert_eq!(app.get(&other).await.status, 401);
    let posted = format!("/api/v2/webhooks/orders/{}", token(&full));
    assert_eq!(app.request(reqwest::Method::POST, &posted, &[], card).await.status, 401);
    let bearer = format!("Bearer {}", token(&full));
    let cookie = format!("roms={}", token(&full));
    for header in [("authorization", bearer.as_str()), ("cookie", &cookie)] {
        for path in ["/api/v2/orders", "/api/v2/orders/export", "/orders", "/export"] {
            let reply = app.request(reqwest::Method::GET, path, &[header], "").await;
            assert_eq!(reply.status, 401, "{path}");
        }
    }
    crate::access::revoke(app.home(), "sheet").await;
    until("the revoked link is refused", async || app.get(&masked).await.status == 401).await;
}
