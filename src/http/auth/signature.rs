//! Checks the signatures of posted messages.
//!
//! | headers | what is signed |
//! |---|---|
//! | `X-Webhook-Signature`: HMAC-SHA256 in hexadecimal digits | the body |
//! | `webhook-id`, `webhook-timestamp`, `webhook-signature`: [Standard Webhooks](https://www.standardwebhooks.com) | id, time and body |
//!
//! Only Standard Webhooks protect against a request that somebody records and sends again.

use axum::http::HeaderMap;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::http::error::ApiError;
use crate::token::SigningSecret;

/// How far the time of a request may differ from that of this machine.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);
const HEX_SIGNATURE: &str = "x-webhook-signature";
const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURES: &str = "webhook-signature";

/// Checks every signature of a request. `is_required` says whether it must have one.
pub(crate) fn check(
    secret: &SigningSecret,
    is_required: bool,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let has_hex = headers.contains_key(HEX_SIGNATURE);
    let is_standard = [ID, TIMESTAMP, SIGNATURES].iter().any(|name| headers.contains_key(*name));
    if !has_hex && !is_standard && is_required {
        return Err(ApiError::BadSignature("The request has no signature."));
    }
    if has_hex && !is_signed_in_hex(secret, headers, body) {
        return Err(ApiError::BadSignature("X-Webhook-Signature does not match the body."));
    }
    if is_standard { check_standard(secret, headers, body, now) } else { Ok(()) }
}

fn is_signed_in_hex(secret: &SigningSecret, headers: &HeaderMap, body: &[u8]) -> bool {
    let value = text(headers, HEX_SIGNATURE).unwrap_or_default();
    let digits = value.strip_prefix("sha256=").unwrap_or(value);
    hex::decode(digits).is_ok_and(|signature| is_mac(secret.expose().as_bytes(), &[body], &signature))
}

fn check_standard(
    secret: &SigningSecret,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let (Some(id), Some(timestamp), Some(signatures)) =
        (text(headers, ID), text(headers, TIMESTAMP), text(headers, SIGNATURES))
    else {
        return Err(ApiError::BadSignature(
            "A signed request has webhook-id, webhook-timestamp and webhook-signature.",
        ));
    };
    let sent_at = timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    if sent_at.is_none_or(|sent_at| (now - sent_at).abs() > TOLERANCE) {
        return Err(ApiError::BadSignature("webhook-timestamp is more than five minutes from now."));
    }
    let (key, head) = (secret.standard_key(), format!("{id}.{timestamp}."));
    let is_match = |signature: &str| {
        let encoded = signature.strip_prefix("v1,").unwrap_or_default();
        let decoded = BASE64_STANDARD.decode(encoded).unwrap_or_default();
        is_mac(&key, &[head.as_bytes(), body], &decoded)
    };
    // A sender that changes its secret signs with the old and the new one.
    if signatures.split(' ').any(is_match) {
        Ok(())
    } else {
        Err(ApiError::BadSignature("webhook-signature does not match the request."))
    }
}

/// Compares in a time that does not depend on where the signatures differ.
fn is_mac(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

/// The text of a header that is given once.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    values.next().is_none().then_some(value)
}
