//! The program `ledgerbee`; all of it is in the library.

use std::process::ExitCode;

/// Requests make and drop thousands of small pieces on several threads, which this one is quicker at than
/// the system's (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::main()
}
