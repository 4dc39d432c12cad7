//! The program `roms`: reads its command line, does what it says, and tells how that went.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    roms::cli::Cli::parse().run()
}
