//! Checks bodies against Discord's published schema: types, required fields, enumerations, and the
//! lengths of texts and lists.

use std::{cmp::Reverse, collections::BTreeMap, sync::LazyLock};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json};

/// Cut out of Discord's OpenAPI document by the script beside it.
const SCHEMAS: &str = include_str!("../../../fixtures/discord-schema.json");

/// Corrections where the schema refuses what Discord accepts: the place, the replacement, and the reason.
const RELAXED: [(&str, &str, &str); 2] = [
    (
        "/ApplicationCommandUpdateRequest/properties/default_member_permissions",
        r#"{"type": ["string", "integer", "null"], "pattern": "^(0|[1-9][0-9]*)$"}"#,
        "Discord's documentation and its own answers write permissions as a string",
    ),
    (
        "/MessageAttachmentRequest/properties/id",
        r#"{"type": ["string", "integer"], "minimum": 0, "pattern": "^(0|[1-9][0-9]*)$"}"#,
        "Discord's documentation numbers the files of a new message 0, 1, … without quotes",
    ),
];

/// A kind of body sent to Discord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Body {
    /// The first answer to an interaction: a message, or its deferral.
    Message,
    /// An update of the message whose component was used, or its deferral.
    Update,
    /// Checks autocomplete choices.
    Choices,
    Modal,
    FollowUp,
    Edit,
    Commands,
}

impl Body {
    /// The kind of a first answer by its type. `None` if there is no such type.
    pub(super) fn of_callback(kind: u64) -> Option<Self> {
        Some(match kind {
            4 | 5 => Self::Message,
            6 | 7 => Self::Update,
            8 => Self::Choices,
            9 => Self::Modal,
            _ => return None,
        })
    }

    fn schema(self) -> Value {
        let named = |name: &str| json!({"$ref": format!("#/schemas/{name}")});
        match self {
            Self::Message => named("CreateMessageInteractionCallbackRequest"),
            Self::Update => named("UpdateMessageInteractionCallbackRequest"),
            Self::Choices => named("ApplicationCommandAutocompleteCallbackRequest"),
            Self::Modal => named("ModalInteractionCallbackRequest"),
            Self::FollowUp => named("IncomingWebhookRequestPartial"),
            Self::Edit => named("IncomingWebhookUpdateRequestPartial"),
            Self::Commands => {
                json!({"type": "array", "maxItems": 130, "items": named("ApplicationCommandUpdateRequest")})
            }
        }
    }
}

static VALIDATORS: LazyLock<BTreeMap<Body, Validator>> = LazyLock::new(|| {
    let mut schemas: Value = serde_json::from_str(SCHEMAS).expect("the fixture is JSON");
    for (place, instead, _) in RELAXED {
        let spot = schemas.pointer_mut(place).unwrap_or_else(|| panic!("the schemas have no {place}"));
        *spot = serde_json::from_str(instead).expect("the table is JSON");
    }
    // References point from the root of one schema to the others.
    let whole = schemas.to_string().replace("#/components/schemas/", "#/schemas/");
    let schemas: Value = serde_json::from_str(&whole).expect("it was JSON before");
    let validator = |body: Body| {
        let mut schema = body.schema();
        schema["schemas"] = schemas.clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        (body, options.build(&schema).expect("the schemas hold together"))
    };
    [Body::Message, Body::Update, Body::Choices, Body::Modal, Body::FollowUp, Body::Edit, Body::Commands]
        .map(validator)
        .into()
});

/// Checks a body.
///
/// # Errors
/// The place and the reason of the first mismatch.
pub(super) fn check(body: Body, value: &Value) -> Result<(), (&'static str, String)> {
    let errors: Vec<String> = VALIDATORS[&body].iter_errors(value).map(|error| told(&error)).collect();
    if errors.is_empty() { Ok(()) } else { Err(("body", errors.join("; "))) }
}

/// If several schemas are allowed, reports the error of the one that the value matches best.
fn told(error: &ValidationError<'_>) -> String {
    let (ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context }) =
        error.kind()
    else {
        return format!("{}: {error}", error.instance_path());
    };
    let place = |error: &ValidationError<'_>| error.instance_path().as_str().to_owned();
    let distance = |errors: &&Vec<ValidationError<'static>>| {
        let is_of_another_type = errors.iter().any(|error| place(error).ends_with("/type"));
        let deepest = errors.iter().map(|error| place(error).matches('/').count()).max();
        (is_of_another_type, Reverse(deepest), errors.len())
    };
    let nearest = context.iter().min_by_key(distance);
    nearest.into_iter().flatten().map(told).collect::<Vec<_>>().join("; ")
}
