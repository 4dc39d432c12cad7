//! Runs the real program as a process that can receive signals.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

use super::{
    app::{DEADLINE, soon},
    home::Home,
    sql::Sql,
};

/// A running `roms serve`.
pub(crate) struct Program {
    child: Running,
    home: Home,
    lines: Lines,
    /// The lines on standard error up to the one with the address.
    pub(crate) start_lines: Vec<String>,
    pub(crate) url: String,
}

/// A process that is killed when its test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // This fails if the process has already ended.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The lines on standard error after the one with the address.
struct Lines {
    received: mpsc::UnboundedReceiver<String>,
    /// The lines that the test has read.
    log: String,
}

impl Lines {
    async fn next(&mut self) -> Option<String> {
        let line = soon(self.received.recv()).await?;
        self.log.push_str(&line);
        self.log.push('\n');
        Some(line)
    }
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    /// The lines on standard error after the start lines.
    pub(crate) log: String,
    pub(crate) home: Home,
}

/// The `roms` command with these arguments, run in a folder and with an empty environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roms"));
    command.args(arguments);
    in_folder(command, folder)
}

/// Makes any command run like [`command`].
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
    /// Starts in a new home.
    pub(crate) async fn start() -> Self {
        Self::start_in(Home::new()).await
    }

    /// Starts on a free port, in a home that may hold a database, and waits until the server is ready.
    pub(crate) async fn start_in(home: Home) -> Self {
        let serve = home.command(&[]);
        Self::start_by(serve, home).await
    }

    /// Starts with a command that [`command`] or [`in_folder`] made.
    pub(crate) async fn start_by(mut serve: Command, home: Home) -> Self {
        let mut child = serve.env("ROMS__HTTP__BIND", "127.0.0.1:0").spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, mut lines) = mpsc::unbounded_channel();
        // Keep reading after the receiver is gone: the program would block on a full pipe.
        thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let mut start_lines = Vec::new();
        let url = loop {
            let line = soon(lines.recv())
                .await
                .unwrap_or_else(|| panic!("the program did not start: {start_lines:?}"));
            start_lines.push(line.clone());
            if let Some((_, rest)) = line.split_once("Server running on ") {
                break rest.split(": ").next().unwrap().to_owned();
            }
        };
        Self {
            child: Running(child),
            home,
            lines: Lines { received: lines, log: String::new() },
            start_lines,
            url,
        }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// The working directory.
    pub(crate) fn folder(&self) -> &Path {
        self.home.path()
    }

    pub(crate) async fn sql(&self) -> Sql {
        self.home.sql().await
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends a signal, for example `TERM`, `INT` or `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap().success());
    }

    /// Waits for a log line that contains this text.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.next().await.expect("the program is running");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until the program ends.
    pub(crate) async fn end(self) -> End {
        self.end_within(DEADLINE).await
    }

    /// Waits until the program ends, which must happen within `limit`.
    pub(crate) async fn end_within(mut self, limit: Duration) -> End {
        let ended = timeout(limit, spawn_blocking(move || self.child.0.wait())).await;
        let code = ended.unwrap_or_else(|_| panic!("still running after {limit:?}")).unwrap().unwrap().code();
        while self.lines.next().await.is_some() {}
        End { code, log: self.lines.log, home: self.home }
    }
}
