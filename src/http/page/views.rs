//! Saved views: a list of orders under a name, shared by the group.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};

use super::frame::{Frame, Head, Viewer};
use super::orders::PAGE_ONLY;
use super::render;
use super::url::UrlQuery;
use crate::clock::now;
use crate::http::api::orders::ListOrders;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, bad_parameter};
use crate::http::query::PathSegment;
use crate::http::{AppState, body};

/// The longest name of a view, in characters.
const MAX_NAME: usize = 60;

/// Asks whether to replace a view that has the same name.
#[derive(Template)]
#[template(path = "replace_view.html", config = "src/http/page/askama.toml")]
struct Replace<'a> {
    head: Head,
    frame: Frame,
    name: &'a str,
    query: &'a str,
    url: &'a str,
}

/// Saves the filters and columns of a list under a name. Asks before it replaces another view.
pub(crate) async fn save(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    body: Body,
) -> Result<Response, ApiError> {
    let form = UrlQuery::of(Some(&body::read_text(body, &state.closing).await?));
    let name = form.get("name").trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(bad_parameter("name", format!("1 to {MAX_NAME} characters.")));
    }
    let view = UrlQuery::of(Some(form.get("query"))).without(&["before", "after", "page"]);
    // A view that cannot be shown is refused here.
    view.without(&PAGE_ONLY).read::<ListOrders>()?.filter(&viewer.caller, state.timezone)?;
    let url = view.link("/orders");
    let query = url.split_once('?').map_or("", |(_, query)| query);
    // Does not use the views of `viewer`: that list is also empty if it could not be read, and ROMS would then replace
    // a view without asking.
    let views = state.store.saved_views().await?;
    let same_name = views.iter().find(|view| view.name == name);
    if same_name.is_some_and(|same| same.query != query) && !form.is("replace", "yes") {
        let page = Replace {
            head: viewer.head(),
            frame: viewer.frame("Replace the view?", "Orders"),
            name,
            query,
            url: &url,
        };
        return Ok((StatusCode::CONFLICT, render(&page)?).into_response());
    }
    state.store.save_view_as(name, query, &viewer.actor(), now()).await?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, url)]).into_response())
}

/// Deletes a view.
pub(crate) async fn delete(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    state.store.delete_saved_view(id).await?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, "/orders")]).into_response())
}
