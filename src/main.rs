//! The program `roms`: reads its command line, does what it says, and tells how that went.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Messages are read in one thread and freed in another, which costs the system's allocator a lock
/// each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    roms::cli::Cli::parse().run()
}
