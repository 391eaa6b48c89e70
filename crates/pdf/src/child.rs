//! The child's loop: requests in and answers out over its standard input,
//! which is a socket that it shares with the parent alone.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;

use crate::wire::{self, Parts};
use crate::{RenderError, render};

/// Layout nests as deep as the template does; this is memory only where used.
const STACK_BYTES: usize = 64 << 20;

/// Serves as a press's child until the parent hangs up; the whole of the
/// hidden command `ledgerbee press`. Answers go over standard input too (it is
/// a socket), so whatever else prints can't come between them. Templates may use
/// the fonts of that folder beside our own.
#[must_use]
pub fn serve_stdio(fonts: Option<&Path>) -> ExitCode {
    if let Some(folder) = fonts {
        render::take_fonts(folder);
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "press: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let mut parent = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut answers = parent.try_clone()?;
    let (desk, jobs) = mpsc::sync_channel::<Parts>(1);
    let printer = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        for parts in jobs {
            let answer = catch_unwind(AssertUnwindSafe(|| render::render_parts(parts)))
                .unwrap_or_else(|panic| Err(RenderError::Broken(words(panic.as_ref()))));
            if wire::write_answer(&mut answers, answer).is_err() {
                break;
            }
        }
    })?;
    // This thread only listens, so that a child whose parent is gone ends at
    // once, however long its template would still have run.
    while let Some(parts) = wire::read_request(&mut parent)? {
        if printer.is_finished() || desk.send(parts).is_err() {
            break;
        }
    }
    Ok(())
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "a panic".into())
}
