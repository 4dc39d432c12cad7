//! A home is what one ROMS of a test works in: a temporary folder and an empty database.
//!
//! The database is an SQLite file in the folder. If `TEST_DATABASE_URL` names a PostgreSQL server, it is
//! a database on that server, so that the same tests run on both engines. The server's user needs the
//! right to create databases.

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

/// A folder and a database. Dropping it deletes both.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    server: Option<Server>,
}

/// A database on a PostgreSQL server.
#[derive(Clone, Debug)]
struct Server {
    url: Url,
    /// Drops the database; `None` if the whole server is temporary.
    _database: Option<Arc<Database>>,
}

/// Drops a PostgreSQL database when it is dropped itself.
#[derive(Debug)]
struct Database {
    name: String,
}

/// The URL of the PostgreSQL server, if the tests run against one.
pub(crate) fn server() -> Option<String> {
    env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

impl Home {
    /// With a database of the engine that the tests run against.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: server().map(Server::create) }
    }

    /// With an SQLite database, for tests of what only SQLite has, such as files.
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// With a PostgreSQL database, for tests of what only PostgreSQL has. Mark such tests `#[ignore]`.
    pub(crate) fn postgres() -> Self {
        let server = server().expect("TEST_DATABASE_URL names a server; `just test-postgres` starts one");
        Self { folder: tempfile::tempdir().unwrap(), server: Some(Server::create(server)) }
    }

    /// With the database at this URL, on a temporary server.
    pub(crate) fn at(url: &str) -> Self {
        let server = Some(Server { url: url.parse().unwrap(), _database: None });
        Self { folder: tempfile::tempdir().unwrap(), server }
    }

    /// Another folder with the same PostgreSQL database, for a second ROMS.
    pub(crate) fn with_same_database(&self) -> Self {
        let server = Some(self.server.clone().expect("a PostgreSQL server"));
        Self { folder: tempfile::tempdir().unwrap(), server }
    }

    /// Puts a proxy in front of the server, which can break the connection.
    pub(crate) async fn behind_a_proxy(&mut self) -> Proxy {
        let url = &mut self.server.as_mut().expect("a PostgreSQL server").url;
        let proxy = Proxy::start(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432))).await;
        url.set_host(Some(&proxy.address.ip().to_string())).unwrap();
        url.set_port(Some(proxy.address.port())).unwrap();
        // The proxy must be able to read the traffic.
        url.set_query(Some("sslmode=disable"));
        proxy
    }

    /// Switches to a new database user without any rights, and returns the user's name.
    pub(crate) async fn use_unprivileged_user(&mut self, password: &str) -> String {
        let user = self.url().expose().rsplit('/').next().unwrap().to_owned();
        self.sql().await.run(&format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'")).await;
        let url = &mut self.server.as_mut().expect("a PostgreSQL server").url;
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
        assert!(!self.is_postgres(), "PostgreSQL has no database file");
        self.path().join("roms_v2.db")
    }

    /// The URL of the database. The SQLite file has ROMS's default name.
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
        Config::load(Some(file), env, |_| unreachable!("no secret file is configured")).unwrap()
    }

    /// A plain SQL connection to the database.
    pub(crate) async fn sql(&self) -> Sql {
        Sql::open(&self.url()).await
    }

    /// The `roms` command with these arguments, run in this folder. It finds the SQLite file by its
    /// default name.
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
        run_on_new_thread(async move { Sql::open(&server.parse().unwrap()).await.run(&create).await });
        Self { url, _database: Some(Arc::new(Database { name })) }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = server() else { return };
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        run_on_new_thread(async move { Sql::open(&server.parse().unwrap()).await.run(&drop).await });
    }
}

/// Runs a future to its end, whether or not the caller is inside a runtime.
fn run_on_new_thread(future: impl Future<Output = ()> + Send + 'static) {
    let thread =
        thread::spawn(|| Builder::new_current_thread().enable_all().build().unwrap().block_on(future));
    let done = thread.join();
    assert!(done.is_ok() || thread::panicking(), "the server executes the statement");
}
