//! Buttons, selects and autocomplete choices within Discord's limits.

use serenity::all::{
    AutocompleteChoice, ButtonStyle, CreateActionRow, CreateAutocompleteResponse, CreateButton,
    CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption,
};

use super::text::truncate;

/// Discord's limit for the options of a select and for autocomplete choices.
pub(crate) const MAX_CHOICES: usize = 25;
/// Discord's limit for the label and the value of an option or choice, in characters.
pub(crate) const MAX_CHOICE_LENGTH: usize = 100;

/// A grey button, for everything except the main action.
pub(crate) fn secondary_button(custom_id: String, label: &str) -> CreateButton {
    CreateButton::new(custom_id).label(label).style(ButtonStyle::Secondary)
}

/// A select of one option. An option is a label and a value.
pub(crate) fn select(
    custom_id: String,
    placeholder: &str,
    options: impl Iterator<Item = (String, String)>,
) -> CreateActionRow {
    let option = |(label, value): (String, String)| {
        CreateSelectMenuOption::new(truncate(&label, MAX_CHOICE_LENGTH), value)
    };
    let options = options.take(MAX_CHOICES).map(option).collect();
    let menu = CreateSelectMenu::new(custom_id, CreateSelectMenuKind::String { options });
    CreateActionRow::SelectMenu(menu.placeholder(placeholder))
}

/// Autocomplete choices. A choice is a label and a value.
pub(crate) fn choices(choices: impl Iterator<Item = (String, String)>) -> CreateAutocompleteResponse {
    let choice = |(label, value): (String, String)| {
        AutocompleteChoice::new(truncate(&label, MAX_CHOICE_LENGTH), value)
    };
    CreateAutocompleteResponse::new().set_choices(choices.take(MAX_CHOICES).map(choice).collect())
}
