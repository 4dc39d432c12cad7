//! Runs the program in a terminal of its own, as a person does.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::app::until;

/// A program in a terminal.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    screen: Arc<Mutex<String>>,
    /// How much of the screen was waited for.
    read: usize,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let size = Winsize { ws_row: 50, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keys, size).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap().into_string().unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        let child = command.stdin(side()).stdout(side()).stderr(side()).env("TERM", "xterm").spawn().unwrap();
        // The command holds the other side of the terminal open until it is dropped.
        drop(command);
        let keys = File::from(keys);
        let mut shown = keys.try_clone().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let text = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = shown.read(&mut bytes) {
                text.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { child, keys, screen, read: 0 }
    }

    /// Waits until the program has shown a text, after the text of the last call, and then presses keys.
    pub(crate) async fn answer(&mut self, question: &str, keys: &str) {
        self.wait_for(question).await;
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) async fn wait_for(&mut self, text: &str) {
        let (screen, read) = (Arc::clone(&self.screen), self.read);
        let end = || screen.lock().unwrap().get(read..)?.find(text).map(|at| read + at + text.len());
        until(text, async || end().is_some()).await;
        self.read = end().unwrap();
    }

    /// Everything that was shown.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    pub(crate) async fn end(mut self) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }
}
