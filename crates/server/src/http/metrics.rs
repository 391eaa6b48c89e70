//! `/metrics`: what the server does, counted, in Prometheus' text. Without a key, and so only
//! where the operator asks for it; no label names a company or anything of one.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::Router;
use axum::body::Body;
use axum::http::{Response, header};
use axum::routing::get;
use jiff::Timestamp;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

/// From half a millisecond, a read, to ten seconds, a mail.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// How often what was measured is folded together.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// How long the books may take to say what waits.
const WITHIN: Duration = Duration::from_secs(2);
/// How often Linux counts a second of CPU, on every machine.
const TICKS: f64 = 100.0;

/// What is measured, and since when.
#[derive(Clone)]
pub struct Meter {
    handle: PrometheusHandle,
    since: Timestamp,
}

impl Meter {
    /// Begins to measure; once in a process.
    ///
    /// # Errors
    /// When something measures already.
    pub fn start(now: Timestamp) -> Result<Meter, BuildError> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)?;
        let handle = builder.install_recorder()?;
        describe();
        Ok(Meter { handle, since: now })
    }

    /// Folds together what was measured while nobody asks, so that it does not pile up.
    pub fn keep_up(&self) {
        let handle = self.handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(FOLD_EVERY).await;
                handle.run_upkeep();
            }
        });
    }

    /// Answers on an address of its own, as long as the process lives.
    pub fn serve(&self, listener: TcpListener, app: Arc<App>) {
        let router = add(Router::new(), app, self.clone());
        tokio::spawn(async move {
            if let Err(fault) = axum::serve(listener, router).await {
                tracing::error!(%fault, "metrics are no longer served");
            }
        });
    }

    async fn text(&self, app: &App) -> String {
        let now = app.now();
        if let Ok(Ok(waiting)) = tokio::time::timeout(WITHIN, app.waiting_jobs()).await {
            // A kind of which none is left must not stay as it was.
            for kind in app::JOB_KINDS {
                let found = waiting.iter().find(|waiting| waiting.kind == kind);
                let (all, due) = found.map_or((0, 0), |waiting| (waiting.all, waiting.due));
                let age = found.map_or(0, |waiting| now.duration_since(waiting.first_due_at).as_secs().max(0));
                gauge!("ledgerbee_jobs", "kind" => kind).set(all as f64);
                gauge!("ledgerbee_jobs_due", "kind" => kind).set(due as f64);
                gauge!("ledgerbee_jobs_oldest_due_seconds", "kind" => kind).set(age as f64);
            }
        }
        let mut text = self.handle.render();
        process(self.since, &mut text);
        text
    }
}

/// Adds `/metrics`.
pub(super) fn add(router: Router, app: Arc<App>, meter: Meter) -> Router {
    let answer = move || {
        let (app, meter) = (app.clone(), meter.clone());
        async move {
            let response = Response::builder()
                .header(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
                .header(header::CACHE_CONTROL, "no-store")
                .body(Body::from(meter.text(&app).await));
            response.unwrap_or_default()
        }
    };
    router.route("/metrics", get(answer))
}

fn describe() {
    describe_counter!("ledgerbee_requests_total", "Requests answered, by route, method and status.");
    describe_histogram!("ledgerbee_request_duration_seconds", Unit::Seconds, "From a request's head to its answer.");
    describe_gauge!("ledgerbee_requests_in_flight", "Requests being answered.");
    describe_gauge!("ledgerbee_connections_open", "Connections of clients.");
    describe_gauge!("ledgerbee_lane_waiting", "Requests waiting for a lane; read is the readers' queue.");
    describe_histogram!("ledgerbee_group_size", "Requests that shared a commit.");
    describe_histogram!("ledgerbee_commit_duration_seconds", Unit::Seconds, "The commit of a group.");
    describe_gauge!("ledgerbee_jobs", "Jobs in the outbox, by kind.");
    describe_gauge!("ledgerbee_jobs_due", "Jobs that are due and not taken, by kind.");
    describe_gauge!("ledgerbee_jobs_oldest_due_seconds", "For how long the oldest of them has been due.");
    describe_histogram!("ledgerbee_job_duration_seconds", Unit::Seconds, "A job, by kind and outcome: done, put off.");
    describe_counter!("ledgerbee_deliveries_total", "Tries to deliver, by outcome: delivered, retried, failed.");
    describe_counter!("ledgerbee_webhooks_total", "Tries to send webhooks, by outcome: delivered, failed.");
    describe_histogram!("ledgerbee_print_duration_seconds", Unit::Seconds, "The printing of one PDF.");
}

/// A request being answered, counted as long as this lives: a client that goes away ends it too.
pub(super) struct InFlight;

impl InFlight {
    pub(super) fn begin() -> InFlight {
        gauge!("ledgerbee_requests_in_flight").increment(1);
        InFlight
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("ledgerbee_requests_in_flight").decrement(1);
    }
}

/// A connection, counted as long as this lives.
pub(super) struct OpenConnection;

impl OpenConnection {
    pub(super) fn begin() -> OpenConnection {
        gauge!("ledgerbee_connections_open").increment(1);
        OpenConnection
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!("ledgerbee_connections_open").decrement(1);
    }
}

/// Counts an answer.
pub(super) fn answered(route: &'static str, method: &str, status: u16, took: Duration) {
    // A client may name any method it likes: only known ones become labels.
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
    let method = known.into_iter().find(|known| *known == method).unwrap_or("other");
    let status = status.to_string();
    counter!("ledgerbee_requests_total", "route" => route, "method" => method, "status" => status).increment(1);
    histogram!("ledgerbee_request_duration_seconds", "route" => route, "method" => method).record(took);
}

/// What Linux knows of this process, under the names that all of Prometheus' clients use.
fn process(since: Timestamp, text: &mut String) {
    let read = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let status = read("status");
    let kibibytes = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let limits = read("limits");
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = most.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    // After the name in brackets, which may hold anything: user and system time are the 12th and 13th.
    let stat = read("stat");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let cpu = ticks(11).zip(ticks(12)).map(|(user, system)| (user + system) / TICKS);
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as f64);
    let figures = [
        ("process_resident_memory_bytes", "gauge", "Memory in use.", kibibytes("VmRSS:").map(|size| size * 1024.0)),
        ("process_virtual_memory_bytes", "gauge", "Memory reserved.", kibibytes("VmSize:").map(|size| size * 1024.0)),
        ("process_open_fds", "gauge", "Open files and connections.", open),
        ("process_max_fds", "gauge", "How many there may be.", most),
        ("process_cpu_seconds_total", "counter", "CPU used.", cpu),
        ("process_start_time_seconds", "gauge", "When it was started.", Some(since.as_millisecond() as f64 / 1000.0)),
    ];
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            // Writing into a string does not fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
        }
    }
}
