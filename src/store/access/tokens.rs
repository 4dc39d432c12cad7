//! Stores tokens. Only a hash of each token is kept.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::log::{self, AccessEvent, AccessEventKind};
use crate::store::entity::sessions;
use crate::store::entity::tokens::{ActiveModel, Column, Entity, Model};
use crate::store::{Store, StoreError};
use crate::token::{RelayUrl, Scopes, Secret, SecretHash, SigningSecret, TokenKind, TokenName};

/// The end of a token is announced this long before.
const EXPIRY_NOTICE: TimeDelta = TimeDelta::days(7);

/// A token to create.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name. No other token that is not revoked may have it.
    pub name: TokenName,
    /// How it is presented.
    pub kind: TokenKind,
    /// The scopes it has.
    pub scopes: Scopes,
    /// When it stops working; `None` for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// The Discord webhook to which its cards are passed on.
    pub relay_url: Option<RelayUrl>,
    /// Whether its requests must be signed.
    pub signed: bool,
    /// The person who creates it: `discord:` and the user's id, or `cli`.
    pub actor: String,
}

/// A token that was created. This is the only time that its secrets can be shown.
#[derive(Clone, Debug)]
pub struct CreatedToken {
    /// Row id.
    pub id: i64,
    /// The token itself.
    pub secret: Secret,
    /// The secret with which its requests must be signed.
    pub signing_secret: Option<SigningSecret>,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Row id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How it is presented.
    pub kind: TokenKind,
    /// The scopes it has.
    pub scopes: Scopes,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// The last four characters of its secret.
    pub last_four: String,
    /// When it was created. UTC.
    pub created_at: DateTime<Utc>,
    /// When it stops working; `None` for never. UTC.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute. UTC.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The address of its last use.
    pub last_used_from: Option<String>,
    /// The Discord webhook to which its cards are passed on.
    pub relay_url: Option<RelayUrl>,
    /// The secret with which its requests must be signed.
    pub signing_secret: Option<SigningSecret>,
}

/// A use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The token's row id.
    pub token: i64,
    /// When. UTC.
    pub at: DateTime<Utc>,
    /// The address of the client.
    pub from: String,
}

impl NewToken {
    /// A token for programs that send it in a header.
    #[must_use]
    pub const fn api(name: TokenName, scopes: Scopes, actor: String) -> Self {
        Self { name, kind: TokenKind::Api, scopes, expires_at: None, relay_url: None, signed: false, actor }
    }

    /// A token for a sender that can only paste a URL.
    #[must_use]
    pub fn url(name: TokenName, actor: String) -> Self {
        Self { kind: TokenKind::Url, ..Self::api(name, Scopes::INGEST, actor) }
    }

    /// A token for a spreadsheet that loads orders from a URL. `None` if the scopes permit more than reading orders.
    #[must_use]
    pub fn export_link(name: TokenName, scopes: Scopes, actor: String) -> Option<Self> {
        let new = Self { kind: TokenKind::Url, ..Self::api(name, scopes, actor) };
        scopes.only_read().then_some(new)
    }
}

impl Token {
    /// Whether it expires within a week.
    #[must_use]
    pub fn expires_soon(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end > now && end <= now + EXPIRY_NOTICE)
    }

    /// Whether it works in the path of a webhook link. There it must not permit more than sending cards, because links
    /// are copied and logged by others.
    #[must_use]
    pub fn is_for_webhook_links(&self) -> bool {
        self.scopes == Scopes::INGEST
    }

    /// Whether it works in the path of a table of orders. It must have been made for that, and must not permit more.
    #[must_use]
    pub fn is_for_export_links(&self) -> bool {
        self.kind == TokenKind::Url && self.scopes.only_read()
    }

    /// Whether it no longer works.
    #[must_use]
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl TryFrom<Model> for Token {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            name: row.name,
            kind: TokenKind::from_name(&row.kind).ok_or(StoreError::Corrupt("kind"))?,
            scopes: row.scopes.parse().map_err(|_| StoreError::Corrupt("scopes"))?,
            hash: SecretHash::from_hex(&row.sha256).ok_or(StoreError::Corrupt("sha256"))?,
            last_four: row.last_four,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from,
            relay_url: match row.relay_url {
                Some(url) => Some(url.parse().map_err(|_| StoreError::Corrupt("relay_url"))?),
                None => None,
            },
            signing_secret: row.signing_secret.map(SigningSecret::new),
        })
    }
}

impl Store {
    /// Creates a token. Its secrets cannot be shown again.
    ///
    /// # Errors
    /// [`StoreError::TokenExists`] if another token has the name, and if the database or the system's source of random
    /// numbers fails.
    pub async fn create_token(&self, new: NewToken, now: DateTime<Utc>) -> Result<CreatedToken, StoreError> {
        let NewToken { name, kind, scopes, expires_at, relay_url, signed, actor } = new;
        let secret = Secret::from_random(random()?);
        let signing_secret = if signed { Some(SigningSecret::from_random(random()?)) } else { None };
        let transaction = self.writer.begin().await?;
        let same_name =
            Entity::find().filter(Column::Name.eq(name.as_str())).filter(Column::RevokedAt.is_null());
        if same_name.count(&transaction).await? > 0 {
            return Err(StoreError::TokenExists(name.to_string()));
        }
        let row = ActiveModel {
            name: Set(name.to_string()),
            scopes: Set(scopes.to_string()),
            sha256: Set(secret.hash().to_string()),
            last_four: Set(secret.last_four().to_owned()),
            created_by: Set(actor.clone()),
            created_at: Set(now),
            expires_at: Set(expires_at),
            kind: Set(kind.as_str().to_owned()),
            relay_url: Set(relay_url.map(|url| url.expose().to_string())),
            signing_secret: Set(signing_secret.as_ref().map(|secret| secret.expose().to_owned())),
            ..Default::default()
        };
        let id = Entity::insert(row).exec(&transaction).await?.last_insert_id;
        let event = AccessEvent::new(AccessEventKind::Created, Some(name.to_string()), now);
        let detail = match kind {
            TokenKind::Api => scopes.to_string(),
            TokenKind::Url => format!("{scopes} by URL"),
        };
        let event = AccessEvent { detail: Some(detail), actor: Some(actor), ..event };
        log::save(&transaction, vec![event]).await?;
        transaction.commit().await?;
        Ok(CreatedToken { id, secret, signing_secret })
    }

    /// The tokens that are not revoked, oldest first. Expired ones are among them.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let rows = Entity::find().filter(Column::RevokedAt.is_null()).order_by_asc(Column::Id);
        rows.all(&self.readers).await?.into_iter().map(Token::try_from).collect()
    }

    /// Revokes the token with this name, which ends its sessions. Returns whether there was one.
    pub async fn revoke_token(
        &self,
        name: &str,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let transaction = self.writer.begin().await?;
        let revoke = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::val(now))
            .filter(Column::Name.eq(name))
            .filter(Column::RevokedAt.is_null());
        if revoke.exec(&transaction).await?.rows_affected == 0 {
            return Ok(false);
        }
        let revoked = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(Column::Name.eq(name))
            .and_where(Column::RevokedAt.is_not_null())
            .to_owned();
        let of_token = sessions::Column::TokenId.in_subquery(revoked);
        sessions::Entity::delete_many().filter(of_token).exec(&transaction).await?;
        let event = AccessEvent::new(AccessEventKind::Revoked, Some(name.to_owned()), now);
        log::save(&transaction, vec![AccessEvent { actor: Some(actor.to_owned()), ..event }]).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Records when and from where tokens were last used.
    pub async fn save_token_uses(&self, uses: &[TokenUse]) -> Result<(), StoreError> {
        for TokenUse { token, at, from } in uses {
            Entity::update_many()
                .col_expr(Column::LastUsedAt, Expr::val(*at))
                .col_expr(Column::LastUsedFrom, Expr::val(from.as_str()))
                .filter(Column::Id.eq(*token))
                .exec(&self.writer)
                .await?;
        }
        Ok(())
    }
}

pub(crate) fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::NoRandom)?;
    Ok(bytes)
}
