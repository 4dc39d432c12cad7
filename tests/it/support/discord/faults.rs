//! Recorded requests, and rules that make some of them fail.

use std::time::{Duration, Instant};

use serde_json::Value;

/// The answer to a matching request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// This status, with an error body like Discord's.
    Status(u16),
    /// 429 with `Retry-After`.
    RateLimited(Duration),
    /// 429 without `Retry-After`.
    RateLimitedWithoutDelay,
    /// 403, code 50001 "Missing Access".
    Forbidden,
    /// This status, with one of Discord's error codes.
    Refused(u16, u64),
    /// 200 with a body that is not JSON.
    Garbage,
    /// The correct answer after a delay.
    Late(Duration),
    /// No answer. The connection stays open.
    Hang,
}

/// A request to the double.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET`, `PUT`, …
    pub(crate) method: String,
    /// Path and query, without `/api/v10`. Any other prefix is kept.
    pub(crate) path: String,
    /// The JSON body, or the `payload_json` of a multipart body, or null.
    pub(crate) body: Value,
    pub(crate) at: Instant,
    /// The status of the answer. `None` while there is none.
    pub(crate) status: Option<u16>,
    /// Whether the double has the endpoint.
    pub(crate) known: bool,
}

impl Request {
    /// Whether the method (`*` matches any) and the path match. In a pattern, `*` matches one segment,
    /// and the path may continue after the pattern.
    pub(crate) fn is(&self, method: &str, pattern: &str) -> bool {
        matches(method, pattern, &self.method, &self.path)
    }

    pub(super) fn status_text(&self) -> String {
        self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
    }
}

fn matches(method: &str, pattern: &str, asked: &str, path: &str) -> bool {
    if method != "*" && method != asked {
        return false;
    }
    let path = path.split('?').next().unwrap_or_default();
    let mut segments = path.trim_matches('/').split('/');
    let mut wanted = pattern.trim_matches('/').split('/').filter(|want| !want.is_empty());
    wanted.all(|want| segments.next().is_some_and(|have| want == "*" || want == have))
}

/// When a rule applies.
#[derive(Debug)]
enum When {
    /// For this many requests.
    Times(usize),
    /// When more than `allowed` requests arrived within `window`.
    Over { allowed: usize, window: Duration, seen: Vec<Instant> },
}

/// A fault, and the requests that it applies to.
#[derive(Debug)]
pub(crate) struct Rule {
    method: String,
    pattern: String,
    fault: Fault,
    when: When,
}

impl Rule {
    pub(super) fn times(method: &str, pattern: &str, fault: Fault, times: usize) -> Self {
        Self { method: method.to_owned(), pattern: pattern.to_owned(), fault, when: When::Times(times) }
    }

    pub(super) fn limit(method: &str, pattern: &str, allowed: usize, window: Duration) -> Self {
        let when = When::Over { allowed, window, seen: Vec::new() };
        Self {
            method: method.to_owned(),
            pattern: pattern.to_owned(),
            fault: Fault::RateLimited(window),
            when,
        }
    }

    /// The fault for a request, if the rule applies to it.
    pub(super) fn apply(&mut self, method: &str, path: &str) -> Option<Fault> {
        if !matches(&self.method, &self.pattern, method, path) {
            return None;
        }
        match &mut self.when {
            When::Times(0) => None,
            When::Times(left) => {
                *left -= 1;
                Some(self.fault)
            }
            When::Over { allowed, window, seen } => {
                let now = Instant::now();
                seen.retain(|at| now.duration_since(*at) < *window);
                if seen.len() < *allowed {
                    seen.push(now);
                    return None;
                }
                Some(Fault::RateLimited(window.saturating_sub(now.duration_since(seen[0]))))
            }
        }
    }
}
