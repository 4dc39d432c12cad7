//! Live updates: the WebSocket sends every change to every client after its commit.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
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
async fn a_slow_client_is_dropped_and_does_not_slow_others() {
    const UPDATES: usize = 60;
    let app = App::start().await;
    let mut fast = listen(&app).await;
    // A client that reads nothing and has a small receive buffer.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(app.address).await.unwrap();
    let (slow, _) = client_async(url(&app), stream).await.unwrap();

    // About 200 KB each: together more than the buffers of the system hold.
    let update = |at: usize| {
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

    // Writing to a connection fails after the other side has dropped it.
    let slow = tokio::sync::Mutex::new(slow.into_inner());
    until("the slow client is dropped", async || {
        slow.lock().await.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.is_err()
    })
    .await;
    app.stored(&["Order Number\nA-2\n"]).await;
    assert_eq!(next(&mut fast).await["order"]["order_number"], "A-2");
}
