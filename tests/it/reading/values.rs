//! Values: quantities, statuses, e-mail addresses, dates.

use super::{card_with, check, check_values, read_all};

#[test]
fn quantities_are_read_in_every_usual_form() {
    let table = [
        ("2", "2"),
        ("2x", "2"),
        ("x2", "2"),
        ("(2)", "2"),
        ("2.0", "2"),
        ("2.00", "2"),
        ("2 x", "2"),
        ("1,000", "1000"),
    ];
    check_values("Quantity", "quantity", &table);
    for text in ["0", "-1", "two", "2.5", "1000001", "99999999999999999999", "1e3"] {
        let card = read_all(&card_with("Quantity", text)).remove(0);
        assert_eq!(card.get("quantity"), None, "{text}");
        assert_eq!(card["~quantity"], "1", "{text}");
        assert!(card["warnings"].starts_with("quantity: "), "{text}");
    }
    check_values("Qty Received", "qty_received", &[("0", "0"), ("3", "3")]);
}

#[test]
fn statuses_are_read_in_every_spelling() {
    check_values(
        "Status",
        "status",
        &[
            ("pending", "pending"),
            ("Review Hold", "pending"),
            ("On Hold", "pending"),
            ("Still placed", "pending"),
            ("Processing", "processing"),
            ("In Progress", "processing"),
            ("Shipped", "shipped"),
            ("SHIPPED", "shipped"),
            ("✅ Shipped", "shipped"),
            ("**Shipped**", "shipped"),
            ("Shipped!", "shipped"),
            ("In transit", "shipped"),
            ("Out for delivery", "shipped"),
            ("Order Shipped", "shipped"),
            ("Delivered", "delivered"),
            ("Order Delivered", "delivered"),
            ("Arrived", "delivered"),
            ("Canceled", "cancelled"),
            ("Cancelled", "cancelled"),
            ("Order Canceled", "cancelled"),
            ("Order Cancelled", "cancelled"),
            ("Voided", "cancelled"),
            ("Refunded", "refunded"),
            ("Order Refunded", "refunded"),
            ("refund processed", "refunded"),
            ("verified", "verified"),
            ("SUCCESS", "verified"),
            ("successful", "verified"),
            ("confirmed", "verified"),
            ("Order Confirmed", "verified"),
            ("placed", "verified"),
            ("paid", "verified"),
            ("completed", "verified"),
            ("unverified", "unverified"),
        ],
    );
}

#[test]
fn an_unknown_status_is_kept_as_text() {
    check(&[(
        "unknown",
        &card_with("Status", "At the zoo"),
        &[("status", ""), ("~status", "verified"), ("extra.status", "At the zoo")],
    )]);
    assert!(read_all(&card_with("Status", "At the zoo"))[0]["warnings"].starts_with("status: "));
}

#[test]
fn an_unreadable_email_address_does_not_reject_the_order() {
    check_values(
        "Email",
        "email",
        &[
            ("", ""),
            ("N/A", ""),
            ("-", ""),
            ("woozy_byes28@icloud.com", "woozy_byes28@icloud.com"),
            ("`_bob_@example.com`", "_bob_@example.com"),
            ("||a@example.com||", "a@example.com"),
            ("[a@example.com](mailto:a@example.com)", "a@example.com"),
            ("b****@example.com", ""),
            ("j***e@g****.com", ""),
            ("**bold@example.com**", "bold@example.com"),
            ("a@example.com:hunter2", "a@example.com"),
            ("Sam <a@example.com>", "a@example.com"),
            ("mailto:a@example.com", "a@example.com"),
            ("sa...@example.com", ""),
            ("hidden", ""),
            ("not an address", "not an address"),
            ("a@b@c", "a@b@c"),
        ],
    );
    for odd in ["", "N/A", "not an address"] {
        let card = read_all(&card_with("Email", odd)).remove(0);
        assert_eq!(card["number"], "A-1");
        assert!(card["warnings"].starts_with("email: "), "{odd}: {card:?}");
    }
}

#[test]
fn the_password_of_an_account_is_never_stored() {
    for account in [
        "a@example.com:hunter2",
        "a@example.com : hunter2",
        "a@example.com|hunter2",
        "a@example.com;hunter2",
        "a@example.com hunter2",
        "||a@example.com:hunter2||",
        "a@example.com:hun:ter2",
    ] {
        for label in ["Account", "Email", "Username", "Account Email", "Profile Email:"] {
            let card = read_all(&card_with(label, account)).remove(0);
            assert_eq!(
                card.get("email").map(String::as_str),
                Some("a@example.com"),
                "{label} {account}: {card:?}"
            );
            assert!(!format!("{card:?}").contains("ter2"), "{label} {account}: {card:?}");
        }
    }
    check_values("Account", "profile", &[("Main 7", "Main 7"), ("a@example.com", "")]);
}

#[test]
fn secrets_that_contain_markup_characters_are_kept() {
    let table = [
        "http://user:pass@203.0.113.9:9000",
        "203.0.113.9:8000:user:pa*ss*",
        "203.0.113.9:8000:us_er_:pa_ss_",
        "203.0.113.9:8000:user:pa**ss**word",
        "203.0.113.9:8000:user:pa|ss",
        "203.0.113.9:8000:user:pa`ss",
        "203.0.113.9:8000:user:<pass>",
        "Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/",
        "user-session:8000:~~x",
        "host:8000:user:[x]",
    ];
    let login = ["user:passw0rd@192.0.2.1:8000", "name:passw0rd@host.example:8000"];
    check_values("Proxy Details", "proxy_list", &login.map(|proxy| (proxy, proxy)));
    check_values("Proxy Details", "proxy_list", &table.map(|proxy| (proxy, proxy)));
    check_values("Proxy", "proxy_list", &[("||Resi | http://a:b@c:1||", "Resi | http://a:b@c:1")]);
}

#[test]
fn order_numbers_are_trimmed_and_lose_their_hash() {
    check_values("Order #", "number", &[("#BBY01-1", "A-1")]);
    for (text, number) in [
        ("#BBY01-807102506907", "BBY01-807102506907"),
        ("  # BBY01-1  ", "BBY01-1"),
        ("##1", "1"),
        ("`#1`", "1"),
        ("```#1```", "1"),
        ("```\n#1\n```", "1"),
        ("||#1||", "1"),
        ("|| #1 ||", "1"),
        ("**#1**", "1"),
        ("||[#1](https://example.com/o/1)||", "1"),
        ("[`#1`](https://example.com/o/1)", "1"),
        ("112-1234567-1234567", "112-1234567-1234567"),
        ("\u{200b}#1\u{200b}", "1"),
        ("\u{202b}#1\u{202c}", "1"),
        ("W_1_2", "W_1_2"),
        ("#__H__", "H"),
        ("#*H*", "H"),
        ("#~~H~~", "H"),
        ("# **_H_**", "H"),
        ("**#__H__**", "H"),
        ("#W_1_2", "W_1_2"),
    ] {
        let payload = format!("Successful Checkout | Store\nProduct\nX\nOrder Number\n{text}\nEmail\na@b.c");
        let card = read_all(&payload).remove(0);
        assert_eq!(card.get("number").map(String::as_str), Some(number), "{text}: {card:?}");
        assert_eq!(card["email"], "a@b.c", "{text}: {card:?}");
    }
}

#[test]
fn an_order_without_a_number_is_rejected() {
    for text in [
        "",
        "N/A",
        "-",
        "||||",
        "\u{200b}",
        "undefined",
        "0",
        "-1",
        "#",
        "********",
        "1020****0333",
        "(hidden)",
        "Processing...",
        "here",
        "102000000000001 got canceled on me",
    ] {
        let payload = format!("Successful Checkout | Store\nProduct\nX\nOrder Number\n{text}\nEmail\na@b.c");
        assert_eq!(read_all(&payload)[0]["error"], "missing_order_number", "{text}");
    }
    let long = "9".repeat(256);
    let payload = format!("Successful Checkout | Store\nProduct\nX\nOrder Number\n{long}\nEmail\na@b.c");
    let card = read_all(&payload).remove(0);
    assert_eq!(card["error"], "bad_order_number");
    assert!(card["detail"].ends_with("longer than 255 characters"), "{card:?}");
}

#[test]
fn dates_are_read_in_every_usual_form() {
    check_values(
        "Order Date",
        "order_date",
        &[
            ("2025-11-25T16:02:41.000Z", "2025-11-25T16:02:41Z"),
            ("2025-11-25T17:02:41+01:00", "2025-11-25T16:02:41Z"),
            ("<t:1764086561:f>", "2025-11-25T16:02:41Z"),
            ("<t:1764086561>", "2025-11-25T16:02:41Z"),
            ("1764086561", "2025-11-25T16:02:41Z"),
            ("1764086561000", "2025-11-25T16:02:41Z"),
            ("2025-11-25", "2025-11-25T00:00:00Z"),
            ("2025-11-25 16:02:41", "2025-11-25T16:02:41Z"),
            ("11/25/2025", "2025-11-25T00:00:00Z"),
            ("11/25/2025, 4:02:41 PM", "2025-11-25T16:02:41Z"),
            ("November 25, 2025", "2025-11-25T00:00:00Z"),
            ("Nov 25, 2025 4:02 PM", "2025-11-25T16:02:00Z"),
            ("25/13/2025", ""),
            ("soon", ""),
            ("0001-01-01", ""),
            ("9999-12-31", ""),
        ],
    );
}

#[test]
fn a_local_time_that_the_clocks_skipped_or_had_twice_is_read_in_its_zone() {
    use roms::order::dates::parse;
    let zone = chrono_tz::America::New_York;
    for (text, utc) in [
        ("2025-03-09 02:30:00", "2025-03-09T07:30:00Z"),
        ("2025-11-02 01:30:00", "2025-11-02T05:30:00Z"),
        ("2025-11-25 11:02:41", "2025-11-25T16:02:41Z"),
        ("2025-11-25", "2025-11-25T05:00:00Z"),
    ] {
        assert_eq!(parse(text, zone).map(|date| date.at), Some(utc.parse().unwrap()), "{text}");
    }
}

#[test]
fn no_value_is_no_value_in_every_spelling() {
    for nothing in [
        "N/A", "n/a", "-", "–", "—", "None", "null", "\u{200b}", "||||", "|| ||", "_ _", "\u{200d}", "** **",
        "``", "\u{3164}",
    ] {
        for label in ["Profile", "Tracking Number", "Price", "Notes", "Mode", "Status"] {
            let card = read_all(&card_with(label, nothing)).remove(0);
            let plain = read_all("Successful Checkout | Store\nOrder Number\nA-1").remove(0);
            assert_eq!(card, plain, "{label} {nothing:?}");
            let card = read_all(&super::embed_with(&[("Order Number", "A-1"), (label, nothing)])).remove(0);
            assert_eq!(card, plain, "{label} {nothing:?} in an embed");
        }
    }
}

#[test]
fn entities_are_decoded_once() {
    check_values(
        "Product",
        "product",
        &[("Tom &amp; Jerry", "Tom & Jerry"), ("&amp;lt;", "&lt;"), ("it&#39;s", "it's"), ("AT&T", "AT&T")],
    );
}

#[test]
fn the_host_of_a_proxy_is_read_without_its_credentials() {
    check_values(
        "Proxy",
        "proxy_host",
        &[
            ("Resi East | http://user:pass@203.0.113.7:8000", "203.0.113.7"),
            ("proxy.example.com:1007:userc:passd", "proxy.example.com"),
            ("user.name.com:pass@proxy.example.com:1007", "proxy.example.com"),
            ("10.1.1.1:3128:aa:bb", "10.1.1.1"),
            ("http://Resi.Example.com:5959/", "resi.example.com"),
            ("203.0.113.7:8000@user:pass", "203.0.113.7"),
            ("user:pa.ss@isp:8000", ""),
            ("us.er:12345@isp:8000", ""),
            ("isp:8000:user:pa.ss", ""),
            ("DC 1", ""),
            ("isp-list", ""),
        ],
    );
}
