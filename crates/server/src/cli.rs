//! The command line. Each option is also read from `LEDGERBEE_…`.

mod channels;
mod company;
mod demo;
mod doctor;
mod einvoice;
mod health;
mod key;
mod rates;
mod serve;

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use app::{App, Channels, Clock, Config, Error, KeyFile, Mail, Settings, Webhooks};
use billing::webhook_urls::Reach;
use clap::{Args, Parser, Subcommand};

use crate::press::Typst;

/// A self-hosted server for billing documents.
#[derive(Parser)]
#[command(name = "ledgerbee", version, about, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API, and work the queues
    Serve(serve::Serve),
    /// Make, change and list companies
    #[command(subcommand)]
    Company(company::Company),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(key::Key),
    /// Store exchange rates from a file
    #[command(subcommand)]
    Rates(rates::Rates),
    /// Copy the books into a new file, while a server goes on; of PostgreSQL by its pg_dump
    Backup {
        /// The copy; must not be there yet
        file: PathBuf,
    },
    /// Put a copy back, into a data folder or a PostgreSQL database without books
    Restore {
        /// The copy
        file: PathBuf,
    },
    /// Examine the books, while a server goes on: exits with 0 when sound, 1 when something is wrong,
    /// 2 when they can't be examined
    Doctor(doctor::Doctor),
    /// Check e-invoices, of anyone's
    #[command(subcommand)]
    Einvoice(einvoice::Einvoice),
    /// Ask a running server how it is: exits with 0 when it is well
    Health(health::Health),
    /// Print the API's contract, OpenAPI 3.1 as JSON
    Openapi,
    /// Try it: a company, an invoice and its credit notes in a fresh folder, then serve them
    Demo(demo::Demo),
    /// A press's child; started by the program itself
    #[command(hide = true)]
    Press,
}

/// Where the books are.
#[derive(Args, Clone)]
struct Place {
    /// The folder of the embedded database, of mail and of locks
    #[arg(long, global = true, env = "LEDGERBEE_DATA", value_name = "DIR", default_value = "ledgerbee-data")]
    data: PathBuf,
    /// Use PostgreSQL instead of the embedded database
    #[arg(long, global = true, env = "LEDGERBEE_DATABASE_URL", value_name = "postgres://…", hide_env_values = true)]
    database_url: Option<String>,
    /// Read that address, with its password, from a file
    #[arg(long, global = true, env = "LEDGERBEE_DATABASE_URL_FILE", value_name = "FILE", value_parser = first_line,
          conflicts_with = "database_url")]
    database_url_file: Option<FirstLine>,
    /// How many companies PostgreSQL may write for at once
    #[arg(long, global = true, env = "LEDGERBEE_DATABASE_LANES", value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    database_lanes: u16,
    /// How many connections read from PostgreSQL
    #[arg(long, global = true, env = "LEDGERBEE_DATABASE_READERS", value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    database_readers: u16,
    /// How many requests of one company may share a commit on PostgreSQL; 1 gives each its own
    #[arg(long, global = true, env = "LEDGERBEE_DATABASE_GROUP", value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u16).range(1..=50))]
    database_group: u16,
    /// A folder of fonts that document templates may use beside the built-in Inter
    #[arg(long, global = true, env = "LEDGERBEE_FONTS_FOLDER", value_name = "DIR")]
    fonts_folder: Option<PathBuf>,
    /// The file of the key that webhook secrets are sealed with: 32 random bytes in base64. Default
    /// DATA/secret.key, made when first needed; with PostgreSQL it must be given and be there
    #[arg(long, global = true, env = "LEDGERBEE_SECRET_KEY_FILE", value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
}

/// What a file says, when it has a secret that is not to be seen among arguments or in the environment.
#[derive(Clone)]
struct FirstLine(String);

fn first_line(path: &str) -> Result<FirstLine, String> {
    let text = fs::read_to_string(path).map_err(|fault| fault.to_string())?;
    let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty());
    line.map(|line| FirstLine(line.to_owned())).ok_or_else(|| "its first line is empty".to_owned())
}

impl Place {
    fn config(&self) -> Config {
        let from_file = self.database_url_file.as_ref().map(|line| &line.0);
        match self.database_url.as_ref().or(from_file) {
            Some(url) => Config::Postgres {
                url: url.clone(),
                lanes: usize::from(self.database_lanes),
                readers: usize::from(self.database_readers),
                group: usize::from(self.database_group),
            },
            None => Config::Sqlite { folder: self.data.clone() },
        }
    }

    /// Where the key of secrets is: servers that share their books share it, so nothing makes them one each.
    fn key_file(&self) -> Option<KeyFile> {
        match (&self.secret_key_file, self.config()) {
            (Some(path), Config::Postgres { .. }) => Some(KeyFile::Given(path.clone())),
            (None, Config::Postgres { .. }) => None,
            (Some(path), Config::Sqlite { .. }) => Some(KeyFile::Own(path.clone())),
            (None, Config::Sqlite { folder }) => Some(KeyFile::Own(folder.join("secret.key"))),
        }
    }

    /// Opens the house.
    fn open(&self, channels: Channels, webhooks: Webhooks) -> Result<Arc<App>, Failed> {
        let press = Typst::new(self.fonts_folder.as_deref())
            .map_err(|fault| Failed(format!("the program does not find itself: {fault}")))?;
        let press = Arc::new(press);
        let settings = Settings { database: self.config(), channels, clock: Clock::Real, press, webhooks };
        Ok(App::open(settings)?)
    }

    /// Opens the house for a command that sends nothing.
    fn open_quietly(&self) -> Result<Arc<App>, Failed> {
        let webhooks = Webhooks { key_file: self.key_file(), reach: Reach::Public, authorities: None };
        self.open(Channels { mail: Mail::Folder(self.data.join("mail")), access_point: None }, webhooks)
    }
}

/// Why a command ended with 1: one line for people.
struct Failed(String);

impl Failed {
    fn of(fault: impl Display) -> Failed {
        Failed(fault.to_string())
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        match error {
            Error::Invalid(faults) => {
                let lines: Vec<String> = faults.0.into_iter().map(|fault| fault.message).collect();
                Failed(lines.join("\nerror: "))
            }
            Error::Refused(refusal) => Failed(format!("{} ({})", refusal.message, refusal.code)),
            Error::Busy(cause) | Error::Broken(cause) => Failed(cause),
            other => Failed(other.to_string()),
        }
    }
}

impl From<std::io::Error> for Failed {
    fn from(fault: std::io::Error) -> Failed {
        Failed(fault.to_string())
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let Cli { place, command } = Cli::parse();
    let done = match command {
        Command::Serve(serve) => serve.run(&place),
        Command::Company(company) => company.run(&place),
        Command::Key(key) => key.run(&place),
        Command::Rates(rates) => rates.run(&place),
        Command::Demo(demo) => demo.run(place),
        Command::Backup { file } => app::backup::take(&place.config(), &file)
            .map(|()| println!("the books are in {}", file.display()))
            .map_err(Failed::from),
        Command::Restore { file } => app::backup::put_back(&place.config(), &file)
            .map(|()| match place.config() {
                Config::Postgres { .. } => println!("the books are in the database; serve them"),
                Config::Sqlite { folder } => println!("the books are in {}; serve them", folder.display()),
            })
            .map_err(Failed::from),
        Command::Health(health) => health.run(),
        Command::Openapi => {
            println!("{:#}", crate::http::openapi::document());
            Ok(())
        }
        Command::Doctor(doctor) => {
            return doctor.run(&place).unwrap_or_else(|Failed(why)| {
                eprintln!("error: {why}");
                ExitCode::from(2)
            });
        }
        Command::Einvoice(einvoice) => return einvoice.run(),
        Command::Press => return pdf::serve_stdio(place.fonts_folder.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
