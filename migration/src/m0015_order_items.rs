//! `order_items`: the product lines of each order. `orders.items_text`: their names and SKUs for the search.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, decimal_len_null, integer, integer_null, text_null};
use sea_orm_migration::sea_orm::DbBackend;

use crate::search_index;

/// Creates the table with one item for each order that names a product, and renews the search index.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// An order's SKU and size are values without a column, in the JSON of `extra`. PostgreSQL 15 cannot test whether a
/// text is JSON, so a function catches the error.
const POSTGRES_FUNCTION: &str = "
    CREATE FUNCTION roms_extra_value(extra text, name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        RETURN CASE WHEN extra LIKE '%\"' || name || '\"%' THEN extra::jsonb ->> name END;
    EXCEPTION WHEN others THEN
        RETURN NULL;
    END $$";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        manager.create_table(table(is_postgres)).await?;
        let items_text = Table::alter().table("orders").add_column(text_null("items_text")).to_owned();
        manager.alter_table(items_text).await?;
        // Drops the search index, which lacks the new column; the last line creates it again. Otherwise the updates below
        // would index each order twice.
        let is_indexed = search_index::exists(connection).await?;
        if is_indexed {
            search_index::drop(connection).await?;
        }
        if is_postgres {
            connection.execute_unprepared(POSTGRES_FUNCTION).await?;
        }
        let (sku, size) = (extra_value("sku", is_postgres), extra_value("size", is_postgres));
        // The amounts that a column holds have at most 12 digits before the point.
        let fill = format!(
            "INSERT INTO order_items (order_id, position, product, sku, size, quantity, unit_price, line_total, \
             product_url, image, qty_received) \
             SELECT id, 1, product, {sku}, {size}, quantity, price, \
             CASE WHEN abs(price * quantity) < 1000000000000 THEN round(price * quantity, 2) ELSE total END, \
             product_url, image_url, coalesce(qty_received, 0) FROM orders WHERE product <> ''"
        );
        connection.execute_unprepared(&fill).await?;
        let text = "UPDATE orders SET items_text = (SELECT sku FROM order_items WHERE order_id = orders.id) \
                    WHERE extra LIKE '%\"sku\"%'";
        connection.execute_unprepared(text).await?;
        if is_postgres {
            connection.execute_unprepared("DROP FUNCTION roms_extra_value").await?;
            // Checking all rows at once is faster than checking each row as it is inserted.
            manager.create_foreign_key(foreign_key()).await?;
        }
        if is_indexed { search_index::create(connection).await } else { Ok(()) }
    }

    /// The search index is made again when a database is opened.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if search_index::exists(connection).await? {
            search_index::drop(connection).await?;
        }
        manager.alter_table(Table::alter().table("orders").drop_column("items_text").to_owned()).await?;
        manager.drop_table(Table::drop().table("order_items").to_owned()).await
    }
}

fn table(is_postgres: bool) -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("order_items")
        .col(big_integer("order_id"))
        .col(integer("position"))
        .col(text_null("product"))
        .col(text_null("sku"))
        .col(text_null("size"))
        .col(integer_null("quantity"))
        .col(decimal_len_null("unit_price", 14, 2))
        .col(decimal_len_null("line_total", 14, 2))
        .col(text_null("product_url"))
        .col(text_null("image"))
        .col(integer("qty_received").default(0))
        .primary_key(Index::create().col("order_id").col("position"));
    if !is_postgres {
        // SQLite accepts a foreign key only here. The rows are the primary key's tree, so that there is no second one.
        table.foreign_key(&mut foreign_key()).extra("WITHOUT ROWID");
    }
    table
}

fn foreign_key() -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name("order_items_order_id")
        .from("order_items", "order_id")
        .to("orders", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

/// SQL for a value of `extra`, or NULL if it has none or is not JSON.
fn extra_value(name: &str, is_postgres: bool) -> String {
    if is_postgres {
        return format!("roms_extra_value(extra, '{name}')");
    }
    // Calling the JSON functions only for rows with the value is faster.
    format!(
        "CASE WHEN extra LIKE '%\"{name}\"%' AND json_valid(extra) THEN json_extract(extra, '$.{name}') END"
    )
}
