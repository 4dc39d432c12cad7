//! Who asks, and from where: what every kind of interaction says alike.

use serenity::all::{CommandInteraction, ComponentInteraction, InteractionId, ModalInteraction, Permissions};

/// Who asks, from where, and where the answer goes.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// The interaction.
    pub(crate) id: InteractionId,
    /// What it takes to answer. A secret for as long as it is good, which is fifteen minutes.
    pub(crate) token: String,
    /// The user.
    pub(crate) user: i64,
    /// Their roles in the guild.
    pub(crate) roles: Vec<i64>,
    /// Whether they may manage the guild.
    pub(crate) manages_server: bool,
    /// The guild; none in direct messages.
    pub(crate) guild: Option<i64>,
    /// The channel, which the user can see.
    pub(crate) channel: i64,
}

macro_rules! from {
    ($($interaction:ty),+) => {
        $(impl From<&$interaction> for Asker {
            fn from(interaction: &$interaction) -> Self {
                let member = interaction.member.as_ref();
                let may = member.and_then(|member| member.permissions).unwrap_or_default();
                let roles = member.into_iter().flat_map(|member| &member.roles);
                Self {
                    id: interaction.id,
                    token: interaction.token.clone(),
                    user: interaction.user.id.get().cast_signed(),
                    roles: roles.map(|role| role.get().cast_signed()).collect(),
                    manages_server: may.intersects(Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR),
                    guild: interaction.guild_id.map(|guild| guild.get().cast_signed()),
                    channel: interaction.channel_id.get().cast_signed(),
                }
            }
        })+
    };
}
from!(CommandInteraction, ComponentInteraction, ModalInteraction);
