//! Every line of the JSON log about a message has the id of its request, or of its Discord message, from its arrival
//! to its commit.

use reqwest::{Client, Method};
use serde_json::Value;

use crate::support::app::{App, ORDERS};
use crate::support::bot::card;
use crate::support::discord::Discord;
use crate::support::program::Program;
use crate::watching::program::home;

/// The messages of the lines in which a field has this value.
fn messages_with(lines: &[Value], field: &str, value: &Value) -> Vec<String> {
    let lines = lines.iter().filter(|line| line[field] == *value);
    lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_client_chooses_the_id_of_its_request_only_if_it_is_short_and_plain() {
    let app = App::start().await;
    let token = format!("roms_{}", "x".repeat(43));
    let ids = ["trace-7:a/b=", "", "a b", "\"><script>", "é", &"x".repeat(129), &token];
    for (at, id) in ids.into_iter().enumerate() {
        let reply = app.request(Method::GET, "/missing", &[("x-request-id", id)], "").await;
        let answered = reply.header("x-request-id");
        assert_eq!(reply.json["request_id"], answered, "{}", reply.text);
        assert_eq!((answered == id, answered.is_empty()), (at == 0, false), "{id}");
    }
}

#[tokio::test]
async fn each_line_about_a_message_has_its_id() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let home = home(&discord, &channel, "");
    let mut serve = home.command(&[]);
    serve.env("ROMS__LOG__FORMAT", "json").env("ROMS__LOG__FILTER", "info,roms=debug,serenity=off");
    let mut program = Program::start_by(serve, home).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let post = async |body: &'static str| {
        let reply = client.post(format!("{}{ORDERS}", program.url)).body(body).send().await.unwrap();
        reply.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let created = post("Successful Checkout | Store\nOrder Number\nA-1\n").await;
    let rejected = post("hello").await;
    // A page of another site sends this.
    let refused = client.post(format!("{}{ORDERS}", program.url)).header("origin", "https://evil.example");
    let refused = refused.body("A-1").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let refused = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
    discord.until_ready().await;
    let posted = hook.post(card("D-1", "$9.99"));
    program.line_with("order created D-1").await;
    program.signal("TERM");
    let log = program.end().await.log;

    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |field: &str, id: Value| messages_with(&lines, field, &id);
    assert_eq!(of("request.id", created.into()), ["message received", "order created A-1 Store"]);
    let rejected = of("request.id", rejected.into());
    assert_eq!(rejected.len(), 2, "{rejected:?}");
    assert!(rejected[0] == "message received" && rejected[1].starts_with("card rejected: "), "{rejected:?}");
    let refused = of("request.id", refused.into());
    assert!(refused.contains(&"request refused: cross_origin".to_owned()), "{refused:?}");
    let mut posted = of("message.id", posted.into());
    // A card that is posted during the start can come from the gateway and from the history.
    posted.dedup();
    assert_eq!(posted, ["message received", "order created D-1 9.99 USD Target"], "{log}");
    // No line about a message is without an id.
    for line in &lines {
        let text = line["message"].as_str().unwrap();
        if text.starts_with("order ") || text.starts_with("card ") || text.starts_with("message ") {
            assert!(line["request.id"].is_string() || line["message.id"].is_i64(), "{line}");
        }
    }
}
