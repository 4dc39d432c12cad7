//! Starts pgbouncer in front of a PostgreSQL server.

use std::{
    fmt::Write,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use url::Url;

use super::{cluster::owner, home::Home};

/// A pgbouncer. Dropping it stops it.
pub(crate) struct Pgbouncer {
    process: Child,
    port: u16,
    server: Url,
    _folder: TempDir,
}

impl Pgbouncer {
    /// Starts pgbouncer in front of the server at this URL, with Debian's configuration apart from addresses and users,
    /// and these further lines.
    pub(crate) fn start(server: &str, lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server: Url = server.parse().unwrap();
        let users = folder.path().join("users");
        let (user, password) = (server.username(), server.password().unwrap_or_default());
        std::fs::write(&users, format!("\"{user}\" \"{password}\"\n")).unwrap();
        let mut text = String::from("[databases]\n");
        let (host, server_port) = (server.host_str().unwrap(), server.port().unwrap());
        writeln!(text, "* = host={host} port={server_port}").unwrap();
        writeln!(text, "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =")
            .unwrap();
        // By default, pgbouncer waits for 15 seconds after it could not reach the server.
        let auth = if password.is_empty() { "trust" } else { "md5" };
        writeln!(
            text,
            "auth_type = {auth}\nauth_file = {}\nserver_login_retry = 1\n{lines}",
            users.display()
        )
        .unwrap();
        let configuration = folder.path().join("pgbouncer.ini");
        std::fs::write(&configuration, text).unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        // Debian keeps it where only root's PATH leads.
        let debian = Path::new("/usr/sbin/pgbouncer");
        let program = if debian.exists() { debian } else { Path::new("pgbouncer") };
        let mut command = Command::new(program);
        if let Some(owner) = owner() {
            command.args(["-u", owner]);
        }
        let process = command
            .arg("-q")
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer is installed (apt-get install pgbouncer)");
        Self { process, port, server, _folder: folder }
    }

    /// Puts pgbouncer in front of the server of this home.
    pub(crate) fn in_front_of(home: &Home, lines: &str) -> (Self, Home) {
        let url = home.url();
        let pgbouncer = Self::start(url.expose(), lines);
        let mut url = pgbouncer.server.clone();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(pgbouncer.port)).unwrap();
        url.set_query(None);
        let pooled = Home::at(url.as_str());
        (pgbouncer, pooled)
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        // This fails if the process has already ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
