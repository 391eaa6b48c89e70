//! The program under test, as its users run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::{Faults, Folder, Minded, give_away, user_without_rights, wait_for};

/// A running `ledgerbee serve`.
#[derive(Debug)]
pub struct Server {
    process: Minded,
    /// As `http://127.0.0.1:12345`.
    pub root: String,
}

/// The program with its books' place in the environment, so that every command finds it.
#[must_use]
pub fn ledgerbee(program: &str, folder: &Path, database_url: Option<&str>) -> Command {
    let mut command = Command::new(program);
    command.env("LEDGERBEE_DATA", folder);
    match database_url {
        Some(url) => {
            // With PostgreSQL the key of secrets is the operator's to make, the same for all who share the books.
            let key = folder.join("secret.key");
            if !key.exists() {
                let _ = fs::write(&key, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=\n");
            }
            command.env("LEDGERBEE_SECRET_KEY_FILE", key).env("LEDGERBEE_DATABASE_URL", url)
        }
        None => command.env_remove("LEDGERBEE_DATABASE_URL").env_remove("LEDGERBEE_SECRET_KEY_FILE"),
    };
    command
}

impl Server {
    /// Serves on a free port with its log turned off; returns once it answers.
    /// `more` are further arguments.
    #[must_use]
    pub fn start(program: &str, folder: &Path, database_url: Option<&str>, more: &[&str]) -> Server {
        let mut command = ledgerbee(program, folder, database_url);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(more);
        if !more.contains(&"--log") {
            command.args(["--log", "off"]);
        }
        Server::wait(Minded::start(&command, "KILL", None, None))
    }

    /// Serves with metrics on a free port of their own, whose root is answered too.
    #[must_use]
    pub fn with_metrics(program: &str, folder: &Path) -> (Server, String) {
        let mut command = ledgerbee(program, folder, None);
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log", "off"]);
        let mut process = Minded::start(&command, "KILL", None, None);
        let root = process.wait_for("it said where", |line| {
            line.strip_prefix("metrics on ").and_then(|url| url.strip_suffix("/metrics")).map(str::to_owned)
        });
        (Server::wait(process), root)
    }

    /// Serves with faults, as a user without rights, with its log where [`Faults::log`] reads it.
    ///
    /// # Panics
    /// When the user can't be given what it needs.
    #[must_use]
    pub fn with_faults(
        program: &str,
        folder: &Path,
        database_url: Option<&str>,
        more: &[&str],
        faults: &Faults,
    ) -> Server {
        // Its own place may be closed to that user.
        let own = faults.folder().join("ledgerbee");
        if !own.exists() && fs::hard_link(program, &own).is_err() {
            fs::copy(program, &own).expect("the program is copied");
        }
        give_away(folder);
        let mut command = ledgerbee(&own.to_string_lossy(), folder, database_url);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "json"]).args(more);
        let log = faults.folder().join("log");
        fs::File::create(&log).expect("a folder of our own takes a file");
        give_away(&log);
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"log=$1; shift; exec "$@" 2>>"$log""#, "sh"]).arg(&log);
        shell.arg(command.get_program()).args(command.get_args());
        shell.env("LEDGERBEE_DATA", folder).envs(faults.env());
        match database_url {
            Some(url) => {
                shell.env("LEDGERBEE_SECRET_KEY_FILE", folder.join("secret.key")).env("LEDGERBEE_DATABASE_URL", url)
            }
            None => shell.env_remove("LEDGERBEE_DATABASE_URL"),
        };
        Server::wait(Minded::start(&shell, "KILL", None, user_without_rights()))
    }

    /// The same for all tests of a process: `folder` is removed when the process ends.
    #[must_use]
    pub fn shared(program: &str, folder: Folder, database_url: Option<&str>) -> Server {
        let mut command = ledgerbee(program, folder.path(), database_url);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "off"]);
        let process = Minded::start(&command, "KILL", Some(folder.path()), None);
        std::mem::forget(folder);
        Server::wait(process)
    }

    fn wait(mut process: Minded) -> Server {
        let root =
            process.wait_for("the server answered", |line| line.strip_prefix("listening on ").map(str::to_owned));
        Server { process, root }
    }

    /// Sends it a signal, as `KILL`.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Ends it by a signal, and waits until all of it is gone: its threads, and the locks they held.
    ///
    /// # Panics
    /// When it takes longer than a minute.
    pub fn end_by(&self, signal: &str) {
        self.signal(signal);
        let place = Path::new("/proc").join(self.pid());
        wait_for("the end of a server", || {
            let Ok(about) = fs::read_to_string(place.join("stat")) else { return Some(()) };
            let state = about.rsplit(") ").next().and_then(|rest| rest.chars().next());
            let threads = fs::read_dir(place.join("task")).map_or(0, Iterator::count);
            // Its shell waits for it later; until then nothing of it is left but its number.
            (state == Some('Z') && threads <= 1).then_some(())
        });
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) {
        self.process.signal("TERM");
        self.process.wait_for_end();
    }

    /// Waits until it has ended by itself: its exit code.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        self.process.exit_code()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> &str {
        self.process.pid()
    }

    /// Runs another command on the same books: its standard output.
    ///
    /// # Panics
    /// When it fails.
    pub fn command(program: &str, folder: &Path, database_url: Option<&str>, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } =
            ledgerbee(program, folder, database_url).args(arguments).output().expect("the program starts");
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("the program writes UTF-8")
    }
}
