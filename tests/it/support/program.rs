//! The real program, as a process that signals reach.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{app::soon, sql::Sql};

/// A running `roms serve`.
pub(crate) struct Program {
    child: Running,
    folder: TempDir,
    lines: mpsc::UnboundedReceiver<String>,
    /// What it wrote to standard error up to the line with its address.
    pub(crate) start_lines: Vec<String>,
    pub(crate) url: String,
}

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    /// What it wrote to standard error since its start lines.
    pub(crate) log: String,
    pub(crate) took: Duration,
    pub(crate) folder: TempDir,
}

/// The program with these arguments, in a folder, with nothing in its environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roms"));
    command.args(arguments);
    in_folder(command, folder)
}

/// Any command, run in the same way.
pub(crate) fn in_folder(mut command: Command, folder: &Path) -> Command {
    command
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    /// Starts in an empty folder.
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// Starts where a program may have run before, on a free port, and waits until it serves.
    pub(crate) async fn start_in(folder: TempDir) -> Self {
        let serve = command(folder.path(), &[]);
        Self::start_by(serve, folder).await
    }

    /// Starts by a command of [`command`]'s kind.
    pub(crate) async fn start_by(mut serve: Command, folder: TempDir) -> Self {
        let mut child = serve.env("ROMS__HTTP__BIND", "127.0.0.1:0").spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, mut lines) = mpsc::unbounded_channel();
        // Reads on when nobody listens any more: the program must not meet a full pipe.
        thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let mut start_lines = Vec::new();
        let url = loop {
            let line = soon(lines.recv()).await.unwrap_or_else(|| panic!("no start: {start_lines:?}"));
            start_lines.push(line.clone());
            if let Some((_, rest)) = line.split_once("Server running on ") {
                break rest.split(": ").next().unwrap().to_owned();
            }
        };
        Self { child: Running(child), folder, lines, start_lines, url }
    }

    /// Where it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("roms_v2.db")
    }

    pub(crate) async fn sql(&self) -> Sql {
        Sql::open(&self.database()).await
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal by its name: TERM, INT, KILL.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap().success());
    }

    /// Waits for a line of the log that holds this text.
    pub(crate) async fn line_with(&mut self, text: &str) {
        while !soon(self.lines.recv()).await.expect("it runs").contains(text) {}
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> End {
        let asked = Instant::now();
        let code = soon(spawn_blocking(move || self.child.0.wait())).await.unwrap().unwrap().code();
        let took = asked.elapsed();
        let mut log = String::new();
        while let Some(line) = soon(self.lines.recv()).await {
            log.push_str(&line);
            log.push('\n');
        }
        End { code, log, took, folder: self.folder }
    }
}
