//! Checks messages and commands as Discord does: neither empty nor too long.

use serde_json::Value;

use super::components;

/// The place where a rule is broken, and the rule.
pub(super) type Broken = (&'static str, String);

/// The schemes that links and pictures may have.
const WEB: &[&str] = &["http", "https"];
const WEB_OR_FILE: &[&str] = &["http", "https", "attachment"];

/// An embed needs at least one of these parts.
const SHOWN: [&str; 7] = ["title", "description", "author", "footer", "fields", "image", "thumbnail"];

/// Checks a new message: it must not be empty, and no part may be too long.
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

/// Checks an edit: no part may be too long.
pub(super) fn check_parts(message: &Value) -> Result<(), Broken> {
    at_most("content", &message["content"], 2000)?;
    let embeds = items(&message["embeds"]);
    if embeds.len() > 10 {
        return Err(("embeds", "Must be 10 or fewer in length.".to_owned()));
    }
    let mut total = 0;
    for embed in embeds {
        check_embed(embed)?;
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
    components::check(items(&message["components"]))
}

/// Checks that an embed is not empty and its links are web links.
fn check_embed(embed: &Value) -> Result<(), Broken> {
    let is_shown = |key: &&str| match &embed[*key] {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        other => other.is_object(),
    };
    if !SHOWN.iter().any(is_shown) {
        return Err(("embeds.description", "This field is required".to_owned()));
    }
    let links = [
        ("embeds.url", &embed["url"], WEB),
        ("embeds.author.url", &embed["author"]["url"], WEB),
        ("embeds.author.icon_url", &embed["author"]["icon_url"], WEB_OR_FILE),
        ("embeds.footer.icon_url", &embed["footer"]["icon_url"], WEB_OR_FILE),
        ("embeds.image.url", &embed["image"]["url"], WEB_OR_FILE),
        ("embeds.thumbnail.url", &embed["thumbnail"]["url"], WEB_OR_FILE),
    ];
    links.into_iter().try_for_each(|(place, link, schemes)| check_link(place, link, schemes))
}

/// Checks a link, if there is one: a known scheme, and a host or file name.
pub(super) fn check_link(place: &'static str, link: &Value, schemes: &[&str]) -> Result<(), Broken> {
    let Some(link) = link.as_str() else { return Ok(()) };
    let (scheme, rest) = link.split_once(':').unwrap_or((link, ""));
    if !schemes.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err((
            place,
            format!("Scheme \"{scheme}\" is not supported. Scheme must be one of {schemes:?}."),
        ));
    }
    let well_formed =
        url::Url::parse(link).is_ok_and(|url| url.has_host()) && !rest.contains(char::is_whitespace);
    if well_formed { Ok(()) } else { Err((place, "Not a well formed URL.".to_owned())) }
}

/// Checks autocomplete choices.
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

/// Checks a command: its name, its description (menu commands have none), and its options, required ones
/// first.
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

pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The length of a text in characters.
pub(super) fn at_most(place: &'static str, text: &Value, most: usize) -> Result<usize, Broken> {
    let length = text.as_str().unwrap_or_default().chars().count();
    if length > most { Err((place, format!("Must be {most} or fewer in length."))) } else { Ok(length) }
}

pub(super) fn required(place: &'static str, text: &Value, most: usize) -> Result<usize, Broken> {
    match at_most(place, text, most)? {
        0 => Err((place, "This field is required".to_owned())),
        length => Ok(length),
    }
}
