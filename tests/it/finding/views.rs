//! The filters of lists in Discord.

use chrono::{SubsecRound, TimeDelta, Utc};

use super::shelf::Shelf;

#[tokio::test]
async fn the_same_text_has_the_same_id_and_ids_are_never_reused() {
    let shelf = Shelf::new().await;
    let now = Utc::now().trunc_subsecs(6);
    let store = &shelf.store;
    let first = store.save_view("{\"status\":\"shipped\"}", now).await.unwrap();
    let other = store.save_view("{}", now).await.unwrap();
    assert_ne!(first, other);
    assert_eq!(store.save_view("{\"status\":\"shipped\"}", now).await.unwrap(), first);
    assert_eq!(store.save_view("{}", now).await.unwrap(), other);
    assert_eq!(store.view(first).await.unwrap().as_deref(), Some("{\"status\":\"shipped\"}"));
    assert_eq!(store.view(other + 100).await.unwrap(), None);

    // All are dropped before the next one is saved.
    let later = store.save_view("{\"new\":1}", now + TimeDelta::days(31)).await.unwrap();
    assert!(later > other, "{later} {other}");
    assert_eq!(store.view(first).await.unwrap(), None);
    assert_eq!(store.view(other).await.unwrap(), None);
}

#[tokio::test]
async fn a_view_that_is_used_is_kept() {
    let shelf = Shelf::new().await;
    let now = Utc::now().trunc_subsecs(6);
    let store = &shelf.store;
    let long_ago = now - TimeDelta::days(29);
    let used = store.save_view("used", long_ago).await.unwrap();
    let unused = store.save_view("unused", long_ago).await.unwrap();
    assert_eq!(store.view(used).await.unwrap().as_deref(), Some("used"));
    store.save_view("other", now + TimeDelta::days(2)).await.unwrap();
    assert_eq!(store.view(used).await.unwrap().as_deref(), Some("used"));
    assert_eq!(store.view(unused).await.unwrap(), None);
}
