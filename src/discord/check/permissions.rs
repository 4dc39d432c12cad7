//! What the bot may do in a channel, computed as Discord computes it.
//!
//! The algorithm is that of Discord's documentation, topic "Permissions", "Permission Overwrites".
//! Discord tells nobody the result, and serenity computes it only from its cache.

use serde_json::Value;

use crate::card::decode::discord::id_of;

/// A permission: a bit, and the name that people see in Discord's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The bit. Discord writes sets of them as decimal strings.
    pub bit: u64,
    /// The name in the settings, in English.
    pub name: &'static str,
}

impl Permission {
    /// To see a channel at all.
    pub const VIEW_CHANNEL: Self = Self { bit: 1 << 10, name: "View Channel" };
    /// To read what was posted before; without it the history is empty.
    pub const READ_MESSAGE_HISTORY: Self = Self { bit: 1 << 16, name: "Read Message History" };
    /// To put a new reaction on a message.
    pub const ADD_REACTIONS: Self = Self { bit: 1 << 6, name: "Add Reactions" };
    /// To post.
    pub const SEND_MESSAGES: Self = Self { bit: 1 << 11, name: "Send Messages" };
    /// To post in a thread.
    pub const SEND_IN_THREADS: Self = Self { bit: 1 << 38, name: "Send Messages in Threads" };
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(u64);

impl Permissions {
    const ALL: Self = Self(u64::MAX);
    const ADMINISTRATOR: u64 = 1 << 3;

    /// Whether this is one of them.
    #[must_use]
    pub const fn contain(self, permission: Permission) -> bool {
        self.0 & permission.bit != 0
    }

    /// What a member may do in a channel of a guild. All three as REST gives them; of a thread,
    /// `channel` is the one that it hangs on. What cannot be read gives nothing.
    #[must_use]
    pub fn of(user: i64, member: &Value, guild: &Value, channel: &Value) -> Self {
        if id_of(guild, "owner_id") == Some(user) {
            return Self::ALL;
        }
        let everyone = id_of(guild, "id");
        let roles: Vec<i64> = list(member, "roles").filter_map(|role| role.as_str()?.parse().ok()).collect();
        let has = |id: Option<i64>| id.is_some_and(|id| roles.contains(&id));
        let base = list(guild, "roles")
            .filter(|role| {
                let id = id_of(role, "id");
                id == everyone || has(id)
            })
            .fold(0, |bits, role| bits | set(role, "permissions"));
        if base & Self::ADMINISTRATOR != 0 {
            return Self::ALL;
        }
        // The rows of all roles count at once; after them only the member's own.
        let rows = |of: &dyn Fn(&Value) -> bool| {
            list(channel, "permission_overwrites")
                .filter(|row| of(row))
                .fold((0, 0), |(allow, deny), row| (allow | set(row, "allow"), deny | set(row, "deny")))
        };
        let is_member = |row: &Value| row.get("type").and_then(Value::as_u64) == Some(1);
        let id = |row: &Value| id_of(row, "id");
        let steps = [
            rows(&|row| !is_member(row) && id(row) == everyone),
            rows(&|row| !is_member(row) && id(row) != everyone && has(id(row))),
            rows(&|row| is_member(row) && id(row) == Some(user)),
        ];
        let bits = steps.into_iter().fold(base, |bits, (allow, deny)| bits & !deny | allow);
        // Who cannot see a channel can do nothing in it.
        Self(if bits & Permission::VIEW_CHANNEL.bit == 0 { 0 } else { bits })
    }
}

fn list<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A set of permissions under a key.
fn set(object: &Value, key: &str) -> u64 {
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

    /// A permission overwrite: id, type (1: of a member), allow, deny.
    type Row = (u64, u64, u64, u64);

    /// What the bot, a buyer and a bot by its roles, may do in a channel with these rows.
    fn bits(roles: &[(u64, u64)], rows: &[Row]) -> u64 {
        let role = |(id, bits): &(u64, u64)| json!({"id": id.to_string(), "permissions": bits.to_string()});
        let row = |(id, kind, allow, deny): &Row| json!({"id": id.to_string(), "type": kind, "allow": allow.to_string(), "deny": deny.to_string()});
        let guild = json!({
            "id": EVERYONE.to_string(), "owner_id": "8",
            "roles": roles.iter().map(role).collect::<Vec<_>>(),
        });
        let channel = json!({"permission_overwrites": rows.iter().map(row).collect::<Vec<_>>()});
        let member = json!({"roles": [BUYERS.to_string(), BOTS.to_string()]});
        Permissions::of(9, &member, &guild, &channel).0
    }

    #[test]
    fn roles_and_rows_count_in_discords_order() {
        let usual = [(EVERYONE, VIEW | READ), (BUYERS, SEND), (STAFF, REACT)];
        let all = VIEW | READ | SEND;
        let cases: [(&str, &[Row], u64); 9] = [
            ("own roles add up, those of others do not count", &[], all),
            ("a row for @everyone takes away", &[(EVERYONE, 0, 0, SEND)], VIEW | READ),
            ("a role's row beats @everyone's", &[(BUYERS, 0, SEND, 0), (EVERYONE, 0, 0, SEND)], all),
            (
                "an allowing role beats a denying one, in either order",
                &[(BOTS, 0, REACT, 0), (BUYERS, 0, 0, REACT)],
                all | REACT,
            ),
            ("a role of others does not count", &[(STAFF, 0, REACT, VIEW)], all),
            ("the member's row beats all", &[(BOT, 1, 0, SEND), (BUYERS, 0, SEND, 0)], VIEW | READ),
            ("a member is no role", &[(BUYERS, 1, REACT, 0), (BOT, 0, REACT, 0)], all),
            ("who cannot see can do nothing", &[(EVERYONE, 0, 0, VIEW)], 0),
            ("a private channel lets in by role", &[(EVERYONE, 0, 0, VIEW), (BOTS, 0, VIEW, 0)], all),
        ];
        for (name, rows, expected) in cases {
            assert_eq!(bits(&usual, rows), expected, "{name}");
        }
    }

    #[test]
    fn administrators_and_owners_may_do_everything_everywhere() {
        let hidden = [(EVERYONE, 0, 0, u64::MAX), (BOT, 1, 0, u64::MAX)];
        assert_eq!(bits(&[(EVERYONE, 0), (BOTS, 1 << 3)], &hidden), u64::MAX);
        assert_eq!(bits(&[(EVERYONE, 0), (STAFF, 1 << 3)], &hidden), 0);
        let guild = json!({"id": "1", "owner_id": "9"});
        assert_eq!(Permissions::of(9, &Value::Null, &guild, &Value::Null), Permissions::ALL);
    }

    #[test]
    fn what_cannot_be_read_gives_nothing() {
        for odd in [Value::Null, json!([]), json!({"id": 1, "roles": {}, "permission_overwrites": 3})] {
            assert_eq!(Permissions::of(9, &odd, &odd, &odd), Permissions(0));
        }
    }
}
