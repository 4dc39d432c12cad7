//! What is measured, each in a process of its own: the real binary, and this program in the parts
//! of the others.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::http::{self, Connection};
use super::postgres;
use super::process::{Memory, Processor};

/// How long a server may take to start.
const START_TIME: Duration = Duration::from_secs(20);

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// (a) The release binary.
    Roms,
    /// (a) The same on PostgreSQL.
    Postgres,
    /// (b) The same server, which commits each message alone.
    Alone,
    /// (d) An axum handler that only answers.
    AnswerOnly,
}

/// A running server with a folder of its own; it is killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

/// A folder on the disk that the build is on: `/tmp` may be memory, where a commit costs nothing.
pub(crate) fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The URL of the database in a folder.
pub(crate) fn database(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("roms.db").display())
}

/// This program in another part.
pub(crate) fn this_program(part: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(part);
    Ok(command)
}

impl Server {
    pub(crate) async fn start(subject: Subject, folder: TempDir) -> Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let database = match subject {
            Subject::Postgres => postgres::fresh().await?,
            _ => database(folder.path()),
        };
        let mut command = match subject {
            Subject::Roms | Subject::Postgres => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_roms"));
                command.env_clear().env("ROMS__LOG__FILTER", "warn");
                command.env("ROMS__HTTP__BIND", address.to_string());
                command.env("ROMS__DATABASE__URL", &database);
                command
            }
            Subject::Alone => this_program("--alone")?,
            Subject::AnswerOnly => this_program("--answer-only")?,
        };
        if matches!(subject, Subject::Alone | Subject::AnswerOnly) {
            command.arg(address.to_string()).arg(&database);
        }
        let began = Instant::now();
        let child = command.current_dir(folder.path()).spawn().context("it does not start")?;
        let mut server = Self { child, address, folder, first_answer: Duration::ZERO };
        while server.ask("/api/v2/webhooks/test").await.is_err() {
            ensure!(began.elapsed() < START_TIME, "it does not answer");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.first_answer = began.elapsed();
        Ok(server)
    }

    /// The body of an answer.
    async fn ask(&self, path: &str) -> Result<Vec<u8>> {
        let mut connection = Connection::open(self.address).await?;
        Ok(connection.ask(&http::get(self.address, path)).await?.to_vec())
    }

    /// How many orders it has.
    pub(crate) async fn orders(&self) -> Result<u64> {
        let page: serde_json::Value = serde_json::from_slice(&self.ask("/api/v2/orders?page_size=1").await?)?;
        page["total"].as_u64().context("an answer without a total")
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }

    pub(crate) fn processor(&self) -> Processor {
        Processor::of(self.child.id())
    }

    /// Kills it, and keeps what it wrote.
    pub(crate) fn kill(mut self) -> Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(std::mem::replace(&mut self.folder, folder()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
