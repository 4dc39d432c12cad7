//! The text of Components V2, which takes the place of content and embeds where a bot uses it.
//!
//! Types by number, from Discord's component reference: 9 section, 10 text display, 11 thumbnail,
//! 12 media gallery, 17 container.

use serde_json::Value;

/// How deep components may be nested; Discord allows three levels.
const DEPTH: usize = 8;

/// The text that people see of a message's components, one line break between two displays.
/// Pictures and buttons say nothing.
pub(crate) fn text(message: &Value) -> Option<String> {
    let mut displays = Vec::new();
    collect(message.get("components"), DEPTH, &mut displays);
    let text = displays.join("\n");
    (!text.trim().is_empty()).then_some(text)
}

fn collect<'a>(components: Option<&'a Value>, depth: usize, displays: &mut Vec<&'a str>) {
    if depth == 0 {
        return;
    }
    for component in components.and_then(Value::as_array).into_iter().flatten() {
        displays.extend(component.get("content").and_then(Value::as_str));
        collect(component.get("components"), depth - 1, displays);
    }
}
