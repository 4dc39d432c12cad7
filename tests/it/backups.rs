//! `roms backup` and `roms restore`, with the real program and orders that go on arriving.
#![cfg(unix)]

mod backup;
mod before_upgrade;
mod restore;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use tokio::task::spawn_blocking;

use crate::support::program::command;

/// Runs a command of `roms` in a folder.
async fn roms(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs a command that must work, and gives what it says.
async fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = roms(folder, arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail, and returns the one line that it prints.
async fn refusal(folder: &Path, arguments: &[&str]) -> String {
    let output = roms(folder, arguments).await;
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert_eq!((line.lines().count(), output.stdout.as_slice()), (1, &b""[..]), "{line}");
    line
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}
