//! The items of an order. Cards and edits change them by these rules:
//!
//! 1. An order that names a product has at least one item. An only item repeats the order's columns (product,
//!    quantity, price, links, units received), so that it follows every rule of [`super::merge`]. Only its size and
//!    its SKU are its own.
//! 2. If the order or the card has several items, each item of the card changes the stored item with the same
//!    SKU, else with the same name and size. An item that matches none is added. Stated fields replace,
//!    absent ones never erase. Only an edit of a message removes items: those that the message no longer
//!    lists, unless they have units received.
//! 3. A message older than the newest one applied only fills empty fields. It adds items only if the order has none
//!    or if one of its items matches.
//! 4. A list of several items takes the place of an only item that matches none of them: the order had the products
//!    under one name.
//! 5. A card about a part of an order with several items states nothing about the whole order's product, quantity and
//!    price. The order's product is then the names of all items, its quantity the sum of their units, and a total that
//!    was the sum of their line totals stays so.
//! 6. `qty_received` of the order is the sum of its items'. The units that the order states are given to the items in
//!    the order of their positions, to each at most its quantity, and to the last one all that remain. An edit of an
//!    item's units changes that item alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Amount, FieldChange, Fields, MAX_LINE, Order, OrderItem, Patch, cut};

/// Columns that an only item does not share with its order, and their names in `extra`.
const OWN_COLUMNS: [&str; 2] = ["sku", "size"];

/// Whether an item of a card is an item of the order, from the surest sign to the weakest.
const SIGNS: [fn(&Key, &Key) -> bool; 3] = [
    |stored, stated| stored.sku.is_some() && stored.sku == stated.sku,
    |stored, stated| stored.may_be(stated) && stored.size == stated.size,
    |stored, stated| stored.may_be(stated) && (stored.size.is_none() || stated.size.is_none()),
];

/// The name, SKU and size that identify an item, without differences in case, spaces and punctuation.
struct Key {
    name: Option<String>,
    size: Option<String>,
    sku: Option<String>,
}

impl Key {
    fn of(item: &OrderItem) -> Self {
        let normal = |text: &Option<String>| text.as_deref().map(normalize);
        Self { name: normal(&item.product), size: normal(&item.size), sku: normal(&item.sku) }
    }

    /// Whether the names are the same and the SKUs do not differ.
    fn may_be(&self, other: &Self) -> bool {
        let differs = self.sku.is_some() && other.sku.is_some() && self.sku != other.sku;
        self.name.is_some() && self.name == other.name && !differs
    }
}

/// The letters and digits of a text in lower case, with one space between words.
fn normalize(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join(" ").to_lowercase();
    // A text of symbols alone is compared as it is.
    if joined.is_empty() { text.trim().to_owned() } else { joined }
}

/// Applies the items of a card, except for what [`follow`] does. Returns whether the card is not about the products of
/// the whole order (rule 5).
pub(crate) fn apply(order: &mut Order, patch: &Patch, late: bool) -> bool {
    // A product that the card only derives is no further item.
    if order.items.len() > 1 && patch.stated.product.is_none() && patch.derived.product.is_some() {
        return true;
    }
    let may_replace = |_, empty| empty || !late;
    if order.items.len() <= 1 && patch.items.len() <= 1 {
        if order.items.is_empty() && !patch.items.is_empty() {
            order.items.push(OrderItem::default());
        }
        let stated = |name: &str| patch.extra.get(name).cloned();
        let own = match patch.items.first() {
            Some(item) => {
                OrderItem { sku: item.sku.clone(), size: item.size.clone(), ..OrderItem::default() }
            }
            None => OrderItem { sku: stated("sku"), size: stated("size"), ..OrderItem::default() },
        };
        for item in &mut order.items {
            item.apply(&own, may_replace, |_| ());
        }
        return false;
    }
    let found = find_matches(&order.items, &patch.items);
    if found.iter().all(Option::is_none) {
        match order.items.as_slice() {
            [] => {}
            [only] if !late || only.product == joined_names(&patch.items) => order.items.clear(),
            _ if names_all_items(order, &patch.items) => return false,
            _ if late => return true,
            _ => {}
        }
    }
    for (item, found) in patch.items.iter().zip(found) {
        match found.and_then(|at| order.items.get_mut(at)) {
            Some(stored) => stored.apply(item, may_replace, |_| ()),
            None => order.items.push(OrderItem { quantity: item.quantity.or(Some(1)), ..item.clone() }),
        }
    }
    for item in &mut order.items {
        item.line_total = line_total(item.unit_price, item.quantity).or(item.line_total);
    }
    order.items.len() > patch.items.len()
}

/// The items of one version of a message that the next version no longer lists.
pub(crate) fn withdrawn(earlier: &[OrderItem], now: &[OrderItem]) -> Vec<OrderItem> {
    let kept: Vec<Option<usize>> = find_matches(earlier, now);
    let is_kept = |at: usize| kept.contains(&Some(at));
    earlier.iter().enumerate().filter(|(at, _)| !is_kept(*at)).map(|(_, item)| item.clone()).collect()
}

/// Keeps those items of an earlier version of a message that the order has. If the order has none of them,
/// keeps all. The amounts of a version with removed items include these, so they fill nothing.
pub(crate) fn keep_known(order: &Order, earlier: &mut Patch) {
    let found = find_matches(&order.items, &earlier.items);
    if found.iter().all(Option::is_none) || found.iter().all(Option::is_some) {
        return;
    }
    let mut found = found.into_iter();
    earlier.items.retain(|_| found.next().flatten().is_some());
    let filled: BTreeSet<_> = order.fields.named_texts().into_iter().map(|(name, _)| name).collect();
    for name in ["product", "quantity", "price", "total"].into_iter().filter(|name| !filled.contains(name)) {
        earlier.stated.clear(name);
        earlier.derived.clear(name);
    }
}

/// Removes the items that an edited message no longer lists, and updates the columns of the order from the
/// remaining items.
pub(crate) fn withdraw(order: &mut Order, withdrawn: &[OrderItem]) {
    let found: Vec<usize> = find_matches(&order.items, withdrawn).into_iter().flatten().collect();
    let before = order.clone();
    let mut at = 0..;
    order.items.retain(|item| {
        let is_found = at.next().is_some_and(|at| found.contains(&at));
        !is_found || item.qty_received.is_some()
    });
    if order.items.is_empty() {
        order.items.clone_from(&before.items);
    } else if order.items.len() < before.items.len() {
        follow_items(order, &before, &BTreeSet::new());
    }
}

/// Combines two cards of a message about the same order if the second one lists other products than the
/// first.
pub(crate) fn add_items_of(first: &Patch, second: &mut Patch) {
    let (earlier, own) = (&first.items, &second.items);
    let is_other = !earlier.is_empty() && !own.is_empty() && withdrawn(own, earlier).len() == own.len();
    if first.number != second.number || !is_other {
        return;
    }
    second.items = [earlier.as_slice(), own].concat();
    let (stated, items) = (&mut second.stated, &second.items);
    stated.product = joined_names(items);
    stated.quantity = items.iter().try_fold(0_u32, |sum, item| sum.checked_add(units(item)));
    stated.price = stated.price.filter(|price| items.iter().all(|item| item.unit_price == Some(*price)));
    // If the totals differ, each is only that of its own card; the sum of the lines then gives the total.
    // Equal totals are the total of the order.
    if first.stated.total != stated.total {
        stated.total = None;
    }
    second.derived.total = sum_of_lines(items);
}

/// The facts about the whole order in a card about a part of it.
pub(crate) fn without_item_columns(patch: &Patch) -> Patch {
    let mut patch = patch.clone();
    let stated = &mut patch.stated;
    if stated.total == line_total(stated.price, stated.quantity.or(Some(1))) {
        stated.total = None;
    }
    for name in ["product", "quantity", "price", "product_url", "image_url"] {
        stated.clear(name);
    }
    (patch.derived.quantity, patch.derived.total) = (None, None);
    patch.extra.retain(|name, _| !OWN_COLUMNS.contains(&name.as_str()));
    patch
}

/// Makes an only item follow the order's columns, and the order's columns follow several items, after everything else
/// was applied. `stated` names the columns that received a stated value.
pub(crate) fn follow(order: &mut Order, before: &Order, stated: &BTreeSet<&'static str>) {
    // An empty column means that nothing was received.
    order.fields.qty_received = order.fields.qty_received.filter(|count| *count > 0);
    if order.items.len() <= 1 {
        if order.items.is_empty() && order.fields.product.is_some() {
            order.items.push(OrderItem::default());
        }
        let Fields { product, quantity, price, total, product_url, image_url, qty_received, .. } =
            &order.fields;
        for item in &mut order.items {
            *item = OrderItem {
                product: product.clone(),
                sku: item.sku.take(),
                size: item.size.take(),
                quantity: *quantity,
                unit_price: *price,
                line_total: line_total(*price, *quantity).or(*total),
                product_url: product_url.clone(),
                image: image_url.clone(),
                qty_received: *qty_received,
            };
        }
        return;
    }
    if order.items != before.items {
        follow_items(order, before, stated);
    }
    distribute_received(order);
}

/// Rule 5, for an order with several items. A price of the order is the price of each of its items.
fn follow_items(order: &mut Order, before: &Order, stated: &BTreeSet<&'static str>) {
    let fields = &mut order.fields;
    if !stated.contains("product") {
        fields.product = joined_names(&order.items);
    }
    if !stated.contains("quantity") {
        let units = order.items.iter().try_fold(0_u32, |sum, item| sum.checked_add(units(item)));
        fields.quantity = units.or(fields.quantity);
    }
    if !stated.contains("price") {
        let price = order.items.first().and_then(|item| item.unit_price);
        fields.price = price.filter(|_| order.items.iter().all(|item| item.unit_price == price));
    }
    if !stated.contains("total")
        && !before.items.is_empty()
        && fields.total.is_some()
        && before.fields.total == sum_of_lines(&before.items)
    {
        fields.total = sum_of_lines(&order.items).or(fields.total);
    }
    for name in ["product", "quantity", "price"] {
        order.derived.remove(name);
        order.cleared.remove(name);
    }
}

/// Sets the units received of the items at some positions, and the order's to the sum of its items'.
pub(crate) fn set_received(order: &mut Order, received: &BTreeMap<u32, u32>) {
    for (position, item) in (1..).zip(&mut order.items) {
        if let Some(count) = received.get(&position) {
            item.qty_received = Some(*count).filter(|count| *count > 0);
        }
    }
    let sum = order.items.iter().try_fold(0_u32, |sum, item| sum.checked_add(item.qty_received.unwrap_or(0)));
    order.fields.qty_received = sum.filter(|sum| *sum > 0);
}

/// Rule 6.
fn distribute_received(order: &mut Order) {
    let received = order.fields.qty_received.unwrap_or(0);
    let of_items =
        order.items.iter().try_fold(0_u32, |sum, item| sum.checked_add(item.qty_received.unwrap_or(0)));
    if of_items == Some(received) {
        return;
    }
    let (mut left, last) = (received, order.items.len().saturating_sub(1));
    for (at, item) in order.items.iter_mut().enumerate() {
        let given = if at == last { left } else { left.min(units(item)) };
        left = left.saturating_sub(given);
        item.qty_received = Some(given).filter(|given| *given > 0);
    }
}

/// The changes of the items, named `items[2].quantity`. An only item repeats the order's columns, so only what these
/// do not tell is listed for it.
pub(crate) fn changes(
    before: &[OrderItem],
    after: &[OrderItem],
    of_order: &[FieldChange],
) -> Vec<FieldChange> {
    let is_only = before.len() <= 1 && after.len() == 1;
    let empty = OrderItem::default();
    let mut changes = Vec::new();
    for at in 0..before.len().max(after.len()) {
        let (was, item) = (before.get(at).unwrap_or(&empty), after.get(at).unwrap_or(&empty));
        for FieldChange { field, old, new } in was.changes_to(item) {
            let is_told = |told: &FieldChange| {
                told.field.strip_prefix("extra.") == Some(&field) && told.old == old && told.new == new
            };
            if !is_only || OWN_COLUMNS.contains(&field.as_str()) && !of_order.iter().any(is_told) {
                changes.push(FieldChange { field: format!("items[{}].{field}", at + 1), old, new });
            }
        }
    }
    changes
}

/// The units of an item. An item without a quantity is one unit.
pub(crate) fn units(item: &OrderItem) -> u32 {
    item.quantity.unwrap_or(1)
}

/// The texts of the items that a search must find although the order's product does not contain them: SKUs, and names
/// that did not fit.
pub(crate) fn search_text(order: &Order) -> Option<String> {
    let product = order.fields.product.as_deref().unwrap_or_default();
    let mut seen = HashSet::new();
    let texts = order.items.iter().flat_map(|item| [item.product.as_deref(), item.sku.as_deref()]);
    let missing = texts.flatten().filter(|text| !product.contains(text) && seen.insert(*text));
    Some(missing.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
}

/// Whether a card with one item names all items of the order at once.
fn names_all_items(order: &Order, stated: &[OrderItem]) -> bool {
    let [only] = stated else { return false };
    let Some(name) = only.product.as_deref().map(normalize) else { return false };
    let names = [order.fields.product.clone(), joined_names(&order.items)];
    order.items.len() > 1 && names.iter().flatten().any(|product| normalize(product) == name)
}

/// Whether the order has any of these items.
pub(crate) fn has_any(order: &Order, stated: &[OrderItem]) -> bool {
    find_matches(&order.items, stated).iter().any(Option::is_some)
}

/// For each stated item, the position of the stored item that it changes. No two change the same one.
fn find_matches(stored: &[OrderItem], stated: &[OrderItem]) -> Vec<Option<usize>> {
    let keys: Vec<Key> = stored.iter().map(Key::of).collect();
    let mut found = vec![None; stated.len()];
    let mut taken = HashSet::new();
    for is_same in SIGNS {
        for (item, found) in stated.iter().zip(&mut found) {
            if found.is_none() {
                let key = Key::of(item);
                let fits = |(at, stored): &(usize, &Key)| !taken.contains(at) && is_same(stored, &key);
                *found = keys.iter().enumerate().find(fits).map(|(at, _)| at);
                taken.extend(*found);
            }
        }
    }
    found
}

/// The names of the items as the product of an order.
pub(crate) fn joined_names(items: &[OrderItem]) -> Option<String> {
    let names: Vec<&str> = items.iter().filter_map(|item| item.product.as_deref()).collect();
    Some(cut(&names.join(" + "), MAX_LINE)).filter(|product| !product.is_empty())
}

fn line_total(price: Option<Amount>, quantity: Option<u32>) -> Option<Amount> {
    price?.times(quantity?)
}

/// The sum of the line totals, if all are known.
fn sum_of_lines(items: &[OrderItem]) -> Option<Amount> {
    items.iter().try_fold(Amount::default(), |sum, item| sum.plus(item.line_total?))
}
