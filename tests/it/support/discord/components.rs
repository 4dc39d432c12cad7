//! Checks components as Discord does: number, lengths, duplicate ids, missing labels.

use std::collections::BTreeSet;

use serde_json::Value;

use super::limits::{Broken, at_most, check_link, items, required};

const ROW: u64 = 1;
const BUTTON: u64 = 2;
const TEXT_INPUT: u64 = 4;
/// Selects of texts, users, roles, mentionables and channels.
const SELECTS: [u64; 5] = [3, 5, 6, 7, 8];
/// The style of a link button.
const LINK: u64 = 5;

/// The components of a message: at most five rows, of five buttons or one select each.
pub(super) fn check(rows: &[Value]) -> Result<(), Broken> {
    if rows.len() > 5 {
        return Err(("components", "Must be 5 or fewer in length.".to_owned()));
    }
    for row in rows {
        if row["type"] != ROW {
            return Err(("components.type", "Value of field \"type\" must be one of (1,).".to_owned()));
        }
        let parts = items(&row["components"]);
        if parts.is_empty() || parts.len() > 5 {
            return Err(("components.components", "Must be between 1 and 5 in length.".to_owned()));
        }
        for part in parts {
            match part["type"].as_u64() {
                Some(BUTTON) => check_button(part)?,
                Some(kind) if SELECTS.contains(&kind) && parts.len() > 1 => {
                    return Err(("components.components", "The row is too wide for a select.".to_owned()));
                }
                Some(kind) if SELECTS.contains(&kind) => check_select(part)?,
                kind => return Err(("components.type", format!("{kind:?} is no component of a message"))),
            }
        }
    }
    no_two(rows)
}

/// A modal: a title, and one to five rows of one text input each.
pub(super) fn check_modal(data: &Value) -> Result<(), Broken> {
    required("title", &data["title"], 45)?;
    required("custom_id", &data["custom_id"], 100)?;
    let rows = items(&data["components"]);
    if rows.is_empty() || rows.len() > 5 {
        return Err(("components", "Must be between 1 and 5 in length.".to_owned()));
    }
    for row in rows {
        let inputs = items(&row["components"]);
        if inputs.len() != 1 || inputs[0]["type"] != TEXT_INPUT {
            return Err(("components.components", "A row of a modal holds one text input.".to_owned()));
        }
        check_input(&inputs[0])?;
    }
    no_two(rows)
}

fn check_input(input: &Value) -> Result<(), Broken> {
    required("components.custom_id", &input["custom_id"], 100)?;
    required("components.label", &input["label"], 45)?;
    at_most("components.placeholder", &input["placeholder"], 100)?;
    let bound = |name: &str| input[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
    let longest = bound("max_length").unwrap_or(4000).min(4000);
    let length = at_most("components.value", &input["value"], longest)?;
    if length > 0 && length < bound("min_length").unwrap_or_default() {
        return Err(("components.value", "The value is shorter than min_length.".to_owned()));
    }
    Ok(())
}

fn check_button(button: &Value) -> Result<(), Broken> {
    let label = at_most("components.label", &button["label"], 80)?;
    if label == 0 && button["emoji"].is_null() {
        return Err(("components.label", "A button must have a label or emoji".to_owned()));
    }
    if button["style"] == LINK {
        required("components.url", &button["url"], 512)?;
        return check_link("components.url", &button["url"], &["http", "https", "discord"]);
    }
    required("components.custom_id", &button["custom_id"], 100).map(drop)
}

fn check_select(select: &Value) -> Result<(), Broken> {
    required("components.custom_id", &select["custom_id"], 100)?;
    at_most("components.placeholder", &select["placeholder"], 150)?;
    let options = items(&select["options"]);
    if options.len() > 25 || (select["type"] == 3 && options.is_empty()) {
        return Err(("components.options", "Must be between 1 and 25 in length.".to_owned()));
    }
    let mut values = BTreeSet::new();
    for option in options {
        required("components.options.label", &option["label"], 100)?;
        required("components.options.value", &option["value"], 100)?;
        at_most("components.options.description", &option["description"], 100)?;
        if !values.insert(option["value"].as_str()) {
            return Err(("components.options", "The specified option value is already used".to_owned()));
        }
    }
    Ok(())
}

/// Refuses two components with the same custom id.
fn no_two(rows: &[Value]) -> Result<(), Broken> {
    let mut ids = BTreeSet::new();
    let parts = rows.iter().flat_map(|row| items(&row["components"]));
    let mut again = parts.filter_map(|part| part["custom_id"].as_str()).filter(|id| !ids.insert(*id));
    match again.next() {
        Some(id) => Err(("components", format!("Component custom id cannot be duplicated: {id}"))),
        None => Ok(()),
    }
}
