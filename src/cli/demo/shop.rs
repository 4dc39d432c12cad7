//! Random purchases and their cards, in the format of Refract.

use serde_json::{Value, json};

/// Products: store, prefix of its order numbers, product, price in hundredths, currency sign.
const PRODUCTS: [(&str, &str, &str, u32, &str); 8] = [
    ("Best Buy US", "BBY01-8071025", "STARLINK - Mini Kit", 29_999, "$"),
    ("Target", "102000123", "Elite Trainer Box", 4_999, "$"),
    ("Walmart US", "200012-", "Handheld Console 512 GB", 54_900, "$"),
    ("Best Buy CA", "BBYCA-5512", "Graphics Card 16 GB", 129_999, "C$"),
    ("Argos UK", "ARG77", "Brick Star Cruiser", 14_000, "£"),
    ("Pokemon Center US", "P0044", "Booster Display", 16_164, "$"),
    ("Game Stop", "GS-9007", "Wireless Controller \"Midnight\"", 7_450, "$"),
    ("Media Markt DE", "MM-33", "Kopfhörer kabellos", 34_900, "€"),
];

/// One purchase at a store.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    /// The order number.
    pub(crate) number: String,
    /// The index in [`PRODUCTS`].
    product: usize,
    /// The price of one unit in hundredths.
    price: u32,
    quantity: u32,
}

impl Purchase {
    /// A random product at up to a tenth below its price, with this serial number.
    pub(crate) fn random(serial: u32) -> Self {
        let product = fastrand::usize(..PRODUCTS.len());
        let (_, prefix, _, price, _) = PRODUCTS[product];
        let number = format!("{prefix}{serial:04}");
        Self { number, product, price: price - fastrand::u32(..price / 10), quantity: fastrand::u32(1..=3) }
    }

    /// Reduces the price by a tenth.
    pub(crate) fn discount(&mut self) {
        self.price = self.price * 9 / 10;
    }

    pub(crate) fn one_more(&mut self) {
        self.quantity += 1;
    }

    /// The card of a successful checkout.
    pub(crate) fn card(&self) -> Value {
        self.card_with("Successful Checkout", 5_763_719)
    }

    /// The card of a cancellation.
    pub(crate) fn cancellation(&self) -> Value {
        self.card_with("Order Cancelled", 15_548_997)
    }

    /// The card of a failed checkout, which is no order.
    pub(crate) fn failure(&self) -> Value {
        self.card_with("Checkout Failed", 15_548_997)
    }

    /// The card of a successful checkout whose order number is missing, so that it cannot be read.
    pub(crate) fn unreadable(&self) -> Value {
        let mut card = self.card();
        if let Some(fields) = card.pointer_mut("/embeds/0/fields").and_then(Value::as_array_mut) {
            fields.retain(|field| field["name"] != "Order Number");
        }
        card
    }

    fn card_with(&self, heading: &str, color: u32) -> Value {
        let (store, _, product, _, sign) = PRODUCTS[self.product];
        let price = format!("{sign}{}.{:02}", self.price / 100, self.price % 100);
        let field = |name: &str, value: String| json!({"name": name, "value": value, "inline": true});
        json!({"embeds": [{
            "author": {"name": format!("{heading} | {store}")},
            "color": color,
            "fields": [
                field("Product", product.to_owned()),
                field("Price", price),
                field("Quantity", self.quantity.to_string()),
                field("Profile", "||Main #7||".to_owned()),
                field("Order Number", format!("||#{}||", self.number)),
                field("Email", "||buyer@example.com||".to_owned()),
            ],
            "footer": {"text": "Prism Technologies - 1.24.3 (0.13.143)"},
        }]})
    }
}
