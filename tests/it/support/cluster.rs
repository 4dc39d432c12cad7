//! Starts a PostgreSQL server for one test, which may stop, freeze and restart it, and give it a standby.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::home::Home;

/// A PostgreSQL server. Dropping it stops the server and deletes its data.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    /// The user that runs the server, if the tests run as root: PostgreSQL refuses to.
    owner: Option<&'static str>,
    port: u16,
    /// Settings on the server's command line, which a standby does not inherit.
    settings: String,
}

impl Cluster {
    /// Creates a server and starts it.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// Creates a server and starts it with these settings, each as `-c name=value`.
    pub(crate) fn start_with(settings: &str) -> Self {
        let cluster = Self::new(settings);
        cluster.run("initdb", "--pgdata=data --username=postgres --auth=trust --encoding=UTF8 --no-sync");
        cluster.start_again();
        cluster
    }

    /// A server without data.
    fn new(settings: &str) -> Self {
        let (folder, owner) = (tempfile::tempdir().unwrap(), owner());
        if let Some(owner) = owner {
            assert!(Command::new("chown").arg(owner).arg(folder.path()).status().unwrap().success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, programs: programs(), owner, port, settings: settings.to_owned() }
    }

    /// Starts a standby that follows this server.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::new("");
        let from = format!(
            "--pgdata=data --dbname=postgres://postgres@{}/postgres --write-recovery-conf --checkpoint=fast --no-sync",
            self.address()
        );
        standby.run("pg_basebackup", &from);
        standby.start_again();
        standby
    }

    /// Makes a standby the primary, and waits until it is.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", "--pgdata=data --wait --silent promote");
    }

    /// Sends a signal to all processes of the server, such as `STOP` and `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let output = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let file = self.folder.path().join("data/postmaster.pid");
        // The folder belongs to another user.
        let parent = output("head", &["-n1", file.to_str().unwrap()]);
        let children = output("ps", &["-o", "pid=", "--ppid", parent.trim()]);
        let all = [parent.trim()].into_iter().chain(children.split_whitespace());
        // A process may have ended by itself meanwhile.
        drop(Command::new("kill").args(["-s", name]).args(all).stderr(Stdio::null()).status());
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the stopped server and waits until it accepts connections.
    pub(crate) fn start_again(&self) {
        let settings = format!(
            "-c port={} -c listen_addresses=127.0.0.1 -c unix_socket_directories= {}",
            self.port, self.settings
        );
        let mut start = self.command("pg_ctl");
        start.args(["--pgdata=data", "--log=log", "--wait", "--silent", "--options", &settings, "start"]);
        assert!(start.status().unwrap().success());
    }

    /// Stops the server. Mode `fast` ends the sessions first; `immediate` is like a crash.
    pub(crate) fn stop(&self, mode: &str) {
        self.run("pg_ctl", &format!("--pgdata=data --mode={mode} --wait --silent stop"));
    }

    /// A home with a database on this server.
    pub(crate) fn home(&self) -> Home {
        Home::at(&format!("postgres://postgres@127.0.0.1:{}/postgres", self.port))
    }

    fn run(&self, program: &str, arguments: &str) {
        assert!(self.command(program).args(arguments.split(' ')).status().unwrap().success(), "{program}");
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.owner {
            Some(owner) => {
                let mut command = Command::new("runuser");
                command.args(["-u", owner, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // This fails if the server is already stopped.
        let stop = ["--pgdata=data", "--mode=immediate", "--silent", "stop"];
        drop(self.command("pg_ctl").args(stop).status());
    }
}

/// The user that runs the server if the tests run as root.
pub(crate) fn owner() -> Option<&'static str> {
    let id = |arguments: &[&str]| Command::new("id").args(arguments).output().unwrap();
    if id(&["-u"]).stdout != b"0\n" {
        return None;
    }
    Some(if id(&["-un", "postgres"]).status.success() { "postgres" } else { "nobody" })
}

/// The folder of the newest release's programs. Debian keeps them out of the `PATH`. Elsewhere it is
/// empty, so that the `PATH` is searched.
fn programs() -> PathBuf {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let release = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = releases.map(|release| release.unwrap().path()).max_by_key(release);
    newest.map(|release| release.join("bin")).unwrap_or_default()
}
