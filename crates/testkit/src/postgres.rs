//! A PostgreSQL server of the test's own, from Debian's package, as an unprivileged user.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Minded, free_port, fresh_path, give_away, user_without_rights};

/// A running PostgreSQL; it and its files end with this value or its process.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Minded>,
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    databases: AtomicU32,
}

/// One PostgreSQL for all tests of a process; it does not sync to disk, for speed.
pub fn shared_postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(|| Postgres::start(&["fsync=off", "synchronous_commit=on"]))
}

impl Postgres {
    /// Starts one with settings as `fsync=off`.
    ///
    /// # Panics
    /// When PostgreSQL is not installed: a failed run, never a silent skip.
    #[must_use]
    pub fn start(settings: &[&str]) -> Postgres {
        let programs = programs();
        let folder = fresh_path("postgres");
        give_away(&folder);
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
        initdb.arg(folder.join("data")).current_dir("/");
        if let Some((user, group)) = user_without_rights() {
            std::os::unix::process::CommandExt::uid(&mut initdb, user);
            std::os::unix::process::CommandExt::gid(&mut initdb, group);
        }
        let made = initdb.output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server =
            Postgres { process: None, programs, folder, port: free_port(), settings, databases: AtomicU32::new(0) };
        server.run(&[]);
        server
    }

    /// Ends it at once, as a crash does.
    pub fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal("QUIT");
            process.wait_for_end();
            // The minder removes the folder only of a server that is dropped.
            std::mem::forget(process);
        }
    }

    /// Starts it again on the same port after [`crash`](Postgres::crash); `env` as `("LD_PRELOAD", …)`.
    pub fn run(&mut self, env: &[(&str, &str)]) {
        let mut command = Command::new(self.programs.join("postgres"));
        command.arg("-D").arg(self.folder.join("data"));
        let port = format!("port={}", self.port);
        let fixed = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", &port];
        for setting in fixed.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        // Its log goes to standard output, where the line that says it is ready is waited for.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"exec "$@" 2>&1"#, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.envs(env.iter().copied());
        let mut process = Minded::start(&shell, "QUIT", Some(&self.folder), user_without_rights());
        process.wait_for("PostgreSQL was ready", |line| {
            line.contains("database system is ready to accept connections").then_some(())
        });
        self.process = Some(process);
    }

    /// The address of an empty database of its own.
    pub fn fresh_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        let mut createdb = Command::new(self.programs.join("createdb"));
        let made = createdb.args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name]).output();
        let made = made.expect("createdb runs");
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://postgres@127.0.0.1:{port}/{name}")
    }
}

/// Where `initdb` and `postgres` are: the newest of Debian's, else those on the path.
pub(crate) fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").exists());
    found.sort();
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").exists());
    found.pop().or_else(on_path).expect("PostgreSQL is missing: apt-get install postgresql")
}
