//! What Discord refuses in what a bot writes: nothing at all, and too much.

use serde_json::Value;

/// Where a rule is broken, and which.
type Broken = (&'static str, String);

/// A new message: it must hold something, and no part of it too much.
pub(super) fn check(message: &Value, files: usize) -> Result<(), Broken> {
    let holds = |key: &str| match &message[key] {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        other => other.is_object(),
    };
    if files == 0 && !["content", "embeds", "components", "sticker_ids", "poll"].into_iter().any(holds) {
        return Err(("content", "Cannot send an empty message".to_owned()));
    }
    check_parts(message)
}

/// What an edit brings: each part not too much.
pub(super) fn check_parts(message: &Value) -> Result<(), Broken> {
    at_most("content", &message["content"], 2000)?;
    let embeds = items(&message["embeds"]);
    if embeds.len() > 10 {
        return Err(("embeds", "Must be 10 or fewer in length.".to_owned()));
    }
    let mut total = 0;
    for embed in embeds {
        total += at_most("embeds.title", &embed["title"], 256)?;
        total += at_most("embeds.description", &embed["description"], 4096)?;
        total += at_most("embeds.footer.text", &embed["footer"]["text"], 2048)?;
        total += at_most("embeds.author.name", &embed["author"]["name"], 256)?;
        let fields = items(&embed["fields"]);
        if fields.len() > 25 {
            return Err(("embeds.fields", "Must be 25 or fewer in length.".to_owned()));
        }
        for field in fields {
            total += required("embeds.fields.name", &field["name"], 256)?;
            total += required("embeds.fields.value", &field["value"], 1024)?;
        }
    }
    if total > 6000 {
        return Err(("embeds", "Embed size exceeds maximum size of 6000".to_owned()));
    }
    check_components(items(&message["components"]))
}

/// Rows of at most five buttons, or one select of at most 25 options.
fn check_components(rows: &[Value]) -> Result<(), Broken> {
    for row in rows.iter().filter(|row| row["type"] == 1) {
        let parts = items(&row["components"]);
        if parts.is_empty() || parts.len() > 5 {
            return Err(("components", "Must be between 1 and 5 in length.".to_owned()));
        }
        for part in parts {
            at_most("components.custom_id", &part["custom_id"], 100)?;
            at_most("components.label", &part["label"], 80)?;
            let options = items(&part["options"]);
            if options.len() > 25 {
                return Err(("components.options", "Must be 25 or fewer in length.".to_owned()));
            }
            for option in options {
                required("components.options.label", &option["label"], 100)?;
                required("components.options.value", &option["value"], 100)?;
                at_most("components.options.description", &option["description"], 100)?;
            }
        }
    }
    Ok(())
}

/// Choices of an autocompletion.
pub(super) fn check_choices(data: &Value) -> Result<(), Broken> {
    let choices = items(&data["choices"]);
    if choices.len() > 25 {
        return Err(("choices", "Must be 25 or fewer in length.".to_owned()));
    }
    for choice in choices {
        required("choices.name", &choice["name"], 100)?;
        at_most("choices.value", &choice["value"], 100)?;
    }
    Ok(())
}

/// A modal: a title, and one to five rows.
pub(super) fn check_modal(data: &Value) -> Result<(), Broken> {
    required("title", &data["title"], 45)?;
    required("custom_id", &data["custom_id"], 100)?;
    let rows = items(&data["components"]);
    if rows.is_empty() || rows.len() > 5 {
        return Err(("components", "Must be between 1 and 5 in length.".to_owned()));
    }
    for input in rows.iter().flat_map(|row| items(&row["components"])) {
        required("components.custom_id", &input["custom_id"], 100)?;
        required("components.label", &input["label"], 45)?;
        at_most("components.placeholder", &input["placeholder"], 100)?;
        at_most("components.value", &input["value"], 4000)?;
    }
    Ok(())
}

/// A command: its name, its description (a menu has none), its options, required ones first.
pub(super) fn check_command(command: &Value) -> Result<(), Broken> {
    let is_menu = matches!(command["type"].as_u64(), Some(2 | 3));
    required("name", &command["name"], 32)?;
    let name = command["name"].as_str().unwrap_or_default();
    let fits = |sign: char| matches!(sign, '-' | '_') || (sign.is_alphanumeric() && !sign.is_uppercase());
    if !is_menu {
        required("description", &command["description"], 100)?;
        if !name.chars().all(fits) {
            return Err(("name", "String value did not match validation regex.".to_owned()));
        }
    }
    let options = items(&command["options"]);
    if options.len() > 25 {
        return Err(("options", "Must be 25 or fewer in length.".to_owned()));
    }
    if !options.is_sorted_by_key(|option| option["required"] != true) {
        return Err(("options", "Required options must be placed before non-required options".to_owned()));
    }
    for option in options {
        required("options.name", &option["name"], 32)?;
        required("options.description", &option["description"], 100)?;
    }
    Ok(())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The length of a text in characters.
fn at_most(place: &'static str, text: &Value, most: usize) -> Result<usize, Broken> {
    let length = text.as_str().unwrap_or_default().chars().count();
    if length > most { Err((place, format!("Must be {most} or fewer in length."))) } else { Ok(length) }
}

fn required(place: &'static str, text: &Value, most: usize) -> Result<usize, Broken> {
    match at_most(place, text, most)? {
        0 => Err((place, "This field is required".to_owned())),
        length => Ok(length),
    }
}
