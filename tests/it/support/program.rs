//! The real program, as a process that signals reach.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, task::spawn_blocking};

use super::{app::soon, home::Home, sql::Sql};

/// A running `roms serve`.
pub(crate) struct Program {
    child: Running,
    home: Home,
    lines: Lines,
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

/// What it writes to standard error after the line with its address.
struct Lines {
    coming: mpsc::UnboundedReceiver<String>,
    /// Those that were waited for.
    log: String,
}

impl Lines {
    async fn next(&mut self) -> Option<String> {
        let line = soon(self.coming.recv()).await?;
        self.log.push_str(&line);
        self.log.push('\n');
        Some(line)
    }
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    /// What it wrote to standard error since its start lines.
    pub(crate) log: String,
    pub(crate) took: Duration,
    pub(crate) home: Home,
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
    /// Starts in a place of its own.
    pub(crate) async fn start() -> Self {
        Self::start_in(Home::new()).await
    }

    /// Starts where a program may have run before, on a free port, and waits until it serves.
    pub(crate) async fn start_in(home: Home) -> Self {
        let serve = home.command(&[]);
        Self::start_by(serve, home).await
    }

    /// Starts by a command of [`command`]'s kind.
    pub(crate) async fn start_by(mut serve: Command, home: Home) -> Self {
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
        Self {
            child: Running(child),
            home,
            lines: Lines { coming: lines, log: String::new() },
            start_lines,
            url,
        }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Where it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.home.path()
    }

    pub(crate) async fn sql(&self) -> Sql {
        self.home.sql().await
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
        while !self.lines.next().await.expect("it runs").contains(text) {}
    }

    /// Waits for the end.
    pub(crate) async fn end(mut self) -> End {
        let asked = Instant::now();
        let code = soon(spawn_blocking(move || self.child.0.wait())).await.unwrap().unwrap().code();
        let took = asked.elapsed();
        while self.lines.next().await.is_some() {}
        End { code, log: self.lines.log, took, home: self.home }
    }
}
