//! Computes what the bot may do in a channel, as Discord does.
//!
//! The algorithm is in Discord's documentation, topic "Permissions", section "Permission
//! Overwrites". Discord has no endpoint for the result, and serenity computes it only from its cache.

use serde_json::Value;

use crate::card::decode::discord::id_field;

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its bit. Discord writes sets of permissions as decimal strings.
    pub bit: u64,
    /// Its English name in Discord's settings.
    pub name: &'static str,
}

impl Permission {
    /// See the channel.
    pub const VIEW_CHANNEL: Self = Self { bit: 1 << 10, name: "View Channel" };
    /// Read older messages. Without it the history is empty.
    pub const READ_MESSAGE_HISTORY: Self = Self { bit: 1 << 16, name: "Read Message History" };
    /// Add a new reaction to a message.
    pub const ADD_REACTIONS: Self = Self { bit: 1 << 6, name: "Add Reactions" };
    /// Post in a channel.
    pub const SEND_MESSAGES: Self = Self { bit: 1 << 11, name: "Send Messages" };
    /// Post in a thread.
    pub const SEND_IN_THREADS: Self = Self { bit: 1 << 38, name: "Send Messages in Threads" };
    /// Change the settings of the guild.
    pub const MANAGE_SERVER: Self = Self { bit: 1 << 5, name: "Manage Server" };
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    const ALL: Self = Self(u64::MAX);
    const ADMINISTRATOR: u64 = 1 << 3;

    /// Whether the set contains a permission.
    #[must_use]
    pub const fn contain(self, permission: Permission) -> bool {
        self.0 & permission.bit != 0
    }

    /// The permissions of a guild member in the whole guild, from the JSON of the REST API. Values that cannot be read
    /// grant nothing.
    #[must_use]
    pub fn in_guild(user: i64, member: &Value, guild: &Value) -> Self {
        if id_field(guild, "owner_id") == Some(user) {
            return Self::ALL;
        }
        let (everyone, roles) = (id_field(guild, "id"), roles_of(member));
        let bits = array(guild, "roles")
            .filter(|role| {
                let id = id_field(role, "id");
                id == everyone || id.is_some_and(|id| roles.contains(&id))
            })
            .fold(0, |bits, role| bits | bits_of(role, "permissions"));
        if bits & Self::ADMINISTRATOR == 0 { Self(bits) } else { Self::ALL }
    }

    /// The permissions of a guild member in a channel, from the JSON of the REST API. For a thread,
    /// pass its parent channel. Values that cannot be read grant nothing.
    #[must_use]
    pub fn in_channel(user: i64, member: &Value, guild: &Value, channel: &Value) -> Self {
        let Self(base) = Self::in_guild(user, member, guild);
        if base == u64::MAX {
            return Self::ALL;
        }
        let everyone = id_field(guild, "id");
        let roles = roles_of(member);
        let has = |id: Option<i64>| id.is_some_and(|id| roles.contains(&id));
        // Discord applies three groups of overwrites in this order: @everyone, all roles of the
        // member together, the member.
        let overwrites = |applies: &dyn Fn(&Value) -> bool| {
            array(channel, "permission_overwrites").filter(|overwrite| applies(overwrite)).fold(
                (0, 0),
                |(allow, deny), overwrite| {
                    (allow | bits_of(overwrite, "allow"), deny | bits_of(overwrite, "deny"))
                },
            )
        };
        let is_member = |overwrite: &Value| overwrite.get("type").and_then(Value::as_u64) == Some(1);
        let id = |overwrite: &Value| id_field(overwrite, "id");
        let groups = [
            overwrites(&|it| !is_member(it) && id(it) == everyone),
            overwrites(&|it| !is_member(it) && id(it) != everyone && has(id(it))),
            overwrites(&|it| is_member(it) && id(it) == Some(user)),
        ];
        let bits = groups.into_iter().fold(base, |bits, (allow, deny)| bits & !deny | allow);
        // Without View Channel a member can do nothing in the channel.
        Self(if bits & Permission::VIEW_CHANNEL.bit == 0 { 0 } else { bits })
    }
}

/// The ids of a member's roles, without `@everyone`, which every member has.
pub(crate) fn roles_of(member: &Value) -> Vec<i64> {
    array(member, "roles").filter_map(|role| role.as_str()?.parse().ok()).collect()
}

fn array<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn bits_of(object: &Value, key: &str) -> u64 {
    object.get(key).and_then(Value::as_str).and_then(|bits| bits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Permission, Permissions};

    const VIEW: u64 = Permission::VIEW_CHANNEL.bit;
    const READ: u64 = Permission::READ_MESSAGE_HISTORY.bit;
    const REACT: u64 = Permission::ADD_REACTIONS.bit;
    const SEND: u64 = Permission::SEND_MESSAGES.bit;
    const EVERYONE: u64 = 1;
    const BUYERS: u64 = 2;
    const BOTS: u64 = 3;
    const STAFF: u64 = 4;
    const BOT: u64 = 9;

    /// A permission overwrite: id, type (0 role, 1 member), allow, deny.
    type Overwrite = (u64, u64, u64, u64);

    /// The permissions of a bot with the roles BUYERS and BOTS in a channel with these overwrites.
    fn bits(roles: &[(u64, u64)], overwrites: &[Overwrite]) -> u64 {
        let role = |(id, bits): &(u64, u64)| json!({"id": id.to_string(), "permissions": bits.to_string()});
        let overwrite = |(id, kind, allow, deny): &Overwrite| json!({"id": id.to_string(), "type": kind, "allow": allow.to_string(), "deny": deny.to_string()});
        let guild = json!({
            "id": EVERYONE.to_string(), "owner_id": "8",
            "roles": roles.iter().map(role).collect::<Vec<_>>(),
        });
        let channel = json!({"permission_overwrites": overwrites.iter().map(overwrite).collect::<Vec<_>>()});
        let member = json!({"roles": [BUYERS.to_string(), BOTS.to_string()]});
        Permissions::in_channel(9, &member, &guild, &channel).0
    }

    #[test]
    fn roles_and_overwrites_apply_in_discords_order() {
        let usual = [(EVERYONE, VIEW | READ), (BUYERS, SEND), (STAFF, REACT)];
        let all = VIEW | READ | SEND;
        let cases: [(&str, &[Overwrite], u64); 9] = [
            ("the permissions of all own roles are combined, other roles do not count", &[], all),
            ("an overwrite for @everyone denies", &[(EVERYONE, 0, 0, SEND)], VIEW | READ),
            (
                "an overwrite of a role beats that of @everyone",
                &[(BUYERS, 0, SEND, 0), (EVERYONE, 0, 0, SEND)],
                all,
            ),
            (
                "a role that allows beats one that denies, in either order",
                &[(BOTS, 0, REACT, 0), (BUYERS, 0, 0, REACT)],
                all | REACT,
            ),
            ("a role that the bot lacks does not count", &[(STAFF, 0, REACT, VIEW)], all),
            ("the member's own overwrite beats all", &[(BOT, 1, 0, SEND), (BUYERS, 0, SEND, 0)], VIEW | READ),
            (
                "a member overwrite with the id of a role does not count",
                &[(BUYERS, 1, REACT, 0), (BOT, 0, REACT, 0)],
                all,
            ),
            ("without View Channel nothing is allowed", &[(EVERYONE, 0, 0, VIEW)], 0),
            ("a role opens a private channel", &[(EVERYONE, 0, 0, VIEW), (BOTS, 0, VIEW, 0)], all),
        ];
        for (name, overwrites, expected) in cases {
            assert_eq!(bits(&usual, overwrites), expected, "{name}");
        }
    }

    #[test]
    fn administrators_and_owners_may_do_everything_everywhere() {
        let hidden = [(EVERYONE, 0, 0, u64::MAX), (BOT, 1, 0, u64::MAX)];
        assert_eq!(bits(&[(EVERYONE, 0), (BOTS, 1 << 3)], &hidden), u64::MAX);
        assert_eq!(bits(&[(EVERYONE, 0), (STAFF, 1 << 3)], &hidden), 0);
        let guild = json!({"id": "1", "owner_id": "9"});
        assert_eq!(Permissions::in_channel(9, &Value::Null, &guild, &Value::Null), Permissions::ALL);
    }

    #[test]
    fn unreadable_values_grant_nothing() {
        for odd in [Value::Null, json!([]), json!({"id": 1, "roles": {}, "permission_overwrites": 3})] {
            assert_eq!(Permissions::in_channel(9, &odd, &odd, &odd), Permissions(0));
        }
    }
}
