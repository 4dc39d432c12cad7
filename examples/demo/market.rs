//! What happens in Discord: cards, edits, cancellations, and a gateway that fails now and then.

use std::collections::HashMap;
use std::time::Instant;

use crate::discord::{Channel, Gateway, Webhook};
use crate::live::Stored;
use crate::shop::Purchase;

/// Seconds between two faults of the gateway.
const FAULT_EVERY: u32 = 20;
/// One fault in so many ends the session, as the third does. ROMS starts fewer than 20 sessions
/// an hour, whatever happens; the demo stays below.
const LOSS_EVERY: u32 = 12;

/// The channel, the webhook that posts there, and what ROMS has not stored yet.
pub(crate) struct Market {
    gateway: Gateway,
    channel: Channel,
    hook: Webhook,
    second: u32,
    faults: u32,
    /// What ROMS has stored and nobody cancelled, each with its message.
    open: Vec<(Purchase, u64)>,
    /// What happened and is not stored yet, by order number.
    waiting: HashMap<String, Waiting>,
    edited: u32,
    cancelled: u32,
}

struct Waiting {
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
            faults: 0,
            open: Vec::new(),
            waiting: HashMap::new(),
            edited: 0,
            cancelled: 0,
        }
    }

    /// What happens in one second: always a card. Tells of a fault of the gateway.
    pub(crate) fn act(&mut self) -> Option<&'static str> {
        self.second += 1;
        // First the fault, so that the rest of this second happens while ROMS is cut off.
        let fault = (self.second.is_multiple_of(FAULT_EVERY)).then(|| self.cut());
        let purchase = Purchase::any(self.second);
        let message = self.hook.post(purchase.card());
        self.wait_for(purchase, message, "card posted");
        if self.second.is_multiple_of(4) {
            self.edit();
        }
        if self.second.is_multiple_of(6) {
            self.cancel();
        }
        fault
    }

    /// One line for a change that ROMS stored.
    pub(crate) fn stored(&mut self, stored: &Stored) -> String {
        let Some(Waiting { purchase, message, what, since }) = self.waiting.remove(&stored.number) else {
            return format!("{:<15} →  {stored}", "nothing of ours");
        };
        let took = since.elapsed();
        if what != "order cancelled" {
            self.open.push((purchase, message));
        }
        format!("{what:<15} →  {stored}  (after {took:.0?})")
    }

    /// Whether something that happened is not stored yet.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What happened so far.
    pub(crate) fn tally(&self) -> String {
        let Self { second, edited, cancelled, faults, .. } = self;
        format!(
            "{second} cards posted, {edited} edited, {cancelled} cancelled, {faults} faults of the gateway"
        )
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

    /// Any order that ROMS has as it is in Discord.
    fn take(&mut self) -> Option<(Purchase, u64)> {
        (!self.open.is_empty()).then(|| self.open.swap_remove(fastrand::usize(..self.open.len())))
    }

    fn wait_for(&mut self, purchase: Purchase, message: u64, what: &'static str) {
        let number = purchase.number.clone();
        self.waiting.insert(number, Waiting { purchase, message, what, since: Instant::now() });
    }

    fn cut(&mut self) -> &'static str {
        self.faults += 1;
        if self.faults % LOSS_EVERY == 3 {
            self.gateway.invalidate(false);
            return "gateway: op 9, the session is lost; what comes now is in the history only";
        }
        match self.faults % 3 {
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
