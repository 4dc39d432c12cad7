//! Products that stand before the first label: bots without a product label name it there.

use super::draft::{Draft, MAX_LINE, cut};
use super::markup::Plain;
use super::values;

impl Draft {
    /// Bots without a product label name it in the description, as a link or as
    /// `• 2x name - 49.99 USD (size)`.
    pub(crate) fn take_preamble(&mut self, preamble: &[Plain]) {
        if self.stated.product.is_some() {
            return;
        }
        if let Some(line) =
            preamble.iter().find(|line| line.link.is_some() && line.link.as_ref() != Some(&line.text))
        {
            self.stated.product = Some(cut(&line.text, MAX_LINE));
            self.take_link("product_url", line.link.as_deref(), |fields| &mut fields.product_url);
        } else if let Some(bullet) = preamble.iter().find_map(|line| line.text.strip_prefix("• ")) {
            self.take_bullet(bullet);
        }
    }

    fn take_bullet(&mut self, bullet: &str) {
        let (count, rest) = bullet.split_once("x ").unwrap_or(("1", bullet));
        let Some((count, (name, price))) = values::quantity(count).zip(rest.rsplit_once(" - ")) else {
            return;
        };
        let (price, size) = price.split_once('(').unwrap_or((price, ""));
        self.take_text("product", "product", name, |fields| &mut fields.product);
        self.take_count("quantity", "", Some(count), |fields| &mut fields.quantity);
        self.take_amount("price", price.trim(), false, |fields| &mut fields.price);
        self.keep("size", size.trim_end_matches(')'));
    }
}
