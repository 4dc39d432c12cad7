//! Disks that are full, made without touching the machine's own.

/// A shell script that runs a program whose files may not grow beyond a size: its first argument,
/// in blocks of 512 bytes. The signal for it is ignored, so that a write fails as on a full disk.
pub(crate) const LIMITED: &str = r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#;
