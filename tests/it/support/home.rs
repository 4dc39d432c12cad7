//! A place to run in: a folder of its own with a database of its own.
//!
//! The database is an SQLite file in the folder. Where `TEST_DATABASE_URL` names a PostgreSQL
//! server, whose user may make databases, it is a database there: the same tests, run again.

use std::{
    env,
    future::Future,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use roms::config::{Config, DatabaseUrl, File};
use tempfile::TempDir;
use tokio::runtime::Builder;
use url::Url;

use super::{program::command, proxy::Proxy, sql::Sql};

/// The place. Folder and database are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    server: Option<Server>,
}

/// The way to a database on the PostgreSQL server.
#[derive(Clone, Debug)]
struct Server {
    url: Url,
    /// `None` where the whole server goes away.
    _database: Option<Arc<Database>>,
}

/// A database there, which is dropped with this.
#[derive(Debug)]
struct Database {
    name: String,
}

/// The server's address, where the tests are run against PostgreSQL.
pub(crate) fn server() -> Option<String> {
    env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

impl Home {
    /// With a database of the engine that the tests are run against.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: server().map(Server::create) }
    }

    /// With an SQLite database, for what concerns SQLite alone: its files.
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// With a PostgreSQL database, for what concerns PostgreSQL alone. Such tests are ignored
    /// unless they are asked for.
    pub(crate) fn postgres() -> Self {
        let server = server().expect("TEST_DATABASE_URL names a server; `just test-postgres` starts one");
        Self { folder: tempfile::tempdir().unwrap(), server: Some(Server::create(server)) }
    }

    /// With the database at this address, of a server of the test's own.
    pub(crate) fn at(url: &str) -> Self {
        let server = Some(Server { url: url.parse().unwrap(), _database: None });
        Self { folder: tempfile::tempdir().unwrap(), server }
    }

    /// Another folder, with the same database. Only a server has several users.
    pub(crate) fn shared(&self) -> Self {
        let server = Some(self.server.clone().expect("a server"));
        Self { folder: tempfile::tempdir().unwrap(), server }
    }

    /// The way to the server leads through a network of its own from now on.
    pub(crate) async fn behind_a_proxy(&mut self) -> Proxy {
        let url = &mut self.server.as_mut().expect("a server").url;
        let proxy = Proxy::start(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await;
        url.set_host(Some(&proxy.address.ip().to_string())).unwrap();
        url.set_port(Some(proxy.address.port())).unwrap();
        // What is encrypted cannot be listened to.
        url.set_query(Some("sslmode=disable"));
        proxy
    }

    /// It is a user without any right who comes to the server from now on; gives their name.
    pub(crate) async fn as_user(&mut self, password: &str) -> String {
        let user = self.url().expose().rsplit('/').next().unwrap().to_owned();
        self.sql().await.run(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'")).await;
        let url = &mut self.server.as_mut().expect("a server").url;
        url.set_username(&user).unwrap();
        url.set_password(Some(password)).unwrap();
        user
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.server.is_some()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file.
    pub(crate) fn database(&self) -> PathBuf {
        assert!(!self.is_postgres(), "a server has no file");
        self.path().join("roms_v2.db")
    }

    /// The address of the database. The SQLite file has the name that it has without any
    /// configuration.
    pub(crate) fn url(&self) -> DatabaseUrl {
        let url = match &self.server {
            Some(server) => server.url.to_string(),
            None => format!("sqlite://{}", self.database().display()),
        };
        url.parse().unwrap()
    }

    /// A configuration with this database.
    pub(crate) fn config(&self, toml: &str) -> Config {
        let file = File { name: "config.toml", text: toml };
        let env = [("ROMS__DATABASE__URL".to_owned(), self.url().expose().to_owned())];
        Config::load(Some(file), env, |_| unreachable!("no secret is named")).unwrap()
    }

    /// A connection to the database, past the program.
    pub(crate) async fn sql(&self) -> Sql {
        Sql::open(&self.url()).await
    }

    /// The program with these arguments, in this folder. It finds the SQLite file by itself.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.path(), arguments);
        if self.is_postgres() {
            command.env("ROMS__DATABASE__URL", self.url().expose());
        }
        command
    }
}

impl Server {
    fn create(server: String) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("roms_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut url: Url = server.parse().unwrap();
        url.set_path(&name);
        let create = format!("CREATE DATABASE {name}");
        apart(async move { Sql::open(&server.parse().unwrap()).await.run(&create).await });
        Self { url, _database: Some(Arc::new(Database { name })) }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = server() else { return };
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        apart(async move { Sql::open(&server.parse().unwrap()).await.run(&drop).await });
    }
}

/// Does something to its end, in or out of a runtime.
fn apart(doing: impl Future<Output = ()> + Send + 'static) {
    let thread =
        thread::spawn(|| Builder::new_current_thread().enable_all().build().unwrap().block_on(doing));
    let done = thread.join();
    assert!(done.is_ok() || thread::panicking(), "the server does as it is told");
}
