//! Simulates what happens in Discord: new cards, edits, cancellations, and gateway failures.

use std::collections::HashMap;
use std::time::Instant;

use crate::discord::{Channel, Gateway, Webhook};
use crate::live::StoredOrder;
use crate::shop::Purchase;

/// Seconds between two gateway failures.
const FAILURE_INTERVAL: u32 = 20;
/// Every twelfth failure ends the session, starting with the third. ROMS limits itself to 20 new sessions
/// per hour, and the demo must stay below that.
const SESSION_LOSS_INTERVAL: u32 = 12;

/// The simulated channel and the events that ROMS has not stored yet.
pub(crate) struct Market {
    gateway: Gateway,
    channel: Channel,
    hook: Webhook,
    second: u32,
    failures: u32,
    /// The purchases that ROMS has stored and that are not cancelled, each with its message id.
    open: Vec<(Purchase, u64)>,
    /// The events that ROMS has not stored yet, by order number.
    pending: HashMap<String, Event>,
    edited: u32,
    cancelled: u32,
}

/// Something that happened to a purchase.
struct Event {
    purchase: Purchase,
    message: u64,
    what: &'static str,
    since: Instant,
}

impl Market {
    pub(crate) fn new(gateway: Gateway, channel: Channel) -> Self {
        let hook = channel.webhook("Refract");
        Self {
            gateway,
            channel,
            hook,
            second: 0,
            failures: 0,
            open: Vec::new(),
            pending: HashMap::new(),
            edited: 0,
            cancelled: 0,
        }
    }

    /// Simulates one second, in which a card is always posted. Returns the gateway failure, if there was one.
    pub(crate) fn act(&mut self) -> Option<&'static str> {
        self.second += 1;
        // The failure comes first, so that the rest of this second happens while ROMS is disconnected.
        let failure = self.second.is_multiple_of(FAILURE_INTERVAL).then(|| self.fail());
        let purchase = Purchase::random(self.second);
        let message = self.hook.post(purchase.card());
        self.wait_for(purchase, message, "card posted");
        if self.second.is_multiple_of(4) {
            self.edit();
        }
        if self.second.is_multiple_of(6) {
            self.cancel();
        }
        failure
    }

    /// The line to print for an order that ROMS stored.
    pub(crate) fn stored(&mut self, stored: &StoredOrder) -> String {
        let Some(Event { purchase, message, what, since }) = self.pending.remove(&stored.number) else {
            return format!("{:<15} →  {stored}", "unknown order");
        };
        let took = since.elapsed();
        if what != "order cancelled" {
            self.open.push((purchase, message));
        }
        format!("{what:<15} →  {stored}  (after {took:.0?})")
    }

    /// Whether ROMS has not stored every event yet.
    pub(crate) fn has_pending_events(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The number of events so far.
    pub(crate) fn totals(&self) -> String {
        let Self { second, edited, cancelled, failures, .. } = self;
        format!("{second} cards posted, {edited} edited, {cancelled} cancelled, {failures} gateway failures")
    }

    fn edit(&mut self) {
        let Some((mut purchase, message)) = self.take() else { return };
        let what = if fastrand::bool() {
            purchase.discount();
            "price edited"
        } else {
            purchase.one_more();
            "quantity edited"
        };
        self.channel.edit(message, purchase.card());
        self.edited += 1;
        self.wait_for(purchase, message, what);
    }

    fn cancel(&mut self) {
        let Some((purchase, _)) = self.take() else { return };
        let message = self.hook.post(purchase.cancellation());
        self.cancelled += 1;
        self.wait_for(purchase, message, "order cancelled");
    }

    /// Removes a random purchase from the open ones.
    fn take(&mut self) -> Option<(Purchase, u64)> {
        (!self.open.is_empty()).then(|| self.open.swap_remove(fastrand::usize(..self.open.len())))
    }

    fn wait_for(&mut self, purchase: Purchase, message: u64, what: &'static str) {
        let number = purchase.number.clone();
        self.pending.insert(number, Event { purchase, message, what, since: Instant::now() });
    }

    fn fail(&mut self) -> &'static str {
        self.failures += 1;
        if self.failures % SESSION_LOSS_INTERVAL == 3 {
            self.gateway.invalidate(false);
            return "gateway: op 9, session lost; ROMS reads what it misses from the history";
        }
        match self.failures % 3 {
            1 => {
                self.gateway.reset();
                "gateway: TCP connection reset"
            }
            2 => {
                self.gateway.reconnect();
                "gateway: op 7, asked to reconnect"
            }
            _ => {
                self.gateway.invalidate(true);
                "gateway: op 9, asked to resume"
            }
        }
    }
}
