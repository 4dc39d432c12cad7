//! Plain text, as people and bots paste it.

use super::{check, read_all};

/// The sample message of the guide, from its section "Supported Message Format".
pub(crate) const SUPPORTED_FORMAT: &str = "Successful Checkout | Best Buy US
Product
STARLINK - Mini Kit AC Dual Band Wi-Fi System - White
Price
$299.99
Profile
Lennar #8-$48-@07
Proxy Details
Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/
Share Link
Click Here
Order Number
#BBY01-807102506907
Email
woozy_byes28@icloud.com
Image
";

#[test]
fn the_exact_message_of_the_guide_is_read() {
    let expected = read_all(SUPPORTED_FORMAT);
    check(&[(
        "seed",
        SUPPORTED_FORMAT,
        &[
            ("number", "BBY01-807102506907"),
            ("product", "STARLINK - Mini Kit AC Dual Band Wi-Fi System - White"),
            ("price", "299.99"),
            ("profile", "Lennar #8-$48-@07"),
            ("proxy_list", "Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/"),
            ("email", "woozy_byes28@icloud.com"),
            ("~status", "verified"),
            ("~store", "Best Buy US"),
            ("~currency", "USD"),
            ("~quantity", "1"),
            ("~order_time", "03:04:05 AM"),
            ("warnings", ""),
        ],
    )]);
    let lines =
        |change: &dyn Fn(&str) -> String| SUPPORTED_FORMAT.lines().map(change).collect::<Vec<_>>().join("\n");
    let bold = lines(&|line| if line.len() < 15 { format!("**{line}**") } else { line.to_owned() });
    let colons = SUPPORTED_FORMAT.replace("\nPrice\n", "\nPrice:\n").replace("\nEmail\n", "\nEmail: \n");
    let inline = SUPPORTED_FORMAT
        .replace("Product\n", "Product: ")
        .replace("Price\n", "**Price:** ")
        .replace("Profile\n", "**Profile**: ");
    let variants = [
        ("CRLF", SUPPORTED_FORMAT.replace('\n', "\r\n")),
        ("BOM", format!("\u{feff}{SUPPORTED_FORMAT}")),
        ("blank lines", SUPPORTED_FORMAT.replace('\n', "\n\n")),
        ("spaces around", SUPPORTED_FORMAT.replace('\n', "  \n\t ")),
        ("no-break spaces around", SUPPORTED_FORMAT.replace('\n', "\u{a0}\n\u{a0}")),
        (
            "upper case labels",
            SUPPORTED_FORMAT.replace("Order Number", "ORDER NUMBER").replace("Email", "EMAIL"),
        ),
        (
            "lower case labels",
            SUPPORTED_FORMAT.replace("Order Number", "order number").replace("Price", "price"),
        ),
        ("colons", colons),
        ("inline", inline),
        (
            "emoji",
            SUPPORTED_FORMAT.replace("Product\n", "📦 Product\n").replace("Price\n", ":moneybag: Price\n"),
        ),
        ("custom emoji", SUPPORTED_FORMAT.replace("Product\n", "<:box:123456> Product\n")),
        ("bold labels", bold),
        ("heading with emoji", format!("🎉 {SUPPORTED_FORMAT}")),
        ("quoted", lines(&|line| format!("> {line}"))),
        ("in a code block", format!("```\n{SUPPORTED_FORMAT}```")),
        ("in a code block of a language", format!("```yaml\n{SUPPORTED_FORMAT}```")),
        ("in a code block with the ticks beside", format!("```{}```", SUPPORTED_FORMAT.trim_end())),
        ("zero-width characters", SUPPORTED_FORMAT.replace("Order Number", "Order\u{200b} Number")),
        ("right-to-left marks", SUPPORTED_FORMAT.replace("Email\n", "\u{200f}Email\u{202c}\n")),
        ("a greeting before", format!("hey all\n{SUPPORTED_FORMAT}")),
        ("NUL", SUPPORTED_FORMAT.replace("Email\n", "Email\0\n")),
    ];
    for (name, text) in variants {
        assert_eq!(read_all(&text), expected, "{name}:\n{text}");
    }
}

#[test]
fn all_optional_labels_of_the_guide_are_read() {
    check(&[(
        "optional",
        "Successful Checkout | Store\nOrder Number\nA-1\nQuantity\n2\nTotal\n$599.98\nCommission\n$50.00\n\
         Tracking Number\n1Z999AA10123456784\nReference #\nREF123\nPayment Method\nCredit Card\n\
         Shipping Address\n123 Main St\nCity, State\nUSA\nShipping Method\nExpress\nStatus\npending\n\
         Notes\nSpecial instructions here\nand more",
        &[
            ("quantity", "2"),
            ("total", "599.98"),
            ("commission", "50.00"),
            ("tracking_number", "1Z999AA10123456784"),
            ("reference_number", "REF123"),
            ("payment_method", "Credit Card"),
            ("shipping_address", "123 Main St\nCity, State\nUSA"),
            ("shipping_method", "Express"),
            ("status", "pending"),
            ("notes", "Special instructions here\nand more"),
            ("warnings", ""),
        ],
    )]);
}

#[test]
fn values_that_look_like_labels_are_recognized() {
    check(&[
        (
            "a product named Price",
            "Successful Checkout | S\nProduct\nPrice\nPrice\n$5\nOrder Number\nA-1",
            &[("product", "Price"), ("price", "5.00"), ("number", "A-1")],
        ),
        (
            "a product named Email",
            "Successful Checkout | S\nProduct\nEmail\nOrder Number\nA-1\nEmail\na@b.c",
            &[("product", "Email"), ("email", "a@b.c"), ("number", "A-1")],
        ),
        (
            "a product named like a label with its value",
            "Successful Checkout | S\nProduct\nPrice: the game\nPrice\n$5\nOrder Number\nA-1",
            &[("product", "Price: the game"), ("price", "5.00"), ("warnings", "")],
        ),
        (
            "an empty label before another",
            "Successful Checkout | S\nOrder Number\nA-1\nTracking Number\nEmail\na@b.c",
            &[("tracking_number", ""), ("email", "a@b.c")],
        ),
        (
            "an empty label with a colon before inline ones",
            "Successful Checkout | S\nOrder Number: A-1\nTracking Number:\nEmail: a@b.c",
            &[("tracking_number", ""), ("email", "a@b.c")],
        ),
        (
            "Fraud Status is never Status",
            "Successful Checkout | S\nOrder Number\nA-1\nFraud Status\nFAILED",
            &[("status", ""), ("fraud_status", "FAILED"), ("number", "A-1")],
        ),
        (
            "Retail Price is never Price",
            "Successful Checkout | S\nOrder Number\nA-1\nPrice\n$5\nRetail Price\n$9",
            &[("price", "5.00"), ("extra.Retail Price", "$9")],
        ),
        (
            "Checkout Proxy fills only what Proxy Details leaves",
            "Successful Checkout | S\nOrder Number\nA-1\nCheckout Proxy\nx\nProxy Details\ny",
            &[("proxy_list", "y")],
        ),
        (
            "a value that is a link",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct URL: https://example.com/a?b=c:d",
            &[("product_url", "https://example.com/a?b=c:d")],
        ),
        (
            "bold labels with their values beside",
            "Successful Checkout | S\n**Order Number** #A-1\n**Price:** `$5`\n__Profile__: P\n- **Quantity:** x2\n`Size`: M\n\
             • **Warehouse:** North",
            &[
                ("number", "A-1"),
                ("price", "5.00"),
                ("profile", "P"),
                ("quantity", "2"),
                ("extra.size", "M"),
                ("extra.Warehouse", "North"),
            ],
        ),
        (
            "a link in angle brackets",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct URL\n<https://example.com/a>",
            &[("product_url", "https://example.com/a")],
        ),
        (
            "only web links are links",
            "Successful Checkout | S\nOrder Number\nA-1\nProduct\n[X](javascript:alert(1))",
            &[("product", "X"), ("product_url", "")],
        ),
        (
            "Order ID is weaker than Order Number",
            "Successful Checkout | S\nOrder ID\n77\nOrder Number\nA-1",
            &[("number", "A-1"), ("extra.order id", "77")],
        ),
        (
            "Amount is the total beside a price",
            "Successful Checkout | S\nOrder Number\nA-1\nAmount\n$10\nPrice\n$5",
            &[("price", "5.00"), ("total", "10.00")],
        ),
        (
            "Amount alone is the price",
            "Successful Checkout | S\nOrder Number\nA-1\nAmount\n$10",
            &[("price", "10.00")],
        ),
        (
            "a further price that differs is kept",
            "Successful Checkout | S\nOrder Number\nA-1\nPrice\n$5\nPrice\n$6",
            &[("price", "5.00"), ("extra.price", "$6")],
        ),
    ]);
}

#[test]
fn unknown_labels_are_kept_and_never_guessed() {
    check(&[
        (
            "on its own line",
            "Successful Checkout | S\nOrder Number\nA-1\nWarehouse\nNorth 4\nEmail\na@b.c",
            &[("extra.Warehouse", "North 4"), ("email", "a@b.c")],
        ),
        (
            "inline",
            "Successful Checkout | S\nOrder Number: A-1\nWarehouse: North 4\nEmail: a@b.c",
            &[("extra.Warehouse", "North 4"), ("email", "a@b.c"), ("number", "A-1")],
        ),
        (
            "bold",
            "Successful Checkout | S\nOrder Number\nA-1\n**Warehouse**\nNorth 4\nEmail\na@b.c",
            &[("extra.Warehouse", "North 4"), ("email", "a@b.c")],
        ),
        (
            "inline before the first label",
            "Successful Checkout | S\nWarehouse: North 4\nOrder Number: A-1",
            &[("extra.Warehouse", "North 4"), ("number", "A-1")],
        ),
    ]);
}

#[test]
fn a_share_link_is_never_stored() {
    let link = "https://share.refractbot.com/setup/ZXhhbXBsZQ";
    for text in [
        format!("Share Link\n[Click Here]({link})"),
        format!("Share Link\nClick Here\n{link}\nsomething else"),
        format!("Share Link: {link}"),
        format!("**Share Link:** [Click Here]({link})"),
        format!("Share Link\n{link}\nClick here\n{link}"),
        format!("🔗 Share Link\n{link}"),
    ] {
        let text = format!("Successful Checkout | S\nOrder Number\nA-1\n{text}\nEmail\na@b.c");
        let cards = read_all(&text);
        assert_eq!(cards[0]["email"], "a@b.c");
        assert!(!format!("{cards:?}").contains("refractbot"), "{text}\n{cards:?}");
    }
    let embed = super::embed_with(&[
        ("Order Number", "A-1"),
        ("Share Link", &format!("[Click Here]({link})\n{link}")),
    ]);
    assert!(!format!("{:?}", read_all(&embed)).contains("refractbot"));
}
