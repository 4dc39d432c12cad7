//! Recognizes the carrier of a tracking number by its shape.

/// A parcel carrier with a public tracking page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// United Parcel Service: `1Z` and 16 letters or digits.
    Ups,
    /// United States Postal Service: 20 to 22 digits, from 91 to 95 on, or two letters, nine digits and `US`.
    Usps,
    /// `FedEx`: 12 or 15 digits.
    FedEx,
    /// DHL: 10 digits (Express), or `JJD`, `JVGL` or `GM` and digits (eCommerce, Parcel).
    Dhl,
}

impl Carrier {
    /// The carrier of a tracking number; `None` if no carrier or more than one fits.
    #[must_use]
    pub fn of(tracking_number: &str) -> Option<Self> {
        let number: String =
            tracking_number.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
        let shapes = [
            (Self::Ups, is_ups(&number)),
            (Self::Usps, is_usps(&number)),
            (Self::FedEx, is_fedex(&number)),
            (Self::Dhl, is_dhl(&number)),
        ];
        let mut fitting = shapes.into_iter().filter(|(_, fits)| *fits).map(|(carrier, _)| carrier);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// The carrier's tracking page for a number. Only the letters and digits of the number are used.
    #[must_use]
    pub fn tracking_url(self, number: &str) -> String {
        let number: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
        let page = match self {
            Self::Ups => "https://www.ups.com/track?tracknum=",
            Self::Usps => "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
            Self::FedEx => "https://www.fedex.com/fedextrack/?trknbr=",
            Self::Dhl => "https://www.dhl.com/global-en/home/tracking.html?submit=1&tracking-id=",
        };
        format!("{page}{number}")
    }

    /// The carrier's name as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ups => "UPS",
            Self::Usps => "USPS",
            Self::FedEx => "FedEx",
            Self::Dhl => "DHL",
        }
    }
}

fn is_ups(number: &str) -> bool {
    number
        .strip_prefix("1Z")
        .is_some_and(|rest| rest.len() == 16 && rest.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn is_usps(number: &str) -> bool {
    let domestic =
        is_digits(number, 20..=22) && ["91", "92", "93", "94", "95"].iter().any(|p| number.starts_with(p));
    let international = number.strip_suffix("US").is_some_and(|rest| {
        rest.chars().take(2).filter(char::is_ascii_uppercase).count() == 2
            && is_digits(&rest.chars().skip(2).collect::<String>(), 9..=9)
    });
    domestic || international
}

fn is_fedex(number: &str) -> bool {
    is_digits(number, 12..=12) || is_digits(number, 15..=15)
}

fn is_dhl(number: &str) -> bool {
    is_digits(number, 10..=10)
        || ["JJD", "JVGL", "GM"]
            .iter()
            .any(|prefix| number.strip_prefix(prefix).is_some_and(|rest| is_digits(rest, 10..=20)))
}

fn is_digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit())
}
