//! The program `roms`: parses the command line and runs the command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// One thread reads a message and another frees it, which costs the system's allocator a lock each time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    roms::cli::Cli::read().run()
}
