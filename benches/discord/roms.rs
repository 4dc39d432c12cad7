//! Runs the real binary, which watches the double and has a database of its own.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::discord::{Channel, Discord};
use super::http::{self, Connection};
use super::process::{Memory, Processor};

/// A running ROMS; it is killed when dropped.
pub(crate) struct Roms {
    child: Child,
    address: SocketAddr,
    questions: Mutex<Connection>,
    _folder: TempDir,
}

impl Roms {
    /// Starts ROMS and waits until it answers.
    pub(crate) async fn start(discord: &Discord, channel: &Channel) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.path().join("config.toml");
        let text = format!(
            "[database]\nurl = \"sqlite://{}\"\n[http]\nbind = \"{address}\"\n\
             [discord]\ntoken = \"{}\"\napi_url = \"{}\"\nguilds = [\"{}\"]\n\
             [[discord.channels]]\nid = \"{}\"\nname = \"checkouts\"\nreact = false\n\
             [log]\nfilter = \"warn\"\n",
            folder.path().join("roms.db").display(),
            discord.token(),
            discord.api_url(),
            channel.guild_id(),
            channel.id(),
        );
        fs::write(&config, text)?;
        let child = Command::new(env!("CARGO_BIN_EXE_roms"))
            .arg("--config")
            .arg(&config)
            .current_dir(folder.path())
            .env_clear()
            .spawn()
            .context("ROMS does not start")?;
        let questions = Mutex::new(connect(address).await?);
        Ok(Self { child, address, questions, _folder: folder })
    }

    /// The address of the HTTP API.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of stored orders.
    pub(crate) async fn orders(&self) -> Result<usize> {
        let question = http::get(self.address, "/api/v2/orders?page_size=1");
        let mut connection = self.questions.lock().await;
        let answer: serde_json::Value = serde_json::from_slice(connection.ask(&question).await?)?;
        let total = answer["total"].as_u64().context("an answer without a total")?;
        Ok(usize::try_from(total)?)
    }

    /// The memory of the process.
    pub(crate) fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }

    /// The processor time that the process has used.
    pub(crate) fn processor(&self) -> Processor {
        Processor::of(self.child.id())
    }
}

impl Drop for Roms {
    fn drop(&mut self) {
        // This fails if the process has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn connect(address: SocketAddr) -> Result<Connection> {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(connection) = Connection::open(address).await {
            return Ok(connection);
        }
        ensure!(Instant::now() < end, "ROMS does not answer at {address}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
