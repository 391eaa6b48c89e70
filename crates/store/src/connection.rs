//! A connection to PostgreSQL: to the host of a cluster that takes writes, and given up in time
//! when its other end stands still.

use std::cell::Cell as Flag;
use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::db::Error;

/// How long one host may take to let us in, unless the address says so, before the next is asked.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// When a connection whose other end has gone without a word is known to be lost.
const SILENT_WITHIN: Duration = Duration::from_secs(10);

/// Which host of a cluster let us in last. It is asked first, for a machine that is off costs its
/// whole time; where this is wrong, the others are asked all the same.
static LET_US_IN: AtomicUsize = AtomicUsize::new(0);

/// How many rows an import inserted into a table, and how many of them it was last analysed with.
#[derive(Default)]
pub(crate) struct Grown {
    pub(crate) rows: usize,
    pub(crate) analysed: usize,
}

/// A connection and what was prepared on it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) prepared: HashMap<String, Arc<Prepared>>,
    /// The tables that an import filled through it.
    pub(crate) grown: BTreeMap<String, Grown>,
    is_lost: Flag<bool>,
}

/// A statement that the server knows.
pub(crate) struct Prepared {
    pub(crate) statement: Statement,
    /// Where it inserts a row of values and does nothing besides: the statement that inserts many.
    pub(crate) of_many: Option<String>,
}

impl Connection {
    /// Whether nothing more can be done on it.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.get() || self.client.is_closed()
    }

    /// Waits for an answer. A connection that has none in time is lost: nobody knows what it is at.
    pub(crate) fn answer<T>(
        &self,
        runtime: &Runtime,
        within: Duration,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        if self.is_lost.get() {
            return Err(Error::Busy("the connection to PostgreSQL was given up".to_owned()));
        }
        let answer = runtime.block_on(async { timeout(within, asked).await });
        if answer.as_ref().map_or(true, |answer| answer.as_ref().is_err_and(ends_connection)) {
            self.is_lost.set(true);
        }
        match answer {
            Ok(answer) => answer.map_err(|fault| error(&fault)),
            Err(_) => Err(Error::Busy(format!("PostgreSQL did not answer within {} s", within.as_secs()))),
        }
    }
}

/// How to reach the server that `url` names, or the servers of a cluster.
pub(crate) fn config(url: &str) -> Result<Config, Error> {
    let mut config: Config = url.parse().map_err(|fault| error(&fault))?;
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENT_WITHIN);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(SILENT_WITHIN / 2).keepalives_interval(SILENT_WITHIN / 4).keepalives_retries(2);
    }
    Ok(config)
}

/// The same, and only a server that takes writes: a standby lags behind, and what was written
/// would not be there to read.
pub(crate) fn writable(url: &str) -> Result<Config, Error> {
    let mut config = config(url)?;
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(config)
}

/// Connects to the first host that will have us. Each has its own time: one that stands still
/// takes the connection and says nothing.
pub(crate) async fn connect(config: &Config) -> Result<Connection, Error> {
    let within = config.get_connect_timeout().copied().unwrap_or(CONNECT_WITHIN);
    let mut refusals = Vec::new();
    let count = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
    let first = LET_US_IN.load(Ordering::Relaxed);
    for at in (0..count).map(|turn| (first + turn) % count) {
        let config = of_host(config, at);
        let why = match timeout(within, config.connect(NoTls)).await {
            Ok(Ok((client, connection))) => {
                tokio::spawn(async move {
                    // When it ends, the client says so to whoever uses it next.
                    let _ = connection.await;
                });
                LET_US_IN.store(at, Ordering::Relaxed);
                return Ok(Connection {
                    client,
                    prepared: HashMap::new(),
                    grown: BTreeMap::new(),
                    is_lost: Flag::new(false),
                });
            }
            Ok(Err(fault)) => match error(&fault) {
                Error::Busy(why) => why,
                other => return Err(other),
            },
            Err(_) => format!("no answer within {} s", within.as_secs()),
        };
        refusals.push(format!("PostgreSQL at {}: {why}", place(&config)));
    }
    Err(Error::Busy(refusals.join("; ")))
}

/// The same with one of its hosts only.
fn of_host(all: &Config, at: usize) -> Config {
    let mut one = Config::new();
    one.connect_timeout(all.get_connect_timeout().copied().unwrap_or(CONNECT_WITHIN))
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .target_session_attrs(all.get_target_session_attrs());
    all.get_user().map(|user| one.user(user));
    all.get_password().map(|password| one.password(password));
    all.get_dbname().map(|name| one.dbname(name));
    all.get_options().map(|options| one.options(options));
    all.get_application_name().map(|name| one.application_name(name));
    all.get_tcp_user_timeout().map(|time| one.tcp_user_timeout(*time));
    all.get_keepalives_interval().map(|time| one.keepalives_interval(time));
    all.get_keepalives_retries().map(|count| one.keepalives_retries(count));
    match all.get_hosts().get(at) {
        Some(Host::Tcp(name)) => _ = one.host(name),
        Some(Host::Unix(path)) => _ = one.host_path(path),
        None => {}
    }
    all.get_hostaddrs().get(at).map(|address| one.hostaddr(*address));
    all.get_ports().get(at).or(all.get_ports().first()).map(|port| one.port(*port));
    one
}

/// Where a server is, for people; never who connects nor with what password.
fn place(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match (config.get_hosts().first(), config.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => format!("{name}:{port}"),
        (Some(Host::Unix(path)), _) => format!("{}:{port}", path.display()),
        (None, Some(address)) => format!("{address}:{port}"),
        (None, None) => "no host".to_owned(),
    }
}

/// What PostgreSQL says, in the words of the shelves.
pub(crate) fn error(error: &tokio_postgres::Error) -> Error {
    let text = match error.as_db_error() {
        Some(fault) => fault.to_string(),
        None => error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
    };
    let Some(code) = error.code() else {
        // No code of the server's: the connection is gone or can't be had.
        return Error::Busy(text);
    };
    let class = &code.code()[..2];
    match class {
        "23" => Error::Conflict(text),
        // Connection, resources, operator intervention, system error, rollback (deadlock, serialization).
        "08" | "40" | "53" | "57" | "58" => Error::Busy(text),
        "25" if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Error::Busy(text),
        "55" if *code == SqlState::LOCK_NOT_AVAILABLE => Error::Busy(text),
        _ => Error::Broken(text),
    }
}

/// Whether what PostgreSQL says means that nothing more can be done on this connection: it broke,
/// the server ends, or the server is another's standby by now.
fn ends_connection(fault: &tokio_postgres::Error) -> bool {
    fault
        .code()
        .is_none_or(|code| matches!(&code.code()[..2], "08" | "57") || *code == SqlState::READ_ONLY_SQL_TRANSACTION)
}
