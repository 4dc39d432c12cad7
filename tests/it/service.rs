//! ROMS as a service of systemd: its notifications, the secrets that systemd hands over, and the files of its
//! packages.

use std::{fs, path::Path};

use tokio::net::UnixDatagram;

use crate::support::{
    app::soon,
    home::Home,
    program::{Program, command},
};

/// Receives notifications as systemd does.
struct Systemd(UnixDatagram);

impl Systemd {
    fn listen(socket: &Path) -> Self {
        Self(UnixDatagram::bind(socket).unwrap())
    }

    async fn next(&self) -> String {
        let mut buffer = [0; 1024];
        let length = soon(self.0.recv(&mut buffer)).await.unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap().trim_end().to_owned()
    }

    /// The next notification that is not the regular sign of life.
    async fn next_change(&self) -> String {
        loop {
            let state = self.next().await;
            if state != "WATCHDOG=1" {
                return state;
            }
        }
    }
}

#[tokio::test]
async fn systemd_learns_that_roms_is_ready_lives_and_stops() {
    let home = Home::new();
    let socket = home.path().join("notify");
    let systemd = Systemd::listen(&socket);
    let mut serve = home.command(&["serve"]);
    serve.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "20000");
    let program = Program::start_by(serve, home).await;
    assert_eq!(systemd.next().await, "READY=1");
    assert_eq!(systemd.next().await, "WATCHDOG=1");
    assert_eq!(systemd.next().await, "WATCHDOG=1", "the sign of life is repeated");
    program.signal("TERM");
    assert_eq!(systemd.next_change().await, "STOPPING=1");
    assert_eq!(program.end().await.code, Some(0));
}

#[tokio::test]
async fn a_secret_of_systemd_is_used_and_an_empty_one_is_not() {
    let home = Home::sqlite();
    let folder = home.path().join("credentials");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("database-url"), "sqlite://from-systemd.db\n").unwrap();
    fs::write(folder.join("discord-token"), "\n").unwrap();
    let mut check = command(home.path(), &["check-config"]);
    let output = check.env("CREDENTIALS_DIRECTORY", &folder).output().unwrap();
    let (shown, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{log}");
    assert!(shown.contains("from-systemd.db"), "{shown}");
}

#[tokio::test]
async fn generate_writes_a_manual_page_for_every_command_and_the_completions() {
    let home = Home::sqlite();
    let output = command(home.path(), &["generate", "out"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| fs::read_to_string(home.path().join("out").join(name)).unwrap();
    assert!(read("roms.1").contains("send\\-sample"), "{}", read("roms.1"));
    assert!(read("roms-token-create.1").contains("scope"));
    for completions in ["roms.bash", "_roms", "roms.fish"] {
        assert!(read(completions).contains("send-sample"), "{completions}");
    }
}
