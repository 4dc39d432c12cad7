//! Finds the orders of charges: by a number in their text, else by amount, date and store.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::{ImportError, PAGE_SIZE, PlannedChange, PlannedRow, names, planned};
use crate::files::{Charge, Row, RowKey, RowOutcome};
use crate::ingest::Ingest;
use crate::order::{Amount, Order, OrderNumber};
use crate::store::BatchKeys;

/// A charge is posted within this time of its order.
const CHARGE_WINDOW: TimeDelta = TimeDelta::days(3);
/// Shorter names of stores are not searched for in the text of a charge: they occur there by chance.
const MIN_STORE: usize = 4;

impl Ingest {
    /// Finds the orders of charges: by a number in their text, else by amount, date and store.
    pub(crate) async fn with_charged_orders(&self, rows: Vec<Row>) -> Result<Vec<PlannedRow>, ImportError> {
        let charge = |row: &Row| match &row.key {
            RowKey::Charge(charge) if row.problem.is_none() => Some(charge.clone()),
            _ => None,
        };
        let charges: Vec<(u32, Box<Charge>)> =
            rows.iter().filter_map(|row| Some((row.line, charge(row)?))).collect();
        let (mut found, doubtful) = self.charges_by_number(&charges).await?;
        let others: Vec<&(u32, Box<Charge>)> =
            charges.iter().filter(|(line, _)| !found.contains_key(line)).collect();
        let taken: HashSet<OrderNumber> = found.values().flatten().cloned().collect();
        let mut fitting = self.charges_by_amount(&others, &taken).await?;
        // If several charges fit an order, it is not certain which one belongs to it.
        let mut claims: HashMap<OrderNumber, usize> = HashMap::new();
        for number in fitting.values().flatten() {
            *claims.entry(number.clone()).or_default() += 1;
        }
        let plan = rows.into_iter().map(|row| {
            let Some(charge) = charge(&row) else { return planned(row) };
            let line = row.line;
            let of_order = |number: &OrderNumber, note| PlannedRow {
                line,
                order: number.to_string(),
                change: PlannedChange::File {
                    row: row.clone(),
                    number: number.clone(),
                    note: Some(format!("{note}: {}", charge.details)),
                },
            };
            let nothing = |outcome, reason| PlannedRow {
                line,
                order: charge.details.clone(),
                change: PlannedChange::Nothing(outcome, reason),
            };
            match found.remove(&line).as_deref() {
                Some([number]) => return of_order(number, "its number is in"),
                Some(several) => {
                    let reason = format!("its text names {}", names(several.iter()));
                    return nothing(RowOutcome::Ambiguous, reason);
                }
                None => {}
            }
            let fits = fitting.remove(&line).unwrap_or_default();
            match fits.as_slice() {
                [] => {
                    let named = doubtful.get(&line).map_or_else(
                        || "its text names no order".to_owned(),
                        |number| format!("`{number}` in its text is an order that does not fit"),
                    );
                    let reason = format!("{named}, and no order fits its amount, date and store");
                    nothing(RowOutcome::NotFound, reason)
                }
                [number] if claims.get(number).is_some_and(|claims| *claims > 1) => nothing(
                    RowOutcome::Ambiguous,
                    format!("order {number} also fits another charge of the file"),
                ),
                [number] => of_order(number, "found by amount, date and store"),
                several => nothing(RowOutcome::Ambiguous, format!("fits {}", names(several.iter()))),
            }
        });
        Ok(plan.collect())
    }

    /// The known orders that the text of each charge names, by the line of the charge. Second, for charges that name none:
    /// an order whose number is short and that does not fit the charge.
    async fn charges_by_number(
        &self,
        charges: &[(u32, Box<Charge>)],
    ) -> Result<(HashMap<u32, Vec<OrderNumber>>, HashMap<u32, OrderNumber>), ImportError> {
        let (mut found, mut doubtful) = (HashMap::new(), HashMap::new());
        // A short number may be anything, such as that of a store.
        for page in charges.chunks(PAGE_SIZE) {
            let numbers =
                page.iter().flat_map(|(_, charge)| charge.numbers.iter().chain(&charge.short_numbers));
            let numbers: HashSet<OrderNumber> =
                numbers.filter_map(|number| OrderNumber::parse(number).ok()).collect();
            let keys = BatchKeys { numbers: numbers.into_iter().collect(), ..Default::default() };
            let stored = self.store.read_state(&keys).await?.orders;
            for (line, charge) in page {
                let parse = |number: &String| OrderNumber::parse(number).ok();
                let numbers = charge.numbers.iter().filter_map(parse);
                let mut known: Vec<OrderNumber> =
                    numbers.filter(|number| stored.contains_key(number)).collect();
                if known.is_empty() {
                    let short = charge.short_numbers.iter().filter_map(parse);
                    for (number, order) in
                        short.filter_map(|number| Some((number.clone(), stored.get(&number)?)))
                    {
                        if order.fields.total == Some(charge.amount) && fits(charge, order) {
                            known.push(number);
                        } else {
                            doubtful.insert(*line, number);
                        }
                    }
                }
                known.sort_unstable();
                known.dedup();
                if !known.is_empty() {
                    found.insert(*line, known);
                }
            }
        }
        Ok((found, doubtful))
    }

    /// For each charge, by its line: the orders with the same total that were placed at most three days
    /// before or after it, and whose store the text names. An order without a store fits, too.
    async fn charges_by_amount(
        &self,
        charges: &[&(u32, Box<Charge>)],
        taken: &HashSet<OrderNumber>,
    ) -> Result<HashMap<u32, Vec<OrderNumber>>, ImportError> {
        let dates = || charges.iter().map(|(_, charge)| charge.posted);
        let (Some(first), Some(last)) = (dates().min(), dates().max()) else { return Ok(HashMap::new()) };
        let mut by_amount: HashMap<Amount, Vec<&(u32, Box<Charge>)>> = HashMap::new();
        for charge in charges {
            by_amount.entry(charge.1.amount).or_default().push(charge);
        }
        let mut fitting: HashMap<u32, Vec<OrderNumber>> = HashMap::new();
        // A charge has only a day, an order an exact time, so read one more day; `fits` compares days.
        let window = CHARGE_WINDOW + TimeDelta::days(1);
        self.store
            .each_order_placed(first - window, last + window, |order| {
                let Some(total) = order.fields.total.filter(|_| !taken.contains(&order.number)) else {
                    return;
                };
                for (line, charge) in by_amount.get(&total).map_or(&[][..], Vec::as_slice) {
                    if fits(charge, &order) {
                        fitting.entry(*line).or_default().push(order.number.clone());
                    }
                }
            })
            .await?;
        Ok(fitting)
    }
}

/// Whether a charge may belong to an order with the same total: it compares date, currency and store, and
/// refuses an order that already has another charge.
fn fits(charge: &Charge, order: &Order) -> bool {
    let fields = &order.fields;
    let is_charged = fields.posted_date.is_some_and(|posted| posted != charge.posted);
    let placed = fields.order_date.unwrap_or(order.created_at);
    let is_near = (placed.date_naive() - charge.posted.date_naive()).abs() <= CHARGE_WINDOW;
    let agrees = fields.currency.zip(charge.currency).is_none_or(|(of_order, charged)| of_order == charged);
    let named = |store: &str| {
        let letters = |text: &str| {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
        };
        let details = letters(&charge.details);
        // Statements write `AMAZON MKTPL*1A2`, `BESTBUY.COM`: the first word, or the whole name without spaces.
        let first = store.split_whitespace().next().map(letters).unwrap_or_default();
        let whole = letters(store);
        [first, whole].iter().any(|name| name.chars().count() >= MIN_STORE && details.contains(name.as_str()))
    };
    !is_charged && is_near && agrees && fields.store.as_deref().is_none_or(named)
}
