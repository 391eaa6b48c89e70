//! `ledgerbee serve`: migrates, serves, works the queues, and ends well.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::exit;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use app::{App, Channels, Clock, Webhooks};
use billing::keys::Network;
use billing::webhook_urls::Reach;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::channels::ChannelOptions;
use super::{Failed, Place};
use crate::http::metrics::Meter;
use crate::http::{self, Doors, Ending};
use crate::traces::Traces;

#[derive(Args)]
pub(super) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "LEDGERBEE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    #[command(flatten)]
    pub(super) ways: Ways,
}

/// What serving needs beside an address.
#[derive(Args, Clone)]
pub(super) struct Ways {
    /// How to write the log on standard error
    #[arg(long, env = "LEDGERBEE_LOG", value_enum, default_value_t = Log::Json)]
    log: Log,
    /// Proxies whose X-Forwarded-For is believed: addresses or networks
    #[arg(long, env = "LEDGERBEE_TRUST_PROXY", value_delimiter = ',', value_name = "CIDR")]
    trust_proxy: Vec<Network>,
    /// How many clients may be connected; one address may hold half of them, a trusted proxy all
    #[arg(long, env = "LEDGERBEE_MAX_CONNECTIONS", value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(2..))]
    max_connections: u32,
    #[command(flatten)]
    channels: ChannelOptions,
    /// Let webhooks go to any address, and over HTTP: for development only
    #[arg(long, env = "LEDGERBEE_ALLOW_INSECURE_WEBHOOKS")]
    allow_insecure_webhooks: bool,
    /// Trust receivers of webhooks whose certificate this file (PEM) vouches for, beside the world's
    #[arg(long, env = "LEDGERBEE_WEBHOOK_CA_FILE", value_name = "FILE")]
    webhook_ca_file: Option<PathBuf>,
    /// Send traces to this OpenTelemetry collector, over HTTP; default OTEL_EXPORTER_OTLP_ENDPOINT
    #[arg(long, env = "LEDGERBEE_OTLP_ENDPOINT", value_name = "http://HOST:4318")]
    otlp_endpoint: Option<String>,
    /// Answer /metrics on an address of its own, without a key
    #[arg(long, env = "LEDGERBEE_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// Answer /metrics beside the API, without a key
    #[arg(long, env = "LEDGERBEE_METRICS")]
    metrics: bool,
    /// Told to stop, how many seconds /readyz says so before new connections are refused
    #[arg(long, env = "LEDGERBEE_DRAIN_NOTICE", value_name = "SECONDS", default_value_t = 0)]
    drain_notice: u32,
    /// Told to stop, how many seconds requests and jobs may then take to end
    #[arg(long, env = "LEDGERBEE_DRAIN_SECONDS", value_name = "SECONDS", default_value_t = 20)]
    drain_seconds: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    /// One JSON line each
    Json,
    /// For people
    Text,
    /// None
    Off,
}

impl Ways {
    /// How documents leave.
    pub(super) fn channels(&self, place: &Place) -> Result<Channels, Failed> {
        self.channels.open(&place.data)
    }

    /// How webhooks leave.
    pub(super) fn webhooks(&self, place: &Place) -> Result<Webhooks, Failed> {
        let reach = if self.allow_insecure_webhooks { Reach::Anywhere } else { Reach::Public };
        let read = |file: &PathBuf| fs::read(file).map_err(|fault| Failed(format!("{}: {fault}", file.display())));
        let authorities = self.webhook_ca_file.as_ref().map(read).transpose()?;
        Ok(Webhooks { key_file: place.key_file(), reach, authorities })
    }

    /// Begins to measure, if anybody may ask. Before the house is opened: what is opened earlier is not measured.
    pub(super) fn start_meter(&self) -> Result<Option<Meter>, Failed> {
        let is_asked = self.metrics || self.metrics_listen.is_some();
        is_asked.then(|| Meter::start(Clock::Real.now())).transpose().map_err(Failed::of)
    }

    fn ending(&self) -> Ending {
        let seconds = |count: u32| Duration::from_secs(count.into());
        Ending { notice: seconds(self.drain_notice), within: seconds(self.drain_seconds) }
    }

    /// Begins to log, and to trace where a collector is named.
    pub(super) fn start_log(&self) -> Result<Option<Traces>, Failed> {
        let endpoint = self.otlp_endpoint.clone().or_else(|| env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok());
        let traces = endpoint.map(|endpoint| Traces::start(&endpoint)).transpose().map_err(Failed)?;
        if traces.is_none() && matches!(self.log, Log::Off) {
            return Ok(None);
        }
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let lines = match self.log {
            Log::Off => None,
            Log::Text => Some(lines.boxed()),
            Log::Json => {
                let json = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
                Some(json.with_target(false).boxed())
            }
        };
        let registry = tracing_subscriber::registry();
        match &traces {
            // Each with a filter of its own: the log never sees the spans, the collector never the log.
            Some(traces) => registry.with(lines.with_filter(filter)).with(traces.layer()).init(),
            None => registry.with(lines).with(filter).init(),
        }
        Ok(traces)
    }
}

impl Serve {
    pub(super) fn run(self, place: &Place) -> Result<(), Failed> {
        let traces = self.ways.start_log()?;
        let meter = self.ways.start_meter()?;
        let app = place.open(self.ways.channels(place)?, self.ways.webhooks(place)?)?;
        // Before the port: who starts a second server wants to read about the folder.
        let only_one = app.hold_serve_lock()?;
        let runtime = runtime()?;
        let listener = runtime.block_on(listen(self.listen))?;
        serve(&runtime, listener, app, &self.ways, meter, |address| {
            println!("listening on http://{address}");
        })?;
        if let Some(traces) = traces {
            traces.end();
        }
        // What did not end in time is not waited for.
        runtime.shutdown_background();
        drop(only_one);
        Ok(())
    }
}

pub(super) fn runtime() -> Result<Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Failed> {
    TcpListener::bind(address).await.map_err(|fault| Failed(format!("{address}: {fault}")))
}

/// Serves until SIGTERM or SIGINT; then what runs is finished, unless a second one comes. `ready`
/// is called once it answers.
pub(super) fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    app: Arc<App>,
    ways: &Ways,
    meter: Option<Meter>,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Failed> {
    let workers = app.start_workers();
    let address = listener.local_addr()?;
    let ending = ways.ending();
    let most_connections = http::make_room(ways.max_connections as usize);
    let told_at = Cell::new(Instant::now());
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut told = async move || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let stop = async {
            told().await;
            tracing::info!("stopping: what runs is finished");
            told_at.set(Instant::now());
            workers.begin_no_more();
            tokio::spawn(async move {
                told().await;
                tracing::warn!("stopped at once: what ran is not finished");
                exit(1);
            });
        };
        if let Some(meter) = &meter {
            meter.keep_up();
        }
        if let (Some(meter), Some(address)) = (&meter, ways.metrics_listen) {
            let listener = listen(address).await?;
            println!("metrics on http://{}/metrics", listener.local_addr()?);
            meter.serve(listener, app.clone());
        }
        ready(address);
        io::stdout().flush()?;
        let doors = Doors {
            proxies: ways.trust_proxy.clone(),
            most_connections,
            ending,
            meter: meter.filter(|_| ways.metrics),
        };
        http::serve(listener, app, doors, stop).await;
        Ok::<(), Failed>(())
    })?;
    let left = (ending.notice + ending.within).saturating_sub(told_at.get().elapsed());
    if !workers.end_within(left) {
        tracing::warn!("the job at hand did not end in time, it is taken up again");
    }
    tracing::info!("stopped");
    Ok(())
}
