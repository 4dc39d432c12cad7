//! Metrics for Prometheus: counts and times that ROMS collects while it works. They are off by default.
//!
//! `METRICS` lists every metric. A label has one of a few values, or names a route or a configured channel; no label
//! holds data of users. While metrics are off, each call returns after one comparison.

pub(crate) mod process;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use tokio::time::sleep;

use crate::card::outcome::Outcome;
use crate::order::Source;

/// Histograms keep every value until this task condenses them.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Seconds that the work on a message or request takes.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Seconds between a message and its commit: a moment, or days if the history supplied it.
const LAG_SECONDS: &[f64] = &[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0,
];
const BATCH_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// A metric.
#[derive(Debug)]
pub(crate) struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
}

#[derive(Debug)]
enum Kind {
    Counter,
    Gauge,
    /// With the upper limits of its buckets.
    Histogram(&'static [f64]),
}

macro_rules! metrics {
    ($($constant:ident, $kind:expr, $name:literal, $help:literal;)+) => {
        $(pub(crate) const $constant: Metric = Metric { name: $name, kind: $kind, help: $help };)+
        /// All metrics.
        const METRICS: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    BUILD_INFO, Kind::Gauge, "roms_build_info", "Always 1; the label is the version of ROMS";
    MESSAGES, Kind::Counter, "roms_messages_received_total", "Messages that left a row in the webhook log";
    LAG, Kind::Histogram(LAG_SECONDS), "roms_ingest_lag_seconds", "Time from a message to its commit";
    COMMITS, Kind::Histogram(SECONDS), "roms_commit_duration_seconds", "Time that a committed batch took";
    COMMIT_FAILURES, Kind::Counter, "roms_commit_failures_total", "Batches that were not committed";
    BATCHES, Kind::Histogram(BATCH_SIZES), "roms_batch_messages", "Messages and edits per committed batch";
    QUEUE, Kind::Gauge, "roms_queue_messages", "Messages and edits that wait to be written";
    QUEUE_LIMIT, Kind::Gauge, "roms_queue_limit_messages", "Messages and edits that may wait";
    WRITABLE, Kind::Gauge, "roms_database_writable", "1 if the database accepts messages, else 0";
    CONNECTIONS, Kind::Gauge, "roms_database_connections", "Connections to the database, used and idle";
    CONNECTION_LIMIT, Kind::Gauge, "roms_database_connections_limit", "Connections that a pool may open";
    LEADER, Kind::Gauge, "roms_leader", "1 if this process watches Discord, else 0";
    GATEWAY_CONNECTED, Kind::Gauge, "roms_gateway_connected", "1 if there is a gateway session, else 0";
    GATEWAY_SESSIONS, Kind::Counter, "roms_gateway_sessions_total", "Times that the gateway was connected";
    GATEWAY_EVENT, Kind::Gauge, "roms_gateway_last_event_timestamp_seconds", "Time of the last gateway event";
    GATEWAY_LATENCY, Kind::Gauge, "roms_gateway_latency_seconds", "Time between a heartbeat and its answer";
    CHANNEL_MESSAGE, Kind::Gauge, "roms_channel_last_message_timestamp_seconds", "Time of the newest message up to which a channel is stored";
    CHANNEL_CHECKED, Kind::Gauge, "roms_channel_checked_timestamp_seconds", "Time when a channel's history was last read to its end";
    CHANNEL_READABLE, Kind::Gauge, "roms_channel_readable", "1 if a channel and its threads can be read, else 0";
    BACKFILL, Kind::Counter, "roms_backfill_messages_total", "Messages that were stored from the history";
    OUTBOX_DUE, Kind::Gauge, "roms_outbox_due_deliveries", "Deliveries to webhooks that wait or are being sent";
    OUTBOX_DEAD, Kind::Gauge, "roms_outbox_dead_deliveries", "Deliveries to webhooks that are not tried any more";
    REQUESTS, Kind::Counter, "roms_http_requests_total", "HTTP requests";
    REQUEST_TIMES, Kind::Histogram(SECONDS), "roms_http_request_duration_seconds", "Time until the head of an HTTP answer";
    LIVE_CLIENTS, Kind::Gauge, "roms_live_clients", "Clients that listen to live updates";
    CPU, Kind::Counter, "process_cpu_seconds_total", "Processor time of the process, in whole seconds";
    RESIDENT, Kind::Gauge, "process_resident_memory_bytes", "Memory of the process that is in RAM";
    THREADS, Kind::Gauge, "process_threads", "Threads of the process";
    FILES, Kind::Gauge, "process_open_fds", "Open files and sockets of the process";
    FILE_LIMIT, Kind::Gauge, "process_max_fds", "Files and sockets that the process may open";
    STARTED, Kind::Gauge, "process_start_time_seconds", "Time when the process started";
}

/// The labels of a value: names and values.
type Labels<'a> = &'a [(&'static str, &'a str)];

/// The metrics of a running ROMS; clones share them. By default they are off, and every call does nothing.
#[derive(Clone, Default)]
pub struct Metrics(Option<Arc<Recording>>);

struct Recording {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metrics({})", if self.is_on() { "on" } else { "off" })
    }
}

impl Metrics {
    /// Metrics that are collected.
    ///
    /// # Errors
    /// Never in practice: every histogram in the table has buckets.
    pub fn on() -> Result<Self, BuildError> {
        let mut builder = PrometheusBuilder::new();
        for metric in METRICS {
            if let Kind::Histogram(buckets) = metric.kind {
                builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)?;
            }
        }
        let recorder = builder.build_recorder();
        for Metric { name, kind, help } in METRICS {
            match kind {
                Kind::Counter => recorder.describe_counter((*name).into(), None, (*help).into()),
                Kind::Gauge => recorder.describe_gauge((*name).into(), None, (*help).into()),
                Kind::Histogram(_) => recorder.describe_histogram((*name).into(), None, (*help).into()),
            }
        }
        let handle = recorder.handle();
        let metrics = Self(Some(Arc::new(Recording { recorder, handle })));
        // A counter that appears with its first event hides that event from Prometheus' `rate`.
        metrics.add(&COMMIT_FAILURES, &[], 0);
        for source in Source::ALL {
            for outcome in Outcome::NAMES {
                metrics.add(&MESSAGES, &[("source", source.as_str()), ("outcome", outcome)], 0);
            }
        }
        Ok(metrics)
    }

    /// Whether metrics are collected.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Adds to a counter.
    pub(crate) fn add(&self, metric: &Metric, labels: Labels<'_>, count: u64) {
        if let Some(recording) = &self.0 {
            recording.recorder.register_counter(&key(metric, labels), &METADATA).increment(count);
        }
    }

    /// Sets a counter to a total that is counted elsewhere. It never decreases.
    pub(crate) fn set_total(&self, metric: &Metric, total: u64) {
        if let Some(recording) = &self.0 {
            recording.recorder.register_counter(&key(metric, &[]), &METADATA).absolute(total);
        }
    }

    /// Sets a gauge.
    pub(crate) fn set(&self, metric: &Metric, labels: Labels<'_>, value: f64) {
        if let Some(recording) = &self.0 {
            recording.recorder.register_gauge(&key(metric, labels), &METADATA).set(value);
        }
    }

    /// Adds a value to a histogram.
    pub(crate) fn observe(&self, metric: &Metric, labels: Labels<'_>, value: f64) {
        if let Some(recording) = &self.0 {
            recording.recorder.register_histogram(&key(metric, labels), &METADATA).record(value);
        }
    }

    /// All values in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.0.as_ref().map(|recording| recording.handle.render()).unwrap_or_default()
    }

    /// Condenses the histograms again and again. Returns at once if metrics are off.
    pub(crate) async fn keep_small(&self) {
        let Some(recording) = &self.0 else { return };
        loop {
            sleep(UPKEEP_INTERVAL).await;
            recording.handle.run_upkeep();
        }
    }
}

/// The exporter does not use this.
const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

fn key(metric: &Metric, labels: Labels<'_>) -> Key {
    let labels: Vec<Label> =
        labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(metric.name, labels)
}

#[cfg(test)]
mod tests {
    use super::{Kind, METRICS};

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("roms_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), matches!(metric.kind, Kind::Counter), "{name}");
            assert!(!name.contains("milliseconds") && !name.ends_with("_ms"), "base units: {name}");
            assert!(!metric.help.ends_with('.'), "{name}");
        }
    }
}
