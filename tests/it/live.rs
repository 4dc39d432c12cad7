//! Live updates: the WebSocket sends every change to every client after its commit.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
        protocol::frame::coding::CloseCode,
    },
};

use crate::support::app::{App, soon, until};

pub(crate) type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn url(app: &App) -> String {
    format!("ws://{}/ws", app.address)
}

/// Connects a client and waits for the first message.
pub(crate) async fn listen(app: &App) -> Client {
    let (mut client, _) = connect_async(url(app)).await.unwrap();
    let first = next(&mut client).await;
    assert_eq!(first["type"], "connection_confirmed");
    client
}

/// Waits for the next change and skips pings.
pub(crate) async fn next(client: &mut Client) -> Value {
    loop {
        if let Message::Text(text) = soon(client.next()).await.expect("a message").unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test]
async fn every_client_receives_every_change_after_it_is_stored() {
    let app = App::start().await;
    let mut clients = [listen(&app).await, listen(&app).await, listen(&app).await];
    let mut sql = app.sql().await;

    app.stored(&["Order Number\nA-1\nPrice\n$9.99\n"]).await;
    for client in &mut clients {
        let change = next(client).await;
        assert_eq!(change["type"], "new_order");
        assert_eq!(sql.count("orders").await, 1, "sent after the commit");
        assert_eq!(change["order"], app.get("/api/v2/orders/A-1").await.json);
    }
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;
    for client in &mut clients {
        let change = next(client).await;
        assert_eq!(
            (&change["type"], &change["order"]["status"]),
            (&json!("order_updated"), &json!("shipped"))
        );
        assert_eq!(change["order"]["price"], 9.99, "the whole order");
    }
    // A message that changes nothing is not sent; the next message is about the next order.
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n", "Order Number\nA-2\n"]).await;
    app.post("hello").await;
    app.stored(&["Order Number\nA-3\n"]).await;
    for client in &mut clients {
        for number in ["A-2", "A-3"] {
            assert_eq!(next(client).await["order"]["order_number"], number);
        }
    }
}

/// A client of the event stream.
pub(crate) struct Stream {
    response: reqwest::Response,
    text: String,
}

/// One event of the stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Stream {
    /// Opens the stream with this query, and waits for the first event.
    pub(crate) async fn open(app: &App, query: &str, last_event_id: Option<i64>) -> Self {
        let mut request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(app.url(&format!("/api/v2/events{query}")));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = soon(request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no", "nginx passes on each event at once");
        let mut stream = Self { response, text: String::new() };
        assert_eq!(stream.next().await.unwrap().name, "connection_confirmed");
        stream
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned)
                };
                let (id, name, data) = (field("id"), field("event"), field("data"));
                let rest = rest.len();
                self.text.drain(..self.text.len() - rest);
                // A comment has no data.
                if let (Some(name), Some(data)) = (name, data) {
                    let id = id.map_or(0, |id| id.parse().unwrap());
                    return Some(Event { id, name, data: serde_json::from_str(&data).unwrap() });
                }
                continue;
            }
            let chunk = soon(self.response.chunk()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// Connects a WebSocket with a query. Returns its first message.
async fn socket(app: &App, query: &str) -> (Client, Value) {
    let (mut client, _) = connect_async(format!("{}{query}", url(app))).await.unwrap();
    let first = next(&mut client).await;
    (client, first)
}

#[tokio::test]
async fn the_event_stream_has_the_messages_of_the_websocket_with_their_ids() {
    let app = App::start().await;
    let (mut stream, mut client) = (Stream::open(&app, "", None).await, listen(&app).await);
    app.stored(&["Order Number\nA-1\n", "Order Number\nA-1\nStatus\nshipped\n"]).await;
    for (name, changed) in [("new_order", json!("quantity")), ("order_updated", json!("status"))] {
        let event = stream.next().await.unwrap();
        assert_eq!(event.name, name);
        assert_eq!(event.data, next(&mut client).await);
        assert_eq!((&event.data["type"], &event.data["event_id"]), (&json!(name), &json!(event.id)));
        assert!(event.data["changed"].as_array().unwrap().contains(&changed), "{}", event.data);
    }
    let events = app.get("/api/v2/orders/A-1/events").await.json;
    assert_eq!(events["events"][1]["id"], 2, "the id is that of the step in the history");
}

#[tokio::test]
async fn a_client_resumes_where_it_was_also_after_a_restart() {
    let app = App::start().await;
    let mut stream = Stream::open(&app, "", None).await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let last = stream.next().await.unwrap().id;
    drop(stream);
    for at in 2..=300 {
        app.stored(&[&format!("Order Number\nA-{at}\n")]).await;
    }
    let app = App::start_in(app.stop().await, "").await;
    let number = |message: &Value| message["order"]["order_number"].as_str().unwrap().to_owned();

    let mut by_header = Stream::open(&app, "?since=0", Some(last)).await;
    let (mut by_query, first) = socket(&app, &format!("?since={last}")).await;
    assert_eq!((&first["type"], &first["event_id"]), (&json!("connection_confirmed"), &json!(last)));
    app.stored(&["Order Number\nB-1\n"]).await;
    for at in 2..=300 {
        assert_eq!(number(&by_header.next().await.unwrap().data), format!("A-{at}"));
        assert_eq!(number(&next(&mut by_query).await), format!("A-{at}"));
    }
    assert_eq!(number(&by_header.next().await.unwrap().data), "B-1");
    assert_eq!(number(&next(&mut by_query).await), "B-1");

    // Without `since`, or with an id that does not exist yet, only new changes are sent.
    let (mut now, _) = socket(&app, "").await;
    let (mut later, first) = socket(&app, "?since=999999").await;
    assert_eq!(first["event_id"], 301);
    app.stored(&["Order Number\nB-2\n"]).await;
    assert_eq!(
        (number(&next(&mut now).await), number(&next(&mut later).await)),
        ("B-2".into(), "B-2".into())
    );
}

#[tokio::test]
async fn a_filter_applies_to_missed_and_to_new_changes() {
    let app = App::start().await;
    let card = |number: &str, store: &str, status: &str| {
        format!("Successful Checkout | {store}\nOrder Number\n{number}\nStatus\n{status}\n")
    };
    app.stored(&[&card("A-1", "Target", "shipped"), &card("A-2", "Kohl's", "shipped")]).await;
    let mut stream = Stream::open(&app, "?since=0&store=TARGET&status=shipped&source=webhook", None).await;
    app.stored(&[&card("A-3", "Target", "verified"), &card("A-4", "Target", "shipped")]).await;
    for number in ["A-1", "A-4"] {
        assert_eq!(stream.next().await.unwrap().data["order"]["order_number"], number);
    }
    for (query, status) in [("since=x", 400), ("since=-1", 400), ("stat=shipped", 400), ("status=sent", 400)]
    {
        assert_eq!(app.get(&format!("/api/v2/events?{query}")).await.status, status, "{query}");
        assert_eq!(app.get(&format!("/ws?{query}")).await.status, status, "{query}");
    }
    for id in ["x", "-1"] {
        let headers = [("last-event-id", id)];
        let bad_id = app.request(reqwest::Method::GET, "/api/v2/events", &headers, "").await;
        assert_eq!(bad_id.status, 400, "{id}");
    }
    let evil = [("origin", "https://evil.example")];
    assert_eq!(app.request(reqwest::Method::GET, "/api/v2/events", &evil, "").await.status, 403);
}

#[tokio::test]
async fn changes_of_another_program_on_the_same_file_are_sent_too() {
    let app = App::start_with("[retention]\nraw_days = 0\n").await;
    let mut stream = Stream::open(&app, "", None).await;
    app.stored(&["Order Number\nA-1\n"]).await;
    assert_eq!(stream.next().await.unwrap().id, 1);
    let config = app.home().config("");
    let store = roms::store::Store::open(&config.database.url).await.unwrap();
    let (other, writer) = roms::ingest::Ingest::start(store, roms::feed::Feed::new(1), config.orders);
    let message =
        roms::card::message::Message::from_payload("Order Number\nA-2\n", "cli", roms::clock::now());
    other.submit(message).await.unwrap();
    assert_eq!(stream.next().await.unwrap().data["order"]["order_number"], "A-2");
    app.stored(&["Order Number\nA-3\n"]).await;
    assert_eq!(stream.next().await.unwrap().data["order"]["order_number"], "A-3");
    other.close();
    writer.await.unwrap();
}

#[tokio::test]
async fn streams_end_at_shutdown_even_if_a_client_does_not_read() {
    let app = App::start().await;
    let mut reading = Stream::open(&app, "", None).await;
    let mut stuck = TcpStream::connect(app.address).await.unwrap();
    stuck.write_all(b"GET /api/v2/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    app.stored(&["Order Number\nA-1\n"]).await;
    assert_eq!(reading.next().await.unwrap().id, 1);
    app.begin_stop();
    let end = reading.next().await.unwrap();
    assert_eq!(end.name, "closing");
    assert!(end.data["reason"].as_str().unwrap().contains("?since="), "{}", end.data);
    assert!(reading.next().await.is_none());
    let started = std::time::Instant::now();
    app.stop().await;
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[tokio::test]
async fn several_orders_of_one_message_are_sent_in_its_order() {
    let app = App::start().await;
    let mut client = listen(&app).await;
    let cards: Vec<_> = (0..20).map(|at| json!({"order_number": format!("A-{at}")})).collect();
    app.stored(&[&json!(cards).to_string()]).await;
    for at in 0..20 {
        assert_eq!(next(&mut client).await["order"]["order_number"], format!("A-{at}"));
    }
}

#[tokio::test]
async fn pings_are_answered_and_a_long_message_closes_the_connection() {
    let app = App::start().await;
    let mut client = listen(&app).await;
    client.send(Message::Ping("are you there?".into())).await.unwrap();
    let pong = soon(client.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong("are you there?".into()));

    client.send(Message::text("hello")).await.unwrap();
    app.stored(&["Order Number\nA-1\n"]).await;
    assert_eq!(next(&mut client).await["type"], "new_order", "text from clients is ignored");

    client.send(Message::text("x".repeat(64 * 1024))).await.unwrap();
    while let Some(Ok(_)) = soon(client.next()).await {}
    assert_eq!(app.get("/health").await.status, 200);
}

#[tokio::test]
async fn clients_that_disconnect_do_not_affect_the_others() {
    let app = App::start().await;
    let (mut stays, mut closes, vanishes) = (listen(&app).await, listen(&app).await, listen(&app).await);
    soon(closes.close(None)).await.unwrap();
    drop(vanishes);
    app.stored(&["Order Number\nA-1\n"]).await;
    assert_eq!(next(&mut stays).await["order"]["order_number"], "A-1");
}

#[tokio::test]
async fn only_pages_of_the_same_origin_may_connect() {
    let app = App::start().await;
    let mut request = url(&app).into_client_request().unwrap();
    request.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    let Err(Error::Http(refused)) = connect_async(request).await else { panic!("it may listen") };
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    let mut request = url(&app).into_client_request().unwrap();
    request.headers_mut().insert("origin", HeaderValue::from_str(&app.url("")).unwrap());
    assert!(connect_async(request).await.is_ok());
}

#[tokio::test]
async fn a_plain_request_is_answered_with_upgrade_required() {
    let app = App::start().await;
    let reply = app.get("/ws").await;
    assert_eq!((reply.status, &reply.json["code"]), (426, &json!("not_websocket")));
}

#[tokio::test]
async fn clients_receive_a_close_frame_at_shutdown() {
    let app = App::start().await;
    let mut clients = [listen(&app).await, listen(&app).await];
    app.begin_stop();
    for client in &mut clients {
        let Some(Ok(Message::Close(Some(frame)))) = soon(client.next()).await else {
            panic!("no close frame")
        };
        assert_eq!(frame.code, CloseCode::Away);
        // Reading on answers the close frame.
        assert!(soon(client.next()).await.is_none_or(|rest| rest.is_err()));
    }
    app.stop().await;
}

#[tokio::test]
async fn a_slow_client_is_dropped_with_a_hint_and_does_not_slow_others() {
    const UPDATES: i64 = 60;
    let app = App::start_with("[metrics]\nenabled = true\n").await;
    let mut fast = listen(&app).await;
    // Clients that read nothing for now and have a small receive buffer.
    let connect = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(app.address).await.unwrap()
    };
    let (mut slow, _) = client_async(url(&app), connect().await).await.unwrap();
    let mut slow_stream = connect().await;
    slow_stream.write_all(b"GET /api/v2/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let listeners = async |count: usize| {
        let line = format!("\nroms_live_clients {count}\n");
        until(&line, async || app.get("/metrics").await.text.contains(&line)).await;
    };
    listeners(3).await;

    // About 200 KB each: together more than the buffers of the system hold.
    let update = |at: i64| {
        let mut order = serde_json::Map::from_iter([("order_number".to_owned(), json!("A-1"))]);
        order.insert("notes".to_owned(), json!(format!("update {at}")));
        for label in 0..49 {
            order.insert(format!("label {label}"), json!("\u{1f600}".repeat(1000)));
        }
        Value::Object(order).to_string()
    };
    for at in 0..UPDATES {
        app.stored(&[&update(at)]).await;
        let change = next(&mut fast).await;
        assert_eq!(
            change["order"]["notes"],
            format!("update {at}"),
            "the fast client does not wait for the slow one"
        );
        assert!(change.to_string().len() > 150_000, "large enough to fill buffers");
    }

    listeners(1).await;
    let read_socket = async {
        let (mut last, mut frame) = (0, None);
        while let Some(Ok(message)) = slow.next().await {
            match message {
                Message::Text(text) => {
                    last = serde_json::from_str::<Value>(&text).unwrap()["event_id"].as_i64().unwrap();
                }
                Message::Close(close) => frame = close,
                _ => {}
            }
        }
        (last, frame.expect("a close frame"))
    };
    let mut text = String::new();
    let both = async { tokio::join!(read_socket, slow_stream.read_to_string(&mut text)) };
    let ((last, frame), whole) = soon(both).await;
    whole.unwrap();
    assert_eq!(frame.code, CloseCode::Again);
    assert!(frame.reason.contains("?since="), "{}", frame.reason);
    let (events, closing) = text.rsplit_once("event: closing\n").expect("the last event");
    assert!(closing.contains("?since="), "{closing}");
    let (_, last_id) = events.rsplit_once("\nid: ").unwrap();
    let last_of_stream = last_id.lines().next().unwrap().parse().unwrap();
    // Nothing is missed.
    for last in [last, last_of_stream] {
        assert!((1..UPDATES).contains(&last), "{last}");
        let (mut resumed, _) = socket(&app, &format!("?since={last}")).await;
        for id in last + 1..=UPDATES {
            assert_eq!(next(&mut resumed).await["event_id"], id);
        }
    }
}
