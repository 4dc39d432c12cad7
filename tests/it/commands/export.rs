//! `/export`: orders as a file.

use serde_json::json;

use super::stage::{Stage, is_private, text_of};
use crate::support::discord::interactions::Reply;

/// The lines of a CSV file with a byte order mark.
fn rows(bytes: &[u8]) -> Vec<csv::StringRecord> {
    let text = std::str::from_utf8(bytes).unwrap().strip_prefix('\u{feff}').unwrap();
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes())
        .records()
        .map(Result::unwrap)
        .collect()
}

fn ending(answer: &Reply) -> &str {
    answer.files[0].name.rsplit('.').next().unwrap()
}

#[tokio::test]
async fn the_orders_of_a_filter_come_as_a_file_for_the_caller_alone() {
    let stage = Stage::new().await;
    for number in ["N-1", "N-2", "M-3"] {
        stage.order(number, "$10.00").await;
    }
    let answer = stage.ask(&stage.viewer, "export", &[("search", "n-")]).await;
    assert!(is_private(&answer) && text_of(&answer) == "2 orders.", "{}", text_of(&answer));
    assert!(answer.files[0].name.starts_with("orders-2") && ending(&answer) == "csv");
    let rows_of_viewer = rows(&answer.files[0].bytes);
    assert_eq!(rows_of_viewer.len(), 3);
    let at = |name: &str| rows_of_viewer[0].iter().position(|it| it == name).unwrap();
    assert_eq!(rows_of_viewer[1].get(at("order_number")), Some("N-2"));
    assert_eq!(rows_of_viewer[1].get(at("email")), Some("***"));
    assert_eq!(rows_of_viewer[1].get(at("total")), Some("10.00"));
    let answer = stage.ask(&stage.manager, "export", &[("search", "n-")]).await;
    assert_eq!(rows(&answer.files[0].bytes)[1].get(at("email")), Some("canary@example.com"));

    // Discord sends the index of a choice.
    let as_workbook = json!([{"name": "format", "type": 4, "value": 1}]);
    let answer = stage.viewer.slash(&stage.channel, "export", as_workbook).answer().await;
    assert!(ending(&answer) == "xlsx" && answer.files[0].bytes.starts_with(b"PK"));
    let nothing = stage.ask(&stage.viewer, "export", &[("search", "nothing")]).await;
    assert_eq!((text_of(&nothing).as_str(), nothing.files.len()), ("No orders match.", 0));
    let refused = stage.ask(&stage.viewer, "export", &[("email", "canary@example.com")]).await;
    assert!(text_of(&refused).contains("You need the manager level"), "{}", text_of(&refused));
    stage.end(0).await;
}

#[tokio::test]
async fn a_file_that_is_too_large_for_discord_is_refused_with_the_reason() {
    let stage = Stage::new().await;
    stage.order("N-1", "$10.00").await;
    let viewer = stage.viewer.clone().with_attachment_limit(300);
    let answer = stage.ask(&viewer, "export", &[]).await;
    let text = text_of(&answer);
    assert!(text.contains("larger than") && text.contains("Narrow the filter"), "{text}");
    assert!(answer.files.is_empty());
    stage.end(0).await;
}
