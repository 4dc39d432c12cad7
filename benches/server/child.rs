//! Starts the servers to measure. Each is a process: the `roms` binary, or this program with an argument
//! that selects another server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::http::{self, Connection};
use super::postgres;
use super::process::{Memory, Processor};

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The kinds of server. The letters are those of the module documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// (a) The `roms` binary on SQLite.
    Roms,
    /// (a) The same, with a token in each request.
    RomsWithToken,
    /// (a) The `roms` binary on PostgreSQL.
    Postgres,
    /// (b) ROMS's HTTP server with one message per transaction.
    SingleCommits,
    /// (d) An axum handler that only answers.
    AnswerOnly,
}

/// A running server and its folder. Dropping it kills the server and deletes the folder.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The token that every request needs.
    pub(crate) token: Option<String>,
    pub(crate) folder: TempDir,
    /// The time from the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

/// A temporary folder on the disk of the build. `/tmp` may be in memory, where a commit costs nothing.
pub(crate) fn new_folder() -> Result<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The URL of the SQLite database in a folder.
pub(crate) fn database(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("roms.db").display())
}

/// The command that runs this program as something else, for example `--answer-only`.
pub(crate) fn this_program(role: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}

/// Creates a token for everything.
fn create_token(mut roms: Command) -> Result<String> {
    let output = roms.args(["token", "create", "--name", "bench", "--scope", "admin"]).output()?;
    Ok(String::from_utf8(output.stdout)?.lines().next().context("no token")?.to_owned())
}

impl Server {
    pub(crate) async fn start(subject: Subject, folder: TempDir) -> Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let database = match subject {
            Subject::Postgres => postgres::create_database().await?,
            _ => database(folder.path()),
        };
        let roms = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_roms"));
            command.env_clear().env("ROMS__LOG__FILTER", "warn");
            command.env("ROMS__HTTP__BIND", address.to_string());
            command.env("ROMS__DATABASE__URL", &database);
            command
        };
        let mut token = None;
        let mut command = match subject {
            Subject::Roms | Subject::Postgres => roms(),
            Subject::RomsWithToken => {
                token = Some(create_token(roms())?);
                let mut command = roms();
                command.env("ROMS__HTTP__REQUIRE_AUTH", "true");
                // One token sends all requests here, many more than it may by default.
                command.env("ROMS__HTTP__RATE_LIMIT", "0");
                command
            }
            Subject::SingleCommits => this_program("--single-commits")?,
            Subject::AnswerOnly => this_program("--answer-only")?,
        };
        if matches!(subject, Subject::SingleCommits | Subject::AnswerOnly) {
            command.arg(address.to_string()).arg(&database);
        }
        let began = Instant::now();
        let child = command.current_dir(folder.path()).spawn().context("the server does not start")?;
        let mut server = Self { child, address, token, folder, first_answer: Duration::ZERO };
        while server.get("/api/v2/webhooks/test").await.is_err() {
            ensure!(began.elapsed() < START_TIMEOUT, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.first_answer = began.elapsed();
        Ok(server)
    }

    /// The body of a GET response.
    async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut connection = Connection::open(self.address).await?;
        let mut request = http::get(self.address, path);
        if let Some(token) = &self.token {
            request = request.replacen("\r\n", &format!("\r\nAuthorization: Bearer {token}\r\n"), 1);
        }
        Ok(connection.ask(&request).await?.to_vec())
    }

    /// The number of stored orders.
    pub(crate) async fn orders(&self) -> Result<u64> {
        let page: serde_json::Value = serde_json::from_slice(&self.get("/api/v2/orders?page_size=1").await?)?;
        page["total"].as_u64().context("the answer has no total")
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }

    pub(crate) fn processor(&self) -> Processor {
        Processor::of(self.child.id())
    }

    /// Kills the server and returns its folder with the database.
    pub(crate) fn kill(mut self) -> Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(std::mem::replace(&mut self.folder, new_folder()?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // This fails if the server has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
