//! The user behind an interaction, and its place: the parts that all kinds of interactions share.

use serenity::all::{
    CommandInteraction, ComponentInteraction, Interaction, InteractionId, ModalInteraction, Permissions,
};

/// The user behind an interaction, the place they are in, and where to send the answer.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The interaction.
    pub(crate) id: InteractionId,
    /// Authorizes the answer. Secret while it is valid, which is 15 minutes.
    pub(crate) token: String,
    pub(crate) user: i64,
    /// The user's roles in the guild.
    pub(crate) roles: Vec<i64>,
    pub(crate) manages_server: bool,
    /// `None` in direct messages.
    pub(crate) guild: Option<i64>,
    /// A channel that the user can see.
    pub(crate) channel: i64,
}

impl Caller {
    /// The caller of an interaction. `None` for a ping, which Discord itself sends.
    pub(crate) fn of(interaction: &Interaction) -> Option<Self> {
        match interaction {
            Interaction::Command(command) | Interaction::Autocomplete(command) => Some(command.into()),
            Interaction::Component(component) => Some(component.into()),
            Interaction::Modal(modal) => Some(modal.into()),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($interaction:ty),+) => {
        $(impl From<&$interaction> for Caller {
            fn from(interaction: &$interaction) -> Self {
                let member = interaction.member.as_ref();
                let permissions = member.and_then(|member| member.permissions).unwrap_or_default();
                let roles = member.into_iter().flat_map(|member| &member.roles);
                Self {
                    id: interaction.id,
                    token: interaction.token.clone(),
                    user: interaction.user.id.get().cast_signed(),
                    roles: roles.map(|role| role.get().cast_signed()).collect(),
                    manages_server: permissions
                        .intersects(Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR),
                    guild: interaction.guild_id.map(|guild| guild.get().cast_signed()),
                    channel: interaction.channel_id.get().cast_signed(),
                }
            }
        })+
    };
}
from!(CommandInteraction, ComponentInteraction, ModalInteraction);
