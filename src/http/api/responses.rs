//! The errors of every route for the `OpenAPI` document. Each example is the body of a real
//! error, so that what is documented is what is sent.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        Content, Ref, RefOr,
        example::ExampleBuilder,
        response::{Response, ResponseBuilder},
    },
};

use super::params::bad;
use crate::card::outcome::{Rejection, RejectionCode};
use crate::http::error::{ApiError, ErrorBody};

/// Declares the errors of a kind of route.
macro_rules! errors {
    ($($(#[$doc:meta])+ $name:ident: [$($error:expr),+ $(,)?];)+) => {
        $($(#[$doc])+
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                documented(&[$($error,)+ ApiError::UnknownHost, ApiError::Internal])
            }
        })+
    };
}

errors! {
    /// Errors of the webhook.
    WebhookErrors: [
        refused(RejectionCode::NotAnOrder, "No line of it reads as an order."),
        ApiError::CrossOrigin,
        refused(RejectionCode::Incomplete, "The body broke off. Send it again."),
        refused(RejectionCode::TooLarge, "A body takes at most 256 KiB."),
        refused(RejectionCode::MissingOrderNumber, "The card has no Order Number."),
        refused(RejectionCode::BadOrderNumber, "The order number is longer than 255 characters."),
        refused(RejectionCode::NotStored, "The database refused this message."),
        ApiError::Busy,
        ApiError::Closing,
        ApiError::Storage(None),
    ];
    /// Errors of lists.
    ListErrors: [bad("page", "A whole number."), ApiError::Storage(None)];
    /// Errors of single rows.
    RowErrors: [
        bad("id", "A whole number."),
        ApiError::NotFound("row"),
        ApiError::Storage(None),
    ];
    /// Errors of the live feed.
    SocketErrors: [
        ApiError::CrossOrigin,
        ApiError::NotWebSocket { detail: "Connection header did not include 'upgrade'".to_owned() },
        ApiError::TooManySockets,
        ApiError::Closing,
    ];
}

fn refused(code: RejectionCode, detail: &str) -> ApiError {
    ApiError::Refused { why: Rejection { code, detail: detail.to_owned() }, log_id: Some(1) }
}

/// One response for each status, with an example for each error that has it.
fn documented(errors: &[ApiError]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<StatusCode, Vec<ErrorBody>>::new();
    for error in errors {
        by_status.entry(error.status().0).or_default().push(error.body());
    }
    by_status
        .into_iter()
        .map(|(status, bodies)| (status.as_str().to_owned(), RefOr::T(response(&bodies))))
        .collect()
}

fn response(bodies: &[ErrorBody]) -> Response {
    let description = bodies.iter().map(|body| format!("`{}`: {}", body.code, body.message));
    let examples = bodies.iter().map(|body| {
        let value = serde_json::to_value(body).unwrap_or_default();
        (body.code, ExampleBuilder::new().summary(body.message.as_str()).value(Some(value)).build())
    });
    let content = Content::builder()
        .schema(Some(Ref::from_schema_name(ErrorBody::name())))
        .examples_from_iter(examples)
        .build();
    ResponseBuilder::new()
        .description(description.collect::<Vec<_>>().join("; "))
        .content("application/json", content)
        .build()
}
