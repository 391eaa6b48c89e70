//! A cluster of three PostgreSQL servers that replicate synchronously, minded by Debian's Patroni
//! with one etcd, on ports of the loopback: what is struck down there comes back as another's standby.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::postgres::programs;
use crate::{Minded, free_port, fresh_path, give_away, user_without_rights, wait_for};

/// What becomes of the machine that the primary is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blow {
    /// PostgreSQL and Patroni are killed, as when the power fails.
    Machine,
    /// PostgreSQL alone is killed.
    Postgres,
    /// PostgreSQL and Patroni stand still, hold their connections and know nothing of it.
    StandStill,
}

impl Blow {
    /// All of them.
    pub const ALL: [Blow; 3] = [Blow::Machine, Blow::StandStill, Blow::Postgres];
}

#[derive(Debug)]
struct Node {
    process: Option<Minded>,
    folder: PathBuf,
    port: u16,
    watch_port: u16,
}

/// A running cluster; it and its files end with this value or its process.
#[derive(Debug)]
pub struct Cluster {
    /// Ends first: what stands still can't be told to end.
    still: Option<Minded>,
    nodes: Vec<Node>,
    _etcd: Minded,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in self.nodes.iter().filter(|_| std::thread::panicking()) {
            let log = fs::read_to_string(node.folder.join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("{}:\n{}", node.folder.display(), lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// A folder of whom PostgreSQL runs as.
fn folder(what: &str) -> PathBuf {
    let folder = fresh_path(what);
    give_away(&folder);
    folder
}

/// Runs a program that writes what it says to a file in its folder.
fn run(folder: &Path, program: &str, arguments: &[&str], signal: &str) -> Minded {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"log=$1; shift; exec "$@" 2>>"$log""#, "sh"]).arg(folder.join("log"));
    shell.arg(program).args(arguments);
    Minded::start(&shell, signal, Some(folder), user_without_rights())
}

impl Node {
    fn run(&mut self) {
        let settings = self.folder.join("patroni.json").display().to_string();
        // Told to end it ends its PostgreSQL first.
        self.process = Some(run(&self.folder, "patroni", &[&settings], "TERM"));
    }

    fn settings(&self, name: &str, etcd: u16) -> Value {
        let address = |port: u16| format!("127.0.0.1:{port}");
        json!({
            "scope": "ledgerbee",
            "name": name,
            // The old protocol: by the new one Patroni 3.0.2 writes its name over the lock of
            // whoever was promoted meanwhile (its pull request 2689).
            "etcd": { "host": address(etcd) },
            "restapi": { "listen": address(self.watch_port), "connect_address": address(self.watch_port) },
            "bootstrap": {
                "dcs": {
                    "ttl": 20, "loop_wait": 2, "retry_timeout": 5,
                    // A dead primary is replaced, not waited for.
                    "primary_start_timeout": 0,
                    // Never with the primary's word alone: what is answered is on two machines.
                    "synchronous_mode": true, "synchronous_mode_strict": true,
                    "postgresql": { "use_pg_rewind": true },
                },
                "initdb": [{ "encoding": "UTF8" }, { "locale": "C" }, { "auth": "trust" }],
            },
            "postgresql": {
                "listen": address(self.port),
                "connect_address": address(self.port),
                "bin_dir": programs(),
                "data_dir": self.folder.join("data"),
                "pgpass": self.folder.join("pgpass"),
                "authentication": {
                    "superuser": { "username": "postgres", "password": "postgres" },
                    "replication": { "username": "replicator", "password": "replicator" },
                },
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "parameters": { "unix_socket_directories": "", "shared_buffers": "64MB", "logging_collector": "on" },
            },
            "watchdog": { "mode": "off" },
        })
    }

    /// What Patroni says at a path, when it says so with 200.
    fn says(&self, path: &str) -> Option<Value> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1)));
        let url = format!("http://127.0.0.1:{}{path}", self.watch_port);
        let text = config.build().new_agent().get(url).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The ids of PostgreSQL's processes, its first one first.
    fn postgres(&self) -> Vec<String> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        let Some(first) = file.lines().next().map(str::to_owned) else { return Vec::new() };
        let children = Command::new("pgrep").args(["-P", &first]).output().expect("pgrep (apt-get install procps)");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        std::iter::once(first).chain(children.lines().map(str::to_owned)).collect()
    }
}

fn kill(pids: &[String]) {
    // One that has ended already can't be told anything.
    let _ = Command::new("kill").args(["-s", "KILL"]).args(pids).stderr(Stdio::null()).status();
}

impl Cluster {
    /// Starts three servers, and waits until one leads and another confirms its commits.
    ///
    /// # Panics
    /// When Patroni or etcd is not installed.
    #[must_use]
    pub fn start() -> Cluster {
        let (port, peer) = (free_port(), free_port());
        let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer}"));
        let place = folder("etcd");
        let data = place.join("data").display().to_string();
        let cluster = format!("default={peer}");
        #[rustfmt::skip]
        let arguments = [
            "--enable-v2", "--data-dir", &data, "--listen-client-urls", &client, "--advertise-client-urls", &client,
            "--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer, "--initial-cluster", &cluster,
        ];
        let etcd = run(&place, "etcd", &arguments, "TERM");
        let nodes = (0..3).map(|at| {
            let folder = folder(&format!("node{at}"));
            let mut node = Node { process: None, folder, port: free_port(), watch_port: free_port() };
            let settings = node.settings(&format!("node{at}"), port).to_string();
            fs::write(node.folder.join("patroni.json"), settings).expect("settings are written");
            node.run();
            node
        });
        let cluster = Cluster { still: None, nodes: nodes.collect(), _etcd: etcd };
        cluster.wait_until_whole();
        cluster
    }

    /// The address of its database, whichever server leads.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("postgres://postgres@{}/postgres?target_session_attrs=read-write", hosts.join(","))
    }

    fn primary(&self) -> usize {
        wait_for("a primary", || self.nodes.iter().position(|node| node.says("/primary").is_some()))
    }

    /// Strikes the machine of the primary.
    pub fn strike(&mut self, blow: Blow) {
        let primary = self.primary();
        let node = &mut self.nodes[primary];
        match blow {
            Blow::Postgres => kill(&node.postgres()),
            Blow::Machine => {
                if let Some(process) = node.process.take() {
                    process.signal("KILL");
                    // The minder removes the folder only of a server that is dropped.
                    std::mem::forget(process);
                }
                kill(&node.postgres());
            }
            Blow::StandStill => {
                let patroni = node.process.as_ref().map(|process| process.pid().to_owned());
                let mut pids: Vec<String> = patroni.into_iter().collect();
                pids.extend(node.postgres());
                let mut shell = Command::new("sh");
                shell.args(["-c", STAND_STILL, "sh"]).args(pids);
                let mut still = Minded::start(&shell, "TERM", None, user_without_rights());
                still.wait_for("all stood still", |line| (line == "still").then_some(()));
                self.still = Some(still);
            }
        }
    }

    /// Lets the struck machine go on or start again, and waits until all three are a cluster.
    pub fn mend(&mut self) {
        self.still = None;
        self.nodes.iter_mut().filter(|node| node.process.is_none()).for_each(Node::run);
        self.wait_until_whole();
    }

    /// Waits until one leads, one confirms its commits, and the third follows too.
    fn wait_until_whole(&self) {
        wait_for("a cluster of three", || {
            let members = self.nodes.iter().find_map(|node| node.says("/cluster"))?["members"].clone();
            let mut roles: Vec<String> = Vec::new();
            for member in members.as_array()? {
                matches!(member["state"].as_str()?, "running" | "streaming").then_some(())?;
                roles.push(member["role"].as_str()?.to_owned());
            }
            roles.sort();
            (roles == ["leader", "replica", "sync_standby"]).then_some(())
        });
    }
}

/// Stops processes and goes on with them when it is ended.
const STAND_STILL: &str = r#"
sleep infinity &
trap 'kill -s CONT "$@"; kill $!; exit' TERM
kill -s STOP "$@"
echo still
wait
"#;
