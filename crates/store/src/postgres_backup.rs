//! A copy of the books in PostgreSQL, made and put back by PostgreSQL's own tools: what they
//! do well is not done again here. A password reaches them by the environment, never by an
//! argument that others on the machine can read.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::backup::land;
use crate::db::Error;
use crate::postgres;

/// Copies the books, as they are at one moment, into a new file.
///
/// # Errors
/// `Broken` with what `pg_dump` says, or with how to run it where it is installed.
pub fn take(url: &str, to: &Path) -> Result<(), Error> {
    let server = Server::of(url)?;
    land(to, |partial| {
        server.run("pg_dump", &["--format=custom", "--no-owner", "--no-privileges", "--file"], partial)?;
        check(&server, partial)
    })
}

/// Puts a copy back into a database without books, all of it or nothing.
///
/// # Errors
/// `Broken` when the database has books, when the file is no copy of books, or with what `pg_restore` says.
pub fn put_back(from: &Path, url: &str) -> Result<(), Error> {
    let server = Server::of(url)?.for_writing();
    check(&server, from)?;
    if postgres::has_books(url)? {
        return Err(Error::Broken(format!("the database {} has books already", server.name)));
    }
    let arguments =
        ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname", &server.name];
    server.run("pg_restore", &arguments, from).map(drop)
}

/// Whether a file is a copy of books.
fn check(server: &Server, file: &Path) -> Result<(), Error> {
    let listed = server.run("pg_restore", &["--list"], file)?;
    if listed.lines().any(|line| line.contains(" TABLE DATA ") && line.contains(" migrations ")) {
        return Ok(());
    }
    Err(Error::Broken(format!("{}: these are no books of ledgerbee", file.display())))
}

/// A database as PostgreSQL's tools are told of it.
struct Server {
    name: String,
    told: Vec<(&'static str, String)>,
    /// For people: without the password.
    url: String,
}

impl Server {
    fn of(url: &str) -> Result<Server, Error> {
        let config: Config = url.parse().map_err(|fault| Error::Broken(format!("the database's address: {fault}")))?;
        let user = config.get_user().unwrap_or("postgres").to_owned();
        let name = config.get_dbname().unwrap_or(&user).to_owned();
        let (hosts, ports) = hosts_and_ports(&config);
        let hosts_with_ports: Vec<String> =
            hosts.iter().zip(&ports).map(|(host, port)| format!("{host}:{port}")).collect();
        let shown = format!("postgres://{user}@{}/{name}", hosts_with_ports.join(","));
        let mut told = vec![
            ("PGHOST", hosts.join(",")),
            ("PGPORT", ports.join(",")),
            ("PGUSER", user),
            ("PGDATABASE", name.clone()),
        ];
        if let Some(password) = config.get_password() {
            told.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
        }
        Ok(Server { name, told, url: shown })
    }

    /// Runs a tool on a file; what it writes on its standard output.
    fn run(&self, tool: &str, arguments: &[&str], file: &Path) -> Result<String, Error> {
        let told = self.told.iter().map(|(name, value)| (name, value));
        let output = Command::new(tool).args(arguments).arg(file).envs(told).output();
        let output = output.map_err(|fault| match fault.kind() {
            ErrorKind::NotFound => Error::Broken(format!(
                "{tool} is not installed here (Debian: postgresql-client); where it is, run: {}",
                self.by_hand(tool)
            )),
            _ => Error::Broken(format!("{tool}: {fault}")),
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Broken(if said.contains(tool) { said } else { format!("{tool}: {said}") }))
    }

    /// What a tool is told so that it finds the server that takes writes, of several.
    fn for_writing(mut self) -> Server {
        self.told.push(("PGTARGETSESSIONATTRS", "read-write".to_owned()));
        self
    }

    fn by_hand(&self, tool: &str) -> String {
        let url = &self.url;
        if tool == "pg_dump" {
            format!("pg_dump --format=custom --no-owner --no-privileges --file=FILE '{url}'")
        } else {
            format!("pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname='{url}' FILE")
        }
    }
}

/// Each host of an address and its port.
fn hosts_and_ports(config: &Config) -> (Vec<String>, Vec<String>) {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let ports = config.get_ports();
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    hosts.enumerate().map(|(at, host)| (host, port(at).to_string())).unzip()
}
