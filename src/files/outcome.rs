//! The outcome of one row of an import, and the counts of all rows.

use crate::order::{FieldChange, View};

/// The effect of a row on its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowOutcome {
    /// The row adds an order.
    Created,
    /// The row changes the order.
    Updated,
    /// The order already has these values, or the row repeats another one.
    Unchanged,
    /// There is no such order.
    NotFound,
    /// Several orders fit, or other rows contradict this one.
    Ambiguous,
    /// The row cannot be read or stored.
    Bad,
}

impl RowOutcome {
    /// All outcomes, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Updated, Self::Unchanged, Self::NotFound, Self::Ambiguous, Self::Bad];

    /// The name in the database, in reports and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::NotFound => "not found",
            Self::Ambiguous => "ambiguous",
            Self::Bad => "bad",
        }
    }
}

/// `1 row` or `2 rows`.
#[must_use]
pub fn row_count(rows: u64) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

/// The outcome of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowResult {
    /// The row's line in the file.
    pub line: u32,
    /// The effect of the row.
    pub outcome: RowOutcome,
    /// The order's number, or the row's own text if no order was found.
    pub order: String,
    /// Why the row changes nothing or not everything, or how its order was found.
    pub reason: Option<String>,
    /// The changes.
    pub changes: Vec<FieldChange>,
}

impl RowResult {
    /// The result of a row that changes nothing.
    #[must_use]
    pub fn without_change(line: u32, outcome: RowOutcome, order: String, reason: String) -> Self {
        Self { line, outcome, order, reason: Some(reason), changes: Vec::new() }
    }

    /// The row with the personal data that the reader may not see masked.
    #[must_use]
    pub fn seen(self, view: View) -> Self {
        let changes = self.changes.into_iter().map(|change| view.change(change)).collect();
        Self { changes, ..self }
    }

    /// The reason and the changes, for people: `parcel 1Z…; qty_received: empty → 2`.
    #[must_use]
    pub fn text(&self) -> String {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "empty".to_owned());
        let change =
            |FieldChange { field, old, new }: &FieldChange| format!("{field}: {} → {}", side(old), side(new));
        let changes = self.changes.iter().map(change);
        self.reason.clone().into_iter().chain(changes).collect::<Vec<_>>().join("; ")
    }
}

/// How many rows have each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts([u64; RowOutcome::ALL.len()]);

impl ImportCounts {
    /// Counts one row.
    pub fn add(&mut self, outcome: RowOutcome) {
        self.add_many(outcome, 1);
    }

    /// Counts several rows.
    pub fn add_many(&mut self, outcome: RowOutcome, rows: u64) {
        for (count, other) in self.0.iter_mut().zip(RowOutcome::ALL) {
            if other == outcome {
                *count = count.saturating_add(rows);
            }
        }
    }

    /// Adds the counts of another set of rows.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for (outcome, rows) in other.each() {
            self.add_many(outcome, rows);
        }
        self
    }

    /// How many rows have this outcome.
    #[must_use]
    pub fn of(&self, outcome: RowOutcome) -> u64 {
        self.each().find(|(other, _)| *other == outcome).map_or(0, |(_, rows)| rows)
    }

    /// Each outcome with its count.
    pub fn each(self) -> impl Iterator<Item = (RowOutcome, u64)> {
        RowOutcome::ALL.into_iter().zip(self.0)
    }

    /// How many rows change an order, or add one.
    #[must_use]
    pub fn changing(&self) -> u64 {
        self.of(RowOutcome::Created).saturating_add(self.of(RowOutcome::Updated))
    }
}

/// `3 updated, 1 not found`. Leaves out zero counts.
impl std::fmt::Display for ImportCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.each().filter(|(_, rows)| *rows > 0);
        let texts: Vec<_> = counts.map(|(outcome, rows)| format!("{rows} {}", outcome.as_str())).collect();
        if texts.is_empty() { f.write_str("no rows") } else { f.write_str(&texts.join(", ")) }
    }
}
