//! The link that invites the bot to a guild.

use super::permissions::Permission;

/// What the bot needs, and nothing more. What it lacks in a channel, [`super::check`] names.
const NEEDED: [Permission; 4] = [
    Permission::VIEW_CHANNEL,
    Permission::READ_MESSAGE_HISTORY,
    Permission::ADD_REACTIONS,
    Permission::SEND_MESSAGES,
];

/// The link for an application. Whoever opens it needs the right to manage the guild.
#[must_use]
pub fn invite_url(application: i64) -> String {
    let permissions = NEEDED.iter().fold(0, |bits, permission| bits | permission.bit);
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&permissions={permissions}\
         &scope=bot+applications.commands"
    )
}

#[cfg(test)]
mod tests {
    use super::invite_url;

    #[test]
    fn the_link_asks_for_the_four_permissions_and_both_scopes() {
        assert_eq!(
            invite_url(123),
            "https://discord.com/oauth2/authorize?client_id=123&permissions=68672\
             &scope=bot+applications.commands"
        );
    }
}
