//! `[page]`: the web page.

use serde::{Deserialize, Serialize};

/// The web page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Whether the page shows pictures of products, which browsers load from the sites that cards name.
    pub pictures: bool,
}
