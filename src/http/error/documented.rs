//! The errors of each kind of route, for the OpenAPI document.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{Content, Ref, RefOr, example::ExampleBuilder, response},
};

use super::{ApiError, ErrorBody, bad_field, bad_parameter, cross_origin, unknown_host};
use crate::card::outcome::{Rejection, RejectionCode};
use crate::token::Scope;

/// Defines a type that lists the errors of a kind of route for the OpenAPI document. `Name(shared())` starts with the
/// errors that several kinds share. Each example is the body of a real error, so the document shows what is sent.
macro_rules! documented_errors {
    ($($(#[$doc:meta])+ $name:ident $(($shared:expr))?: [$($error:expr),* $(,)?];)+) => {
        $($(#[$doc])+
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<response::Response>> {
                let mut own = Vec::<ApiError>::new();
                $(own.extend($shared);)?
                own.extend([$($error,)*]);
                let token = [ApiError::Unauthorized { page: false }, ApiError::MissingScope(Scope::Admin)];
                let is_link = own.iter().any(|error| matches!(error, ApiError::UnknownLink));
                let token = token.into_iter().filter(|_| !is_link);
                let common = [
                    ApiError::RateLimited(Duration::from_millis(100)),
                    unknown_host().into(),
                    ApiError::Internal,
                ];
                documented(&own.into_iter().chain(token).chain(common).collect::<Vec<_>>())
            }
        })+
    };
}

documented_errors! {
    /// Errors of the webhook.
    WebhookErrors(card_errors()): [cross_origin().into()];
    /// Errors of the webhook whose path holds the token.
    LinkErrors(card_errors()): [ApiError::UnknownLink];
    /// Errors of a route that asks for any token.
    PageErrors: [];
    /// Errors of lists.
    ListErrors: [bad_parameter("limit", "Not a whole number."), ApiError::Storage(None)];
    /// Errors of a list that a link shows.
    ListLinkErrors: [
        bad_parameter("limit", "Not a whole number."),
        ApiError::UnknownLink,
        ApiError::Storage(None),
    ];
    /// Errors of routes for a single resource.
    ResourceErrors: [
        bad_parameter("id", "Not a whole number."),
        ApiError::NotFound("order"),
        ApiError::Storage(None),
    ];
    /// Errors of the change to many orders.
    BulkErrors(body_errors()): [
        ApiError::BadBody("missing field `set` at line 1 column 2.".to_owned()),
        bad_parameter("limit", "This path has no parameters."),
        bad_field("filter.stat", "Unknown parameter; did you mean `status`?"),
    ];
    /// Errors of imports.
    ImportErrors: [
        ApiError::BadBody("The form is incomplete.".to_owned()),
        bad_parameter("id", "Not a whole number."),
        cross_origin().into(),
        ApiError::NotFound("import"),
        ApiError::NotImportable("The import has ended already.".to_owned()),
        bad_field("file", "Not imported: the file is empty."),
        ApiError::Closing,
        ApiError::Storage(None),
    ];
    /// Errors of the replay of one message.
    ReplayErrors: [
        bad_parameter("id", "Not a whole number."),
        cross_origin().into(),
        ApiError::NotFound("log entry"),
        ApiError::NotReplayable("The payload of this row is empty.".to_owned()),
        ApiError::Closing,
        ApiError::Storage(None),
    ];
    /// Errors of the replay of many messages.
    ReplayAllErrors: [
        bad_parameter("since", "A date such as 2026-01-31."),
        cross_origin().into(),
        ApiError::Closing,
        ApiError::Storage(None),
    ];
    /// Errors of routes that change an order.
    EditErrors(body_errors()): [
        ApiError::BadBody("A JSON object of columns and their new values.".to_owned()),
        bad_parameter("If-Match", "The `ETag` of an earlier answer, or `*`."),
        ApiError::NotFound("order"),
        ApiError::Changed(None),
        bad_field("status", "`sent` is not a status."),
    ];
    /// Errors of the list of webhook endpoints.
    EndpointListErrors: [bad_parameter("limit", "This path has no parameters."), ApiError::Storage(None)];
    /// Errors of routes for one webhook endpoint or delivery.
    EndpointErrors: [
        bad_parameter("since", "A date such as 2026-01-31."),
        cross_origin().into(),
        ApiError::NotFound("webhook endpoint"),
        ApiError::Storage(None),
    ];
    /// Errors of routes that create or change a webhook endpoint.
    EndpointChangeErrors(body_errors()): [
        ApiError::BadBody("missing field `url` at line 1 column 2.".to_owned()),
        bad_parameter("limit", "This path has no parameters."),
        ApiError::NotFound("webhook endpoint"),
        bad_field("event_types", "The event types are order.created, order.updated and order.cancelled."),
    ];
    /// Errors of the event stream.
    StreamErrors: [
        bad_parameter("since", "Not a whole number."),
        cross_origin().into(),
        ApiError::TooManyClients,
        ApiError::Closing,
        ApiError::Storage(None),
    ];
    /// Errors of the WebSocket.
    SocketErrors: [
        bad_parameter("since", "Not a whole number."),
        cross_origin().into(),
        ApiError::NotWebSocket { detail: "Connection header did not include 'upgrade'".to_owned() },
        ApiError::TooManyClients,
        ApiError::Closing,
        ApiError::Storage(None),
    ];
}

/// The errors of routes that take cards.
fn card_errors() -> [ApiError; 13] {
    [
        bad_parameter("Idempotency-Key", "A text of 1 to 255 ASCII characters."),
        ApiError::BadSignature("The request has no signature."),
        ApiError::KeyInUse,
        ApiError::KeyReused,
        refused(RejectionCode::NotAnOrder, "No line reads as an order."),
        refused(RejectionCode::Incomplete, "The connection broke off. Send the request again."),
        refused(RejectionCode::TooLarge, "A body has at most 256 KiB."),
        refused(RejectionCode::MissingOrderNumber, "The card has no Order Number."),
        refused(RejectionCode::BadOrderNumber, "The order number is longer than 255 characters."),
        refused(RejectionCode::NotStored, "The database refused this message."),
        ApiError::Busy,
        ApiError::Closing,
        ApiError::Storage(None),
    ]
}

/// The errors of routes that change something as their body says.
fn body_errors() -> [ApiError; 5] {
    [
        cross_origin().into(),
        refused(RejectionCode::Incomplete, "The connection broke off. Send the request again."),
        refused(RejectionCode::TooLarge, "A body has at most 256 KiB."),
        ApiError::Closing,
        ApiError::Storage(None),
    ]
}

fn refused(code: RejectionCode, detail: &str) -> ApiError {
    ApiError::Refused { why: Rejection { code, detail: detail.to_owned() }, log_id: Some(1) }
}

/// One documented response for each status code, with an example for each error that has it.
fn documented(errors: &[ApiError]) -> BTreeMap<String, RefOr<response::Response>> {
    let mut by_status = BTreeMap::<StatusCode, Vec<ErrorBody>>::new();
    for error in errors {
        by_status.entry(error.status().0).or_default().push(error.body());
    }
    let documented = by_status.into_iter().map(|(status, bodies)| {
        let descriptions = bodies.iter().map(|body| format!("`{}`: {}", body.code, body.message));
        let examples = bodies.iter().map(|body| {
            let value = serde_json::to_value(body).unwrap_or_default();
            (body.code, ExampleBuilder::new().summary(body.message.as_str()).value(Some(value)).build())
        });
        let content = Content::builder()
            .schema(Some(Ref::from_schema_name(ErrorBody::name())))
            .examples_from_iter(examples)
            .build();
        let response = response::ResponseBuilder::new()
            .description(descriptions.collect::<Vec<_>>().join("; "))
            .content("application/json", content)
            .build();
        (status.as_str().to_owned(), RefOr::T(response))
    });
    documented.collect()
}
