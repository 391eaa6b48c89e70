//! A child process that never outlives its parent: a shell minds it, and ends it
//! when the parent lets go of the shell's standard input, by will or by death.

use std::io::{BufRead as _, BufReader, Lines};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = r#"
signal=$1 folder=$2; shift 2
sh -c 'echo $$; exec "$@"' sh "$@" &
child=$!
exec >&- 2>&-
read line
kill -s "$signal" $child
wait $child
code=$?
[ -z "$folder" ] || rm -rf "$folder"
exit $code
"#;

/// A minded child.
#[derive(Debug)]
pub struct Minded {
    shell: Child,
    leash: Option<ChildStdin>,
    pid: String,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Minded {
    /// Starts a command; `signal` (as `QUIT`) ends it, then `folder` is removed, if one is named.
    /// `as_user` is the user and group id it runs as. Its standard error is that of the test.
    pub fn start(command: &Command, signal: &str, folder: Option<&Path>, as_user: Option<(u32, u32)>) -> Minded {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh", signal]).arg(folder.unwrap_or(Path::new("")));
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some((user, group)) = as_user {
            shell.uid(user).gid(group).current_dir("/");
        }
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh starts");
        let leash = shell.stdin.take();
        let mut lines = BufReader::new(shell.stdout.take().expect("standard output is piped")).lines();
        let pid = lines.next().and_then(Result::ok).unwrap_or_else(|| panic!("{command:?} did not start"));
        Minded { shell, leash, pid, lines }
    }

    /// Reads its standard output up to the first line that `wanted` takes.
    ///
    /// # Panics
    /// When it ends before.
    pub fn wait_for<T>(&mut self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let mut said = String::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap_or_default();
            if let Some(found) = wanted(&line) {
                return found;
            }
            said.push_str(&line);
            said.push('\n');
        }
        panic!("ended before {what}; it said:\n{said}");
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> &str {
        &self.pid
    }

    /// Sends it a signal, as `KILL` or `TERM`.
    pub fn signal(&self, signal: &str) {
        // One that has ended already can't be told anything.
        let _ = Command::new("kill").args(["-s", signal, &self.pid]).stderr(Stdio::null()).status();
    }

    /// Waits until it has ended by itself: its exit code, 128 and more for a signal.
    #[must_use]
    pub fn exit_code(mut self) -> i32 {
        self.wait_for_end();
        drop(self.leash.take());
        self.shell.wait().ok().and_then(|status| status.code()).expect("sh ends with the code it is given")
    }

    /// Waits until it has closed its standard output: it has ended.
    pub fn wait_for_end(&mut self) {
        while self.lines.next().is_some_and(|line| line.is_ok()) {}
    }
}

impl Drop for Minded {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.shell.wait();
    }
}
