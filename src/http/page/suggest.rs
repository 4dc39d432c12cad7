//! Suggestions for the fields of filters: names that orders have, as the options of a list.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Html,
};

use super::frame::Viewer;
use super::render;
use super::url::UrlQuery;
use crate::http::AppState;
use crate::http::error::{ApiError, bad_parameter};
use crate::order::is_personal;
use crate::store::SumKind;

/// The most names in an answer.
const MAX_NAMES: u64 = 20;
/// The fields with suggestions.
const FIELDS: [(&str, SumKind); 3] =
    [("store", SumKind::Store), ("profile", SumKind::Profile), ("product", SumKind::Product)];

#[derive(Template)]
#[template(path = "suggestions.html", config = "src/http/page/askama.toml")]
struct Suggestions {
    names: Vec<String>,
}

/// Answers with names that contain the text of the field `of`.
pub(crate) async fn names(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let field = FIELDS.into_iter().find(|(name, _)| query.is("of", name));
    let (name, kind) = field.ok_or_else(|| bad_parameter("of", "The name of a field with suggestions."))?;
    if is_personal(name) {
        viewer.caller.require_pii()?;
    }
    let names = state.store.names_containing(kind, query.get(name).trim(), MAX_NAMES).await?;
    render(&Suggestions { names })
}
