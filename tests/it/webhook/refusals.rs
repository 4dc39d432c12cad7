//! Every reason to reject a message: status code, body and log row.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::app::{App, ORDERS, Reply, soon, until};

/// Checks the documented form of the answer, and that the log row agrees with it.
async fn check_refusal(app: &App, reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(
        (&reply.json["success"], &reply.json["code"]),
        (&json!(false), &json!(code)),
        "{}",
        reply.text
    );
    assert!(!reply.json["message"].as_str().unwrap().is_empty());
    let id = reply.json["log_id"].as_i64().expect("a log row");
    let log = app.get(&format!("/api/v2/webhooks/logs/{id}")).await.json;
    assert_eq!((&log["outcome"], &log["code"]), (&json!("rejected"), &json!(code)));
    assert_eq!((&log["status_code"], &log["processed"]), (&json!(status), &json!(false)));
    assert_eq!(log["error_message"], reply.json["detail"]);
    assert!(!log["error_message"].as_str().unwrap().is_empty());
    assert_eq!((&log["order_ids"], &log["method"]), (&json!([]), &json!("POST")));
    log
}

#[tokio::test]
async fn a_message_without_an_order_is_rejected_in_the_words_of_the_guide_and_stored() {
    let app = App::start().await;
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 14] = [
        b"",
        b" \n\t\n",
        b"hello",
        b"\xff\xfe\x00",
        b"{}",
        b"[]",
        b"null",
        b"17",
        b"\"\"",
        br#"{"content": "hi", "embeds": []}"#,
        br#"{"content": "Order Numb"#,
        br#"{"embeds": [{"title": nul"#,
        b"payload_json=%7B",
        deep.as_bytes(),
    ];
    for body in bodies {
        let reply = app.post(body.to_vec()).await;
        let log = check_refusal(&app, &reply, 400, "not_an_order").await;
        assert_eq!(reply.json["message"], "Could not parse webhook content");
        let raw = String::from_utf8_lossy(body).replace('\0', "");
        assert_eq!(log["payload"], raw, "the payload is stored for a replay");
    }
    assert_eq!(app.sql().await.count("webhook_logs").await, 14);
    assert_eq!(app.sql().await.count("orders").await, 0);
}

#[tokio::test]
async fn the_answer_to_broken_json_names_the_place() {
    let app = App::start().await;
    let reply = app.post("{\"order_number\": \"A-1\",\n \"price\": }").await;
    check_refusal(&app, &reply, 400, "not_an_order").await;
    let detail = reply.json["detail"].as_str().unwrap();
    assert_eq!(
        detail,
        "the payload begins like JSON but is not valid: unexpected character at line 2, column 11"
    );
    let reply = app.post("{\"order_number\": \"A-1\", \"price\": 12345678901234567890").await;
    let detail = reply.json["detail"].as_str().unwrap();
    assert!(detail.contains("it ends too early at line 1, column 53"), "{detail}");
}

#[tokio::test]
async fn the_answer_to_json_that_is_nested_too_deep_says_so() {
    let app = App::start().await;
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let reply = app.post(nested(128)).await;
    check_refusal(&app, &reply, 400, "not_an_order").await;
    let detail = reply.json["detail"].as_str().unwrap();
    assert!(detail.starts_with("the payload is JSON that is nested too deep"), "{detail}");
    let reply = app.post(nested(127)).await;
    let detail = reply.json["detail"].as_str().unwrap();
    assert!(detail.starts_with("no heading"), "{detail}");
}

#[tokio::test]
async fn a_flat_object_without_its_number_is_listed_beside_the_orders_of_its_array() {
    let app = App::start().await;
    let lost = json!({"product": "lost"});
    let reply = app.post(lost.to_string()).await;
    check_refusal(&app, &reply, 422, "missing_order_number").await;
    let reply = app.post(json!({"order_number": ""}).to_string()).await;
    check_refusal(&app, &reply, 422, "missing_order_number").await;
    let reply = app.post(json!({"foo": "bar"}).to_string()).await;
    check_refusal(&app, &reply, 400, "not_an_order").await;

    let reply = app.post(json!([{"order_number": "AL-1", "product": "a"}, lost]).to_string()).await;

    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(reply.text.contains("missing_order_number"), "{}", reply.text);
    assert_eq!(app.sql().await.count("orders").await, 1);
}

#[tokio::test]
async fn deep_json_with_an_order_in_it_neither_crashes_nor_hangs() {
    let app = App::start().await;
    let nested = format!("{}{}{}", "{\"a\":".repeat(20_000), "1", "}".repeat(20_000));
    let reply = app.post(format!("{{\"order_number\":\"A-1\",\"x\":{nested}}}")).await;
    assert!(matches!(reply.status, 200 | 400), "{}", reply.status);
    assert_eq!(app.get("/health").await.status, 200);
}

#[tokio::test]
async fn an_order_without_its_number_is_rejected_and_stored_in_the_log() {
    let app = App::start().await;
    let reply = app.post("Successful Checkout | Store\nProduct\nThing\nPrice\n$9.99\n").await;
    let log = check_refusal(&app, &reply, 422, "missing_order_number").await;
    assert!(log["flattened"].as_str().unwrap().contains("Thing"));
    let flat = app.post(json!({"product": "Thing", "price": 1}).to_string()).await;
    check_refusal(&app, &flat, 422, "missing_order_number").await;
}

#[tokio::test]
async fn an_order_number_that_is_too_long_is_rejected() {
    let app = App::start().await;
    let fits = "9".repeat(255);
    app.stored(&[&super::card(&fits, "")]).await;
    let reply = app.post(super::card(&"9".repeat(256), "")).await;
    check_refusal(&app, &reply, 422, "bad_order_number").await;
    assert_eq!(app.sql().await.count("orders").await, 1);
}

#[tokio::test]
async fn a_body_of_256_kib_is_accepted_and_one_more_byte_is_rejected() {
    let app = App::start().await;
    let card = super::card("A-1", "");
    let fill = 256 * 1024 - card.len();
    assert_eq!(app.post(format!("{card}{}", " ".repeat(fill))).await.status, 200);

    let reply = app.post(format!("{card}{}", " ".repeat(fill + 1))).await;
    let log = check_refusal(&app, &reply, 413, "too_large").await;
    assert!(log["payload"].as_str().unwrap().starts_with(&card), "the beginning is stored");
    assert_eq!(app.sql().await.value("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test]
async fn a_client_that_sends_a_much_larger_body_still_receives_its_answer() {
    let app = App::start().await;
    let reply = app.post(vec![b'x'; 3 * 1024 * 1024]).await;
    check_refusal(&app, &reply, 413, "too_large").await;
    // These routes do not read the body.
    for (method, path, headers, status) in [
        (Method::POST, "/nothing", &[][..], 404),
        (Method::PUT, ORDERS, &[], 405),
        (Method::POST, ORDERS, &[("origin", "https://evil.example")], 403),
        (Method::POST, "/api/v2/orders/bulk?limit=1", &[], 400),
        (Method::POST, "/health", &[("host", "evil.example")], 421),
    ] {
        let reply = app.request(method, path, headers, vec![b'x'; 3 * 1024 * 1024]).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_leaves_its_log_row_and_no_order() {
    let app = App::start().await;
    let card = super::card("A-1", "");
    let request = format!(
        "POST {ORDERS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{card}",
        card.len() + 9
    );

    app.raw(request.as_bytes()).await;

    let mut sql = app.sql().await;
    until("the log row", async || sql_has_log(&app).await).await;
    let log = sql.rows("SELECT outcome, code, payload FROM webhook_logs").await;
    assert_eq!(json!(log), json!([{"outcome": "rejected", "code": "incomplete", "payload": card}]));
    assert_eq!(sql.count("orders").await, 0);
}

#[tokio::test]
async fn the_order_of_a_client_that_disconnects_is_stored() {
    let app = App::start().await;
    // At its start, ROMS checks that the database accepts writes.
    assert_eq!(app.get("/health").await.status, 200);
    let mut sql = app.sql().await;
    // While the database is locked, nothing can be stored and so the client gets no answer.
    sql.lock().await;
    let card = super::card("A-1", "");
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let request =
        format!("POST {ORDERS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{card}", card.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    // This connection comes later, so the first one has been read when it is served.
    assert_eq!(app.get("/health").await.status, 200);
    sql.unlock().await;
    until("the order", async || app.sql().await.count("orders").await == 1).await;
}

async fn sql_has_log(app: &App) -> bool {
    app.sql().await.count("webhook_logs").await == 1
}

#[tokio::test]
async fn a_connection_with_a_request_head_that_never_ends_is_closed() {
    let app = App::start().await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\nx-half").await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer);
    drop(soon(closed).await);
}
