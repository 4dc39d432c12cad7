//! Disks that are full, made without touching the machine's own.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    home::Home,
    program::{Program, in_folder},
};

/// A shell script that runs a program whose files may not grow beyond a size: its first argument,
/// in blocks of 512 bytes. The signal for it is ignored, so that a write fails as on a full disk.
pub(crate) const LIMITED: &str = r#"trap "" XFSZ; ulimit -S -f "$1"; shift; exec "$@""#;

/// A disk that can be filled up and freed again.
pub(crate) enum Disk {
    /// A file system of its own, in memory; the administrator may mount one.
    Mounted(PathBuf),
    /// A limit on the files of the program.
    Limited,
}

impl Disk {
    /// Every kind that can be had here; each fails with an error of its own.
    pub(crate) fn kinds(folder: &Path) -> Vec<Self> {
        let place = folder.join("disk");
        fs::create_dir(&place).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "roms-test"]).arg(&place).output();
        let mut kinds = vec![Self::Limited];
        if mount.is_ok_and(|mount| mount.status.success()) {
            kinds.push(Self::Mounted(place));
        } else {
            tracing::warn!("no file system can be mounted here; only a limit on files is tried");
        }
        kinds
    }

    /// Starts ROMS with its database on this disk, and whatever its configuration says besides.
    pub(crate) async fn start(&self, home: Home) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", LIMITED, "sh", "unlimited", env!("CARGO_BIN_EXE_roms")]);
        let mut command = in_folder(command, home.path());
        command.env("ROMS__DATABASE__URL", format!("sqlite://{}", self.database(&home).display()));
        Program::start_by(command, home).await
    }

    /// Where that database is.
    pub(crate) fn database(&self, home: &Home) -> PathBuf {
        match self {
            Self::Mounted(place) => place.join("roms_v2.db"),
            Self::Limited => home.database(),
        }
    }

    /// Leaves no room for the program's files to grow.
    pub(crate) fn fill(&self, program: &Program) {
        match self {
            Self::Mounted(place) => {
                let mut filler = File::create(place.join("filler")).unwrap();
                while filler.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
            }
            Self::Limited => limit(program, "4096:"),
        }
    }

    /// Makes room again.
    pub(crate) fn free(&self, program: &Program) {
        match self {
            Self::Mounted(place) => fs::remove_file(place.join("filler")).unwrap(),
            Self::Limited => limit(program, "unlimited:"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted(place) = self {
            // Whoever still has it open keeps it until then.
            drop(Command::new("umount").arg("-l").arg(place).status());
        }
    }
}

fn limit(program: &Program, bytes: &str) {
    let id = program.id().to_string();
    let status = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}")]).status().unwrap();
    assert!(status.success());
}
