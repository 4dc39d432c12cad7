//! The schema of ROMS, one file for each migration.
//!
//! ROMS writes all times, in UTC; no column has a default that reads the database's clock.

pub mod attention;
mod m0001_orders;
mod m0002_webhook_logs;
mod m0003_order_events;
mod m0004_discord;
mod m0005_by_hand;
mod m0006_discord_views;
mod m0007_prefixes;
mod m0010_retention;
mod m0011_order_sums;
mod m0012_search_triggers;
mod m0013_reactions;
mod m0014_cancel_reason_proxy_host_owner;
mod m0015_order_items;
mod m0016_leader;
mod m0017_tokens;
mod m0018_sender_tokens;
mod m0019_outbox;
mod m0021_page;
mod m0022_sessions;
mod m0023_imports;
mod m0024_import_claims;
mod m0026_access_log_actor;
pub mod search_index;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_orders::Migration),
            Box::new(m0002_webhook_logs::Migration),
            Box::new(m0003_order_events::Migration),
            Box::new(m0004_discord::Migration),
            Box::new(m0005_by_hand::Migration),
            Box::new(m0006_discord_views::Migration),
            Box::new(m0007_prefixes::Migration),
            Box::new(m0010_retention::Migration),
            Box::new(m0011_order_sums::Migration),
            Box::new(m0012_search_triggers::Migration),
            Box::new(m0013_reactions::Migration),
            Box::new(m0014_cancel_reason_proxy_host_owner::Migration),
            Box::new(m0015_order_items::Migration),
            Box::new(m0016_leader::Migration),
            Box::new(m0017_tokens::Migration),
            Box::new(m0018_sender_tokens::Migration),
            Box::new(m0019_outbox::Migration),
            Box::new(m0021_page::Migration),
            Box::new(m0022_sessions::Migration),
            Box::new(m0023_imports::Migration),
            Box::new(m0024_import_claims::Migration),
            Box::new(m0026_access_log_actor::Migration),
        ]
    }
}
