//! `/token`, and the access log in `/logs kind:access`.

use chrono::Utc;
use reqwest::{Client, StatusCode};
use roms::store::NewToken;
use roms::token::Scopes;
use serde_json::{Value, json};

use super::stage::{Stage, buttons, field, is_private, text_of, texts};
use crate::support::app::until;
use crate::support::discord::User;
use crate::support::discord::interactions::Reply;

/// Uses a subcommand of `/token`.
async fn token(stage: &Stage, user: &User, name: &str, options: Value) -> Reply {
    let options = json!([{"name": name, "type": 1, "options": options}]);
    user.slash(&stage.channel, "token", options).answer().await
}

/// The token that an answer shows.
fn shown(reply: &Reply) -> String {
    let text = text_of(reply);
    let found = text.split('`').find(|part| part.starts_with("roms_"));
    found.unwrap_or_else(|| panic!("no token: {text}")).to_owned()
}

/// A stage whose ROMS asks for tokens, and the status of a request with one.
async fn locked() -> Stage {
    let mut stage = Stage::before().await;
    stage.config().http.require_auth = true;
    // Without any token, ROMS would not start.
    let admin = NewToken::api("admin".parse().unwrap(), Scopes::ALL, "cli".to_owned());
    stage.bot.store().create_token(admin, Utc::now()).await.unwrap();
    stage.begin().await;
    stage
}

async fn status_with(stage: &Stage, token: &str) -> StatusCode {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("{}/api/v2/orders", stage.bot.url())).bearer_auth(token);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn an_admin_creates_lists_and_revokes_a_token_and_sees_it_once() {
    let stage = locked().await;
    let options = texts(&[("name", "sheet"), ("scope", "read"), ("expires", "3 days")]);
    let created = token(&stage, &stage.admin, "create", options.clone()).await;
    assert!(is_private(&created));
    let secret = shown(&created);
    assert!(text_of(&created).contains("`sheet` (read)"), "{}", text_of(&created));
    assert_eq!(status_with(&stage, &secret).await, 200);

    let again = text_of(&token(&stage, &stage.admin, "create", options).await);
    assert!(again.contains("already a token named sheet"), "{again}");
    let listed = token(&stage, &stage.admin, "list", json!([])).await;
    let line = field(&listed, "sheet").unwrap();
    assert!(is_private(&listed) && !text_of(&listed).contains(&secret), "{line}");
    assert!(
        line.contains("read") && line.contains(secret.get(44..).unwrap()) && line.contains("expires <t:"),
        "{line}"
    );
    let health = stage.ask(&stage.admin, "status", &[]).await;
    let tokens = field(&health, "Tokens").unwrap();
    assert!(tokens.contains("`sheet` expires <t:") && !tokens.contains("admin"), "{tokens}");

    let typing = json!([{"name": "revoke", "type": 1, "options": [
        {"name": "name", "type": 3, "value": "she", "focused": true}
    ]}]);
    let callback = stage.admin.autocomplete(&stage.channel, "token", typing.clone()).callback().await;
    assert_eq!(callback["data"]["choices"], json!([{"name": "sheet", "value": "sheet"}]));
    let callback = stage.manager.autocomplete(&stage.channel, "token", typing).callback().await;
    assert_eq!(callback["data"]["choices"], json!([]), "names of tokens are for admins");
    let revoked = token(&stage, &stage.admin, "revoke", texts(&[("name", "sheet")])).await;
    assert_eq!(text_of(&revoked), "The token `sheet` is revoked.");
    until("it is refused", async || status_with(&stage, &secret).await == 401).await;
    let unknown = token(&stage, &stage.admin, "revoke", texts(&[("name", "sheet")])).await;
    assert_eq!(text_of(&unknown), "There is no token `sheet`.");
    assert!(!stage.log.text().contains(&secret));

    until("the refusals are in the access log", async || {
        let access = json!([{"name": "kind", "type": 4, "value": 1}]);
        let log = stage.admin.slash(&stage.channel, "logs", access).answer().await;
        assert!(is_private(&log) && buttons(&log) == ["Newest", "(Older)"]);
        let text = text_of(&log);
        let person = format!("by <@{}>", stage.admin.id());
        for part in ["token created · `sheet` · read", "token revoked · `sheet`", &person] {
            assert!(text.contains(part), "{part}: {text}");
        }
        text.contains("refused · from `127.0.0.1` · unauthorized GET")
            && text.contains("used from a new address · `sheet`")
    })
    .await;
    stage.end(0).await;
}

#[tokio::test]
async fn a_webhook_link_can_be_made_and_mistakes_are_explained() {
    let stage = Stage::new().await;
    let create = async |options: Value| token(&stage, &stage.admin, "create", options).await;
    let is_link = json!({"name": "url", "type": 5, "value": true});
    let link = create(json!([{"name": "name", "type": 3, "value": "refract"}, is_link.clone()])).await;
    let text = text_of(&link);
    let secret = shown(&link);
    assert!(text.contains("/api/webhooks/") && text.matches(&secret).count() == 2, "{text}");
    for (options, mistake) in [
        (texts(&[("name", "x")]), "Set a `scope`, or `url:True`"),
        (texts(&[("name", "x y"), ("scope", "read")]), "a name has 1 to 64 letters"),
        (texts(&[("name", "x"), ("scope", "everything")]), "the scopes are ingest, read"),
        (texts(&[("name", "x"), ("scope", "read"), ("expires", "soon")]), "expected a time such as"),
        (
            json!([{"name": "name", "type": 3, "value": "x"}, {"name": "scope", "type": 3, "value": "write"}, is_link]),
            "can only send cards",
        ),
    ] {
        let refused = text_of(&create(options).await);
        assert!(refused.contains(mistake), "{mistake}: {refused}");
    }
    let relay = "http://127.0.0.1:9/api/webhooks/1/hook-secret";
    let relay = json!({"name": "relay_url", "type": 3, "value": relay});
    let refused =
        text_of(&create(json!([{"name": "name", "type": 3, "value": "x"}, is_link.clone(), relay])).await);
    let private = "the address of the relay is private; set `allow_private = true` under [webhooks]";
    assert!(refused.contains(private) && !refused.contains("hook-secret"), "{refused}");
    let read = json!([{"name": "name", "type": 3, "value": "sheet"}, {"name": "scope", "type": 3, "value": "read"}, is_link]);
    let table = text_of(&create(read).await);
    assert!(table.contains("/api/v2/exports/roms_") && table.contains("/orders.csv"), "{table}");
    for person in [&stage.viewer, &stage.manager, &stage.guest] {
        let refused = token(&stage, person, "create", texts(&[("name", "x"), ("scope", "admin")])).await;
        assert!(is_private(&refused) && text_of(&refused).contains("You need the admin level"));
    }
    let listed = token(&stage, &stage.admin, "list", json!([])).await;
    assert_eq!(listed.value["embeds"][0]["fields"].as_array().unwrap().len(), 2, "{}", text_of(&listed));
    stage.end(0).await;
}
