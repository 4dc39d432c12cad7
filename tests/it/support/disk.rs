//! Simulates full disks without filling the machine's own disk.

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

/// A shell script that runs a program with a limit on the size of its files. The first argument is the
/// limit, in blocks of 512 bytes. The script ignores SIGXFSZ, so that a write beyond the limit fails
/// like a write to a full disk.
pub(crate) const RUN_WITH_FILE_LIMIT: &str = r#"trap "" XFSZ; ulimit -S -f "$1"; shift; exec "$@""#;

/// A disk that a test can fill and free again.
pub(crate) enum Disk {
    /// A file system in memory, mounted at this folder. Mounting needs root.
    Mounted(PathBuf),
    /// A limit on the size of the program's files.
    Limited,
}

impl Disk {
    /// Every kind that works on this machine. They matter because SQLite reports each with another error.
    pub(crate) fn kinds(folder: &Path) -> Vec<Self> {
        let mount_point = folder.join("disk");
        fs::create_dir(&mount_point).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "roms-test"])
            .arg(&mount_point)
            .output();
        let mut kinds = vec![Self::Limited];
        if mount.is_ok_and(|mount| mount.status.success()) {
            kinds.push(Self::Mounted(mount_point));
        } else {
            tracing::warn!("cannot mount a file system here; testing only with a file size limit");
        }
        kinds
    }

    /// Starts ROMS with its database on this disk. The rest of its configuration is that of `home`.
    pub(crate) async fn start(&self, home: Home) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", RUN_WITH_FILE_LIMIT, "sh", "unlimited", env!("CARGO_BIN_EXE_roms")]);
        let mut command = in_folder(command, home.path());
        command.env("ROMS__DATABASE__URL", format!("sqlite://{}", self.database(&home).display()));
        Program::start_by(command, home).await
    }

    /// The path of the database.
    pub(crate) fn database(&self, home: &Home) -> PathBuf {
        match self {
            Self::Mounted(mount_point) => mount_point.join("roms_v2.db"),
            Self::Limited => home.database(),
        }
    }

    /// Fills the disk, so that the program's files cannot grow.
    pub(crate) fn fill(&self, program: &Program) {
        match self {
            Self::Mounted(mount_point) => {
                let mut filler = File::create(mount_point.join("filler")).unwrap();
                while filler.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
            }
            Self::Limited => limit(program, "4096:"),
        }
    }

    /// Frees the disk.
    pub(crate) fn free(&self, program: &Program) {
        match self {
            Self::Mounted(mount_point) => fs::remove_file(mount_point.join("filler")).unwrap(),
            Self::Limited => limit(program, "unlimited:"),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted(mount_point) = self {
            // `-l` detaches the file system now and removes it when its last file is closed.
            drop(Command::new("umount").arg("-l").arg(mount_point).status());
        }
    }
}

/// Sets the soft limit on the size of the program's files; `prlimit` reads `4096:` as a soft limit.
fn limit(program: &Program, bytes: &str) {
    let id = program.id().to_string();
    let status = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}")]).status().unwrap();
    assert!(status.success());
}
