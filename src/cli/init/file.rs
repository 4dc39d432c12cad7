//! Writes the configuration and the token.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::{Answers, CLIENT_SECRET_FILE, SecretAnswer, TOKEN_FILE};
use crate::discord::setup::Named;

/// The configuration with these answers, and nothing else.
pub(crate) fn text(answers: &Answers) -> String {
    let Answers { timezone, currency, bind, public_url, discord, client_secret } = answers;
    let mut text =
        "# Written by `roms init`. config.example.toml explains these and all other settings.\n\n".to_owned();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line("[http]");
    line(&format!("bind = {}", quoted(&bind.to_string())));
    if let Some(url) = public_url {
        line(&format!("public_url = {}", quoted(url)));
        if bind.ip().is_loopback() {
            // Requests from the Internet arrive from a proxy or a tunnel on this machine.
            line("require_auth = true");
            let local = if bind.is_ipv6() { "::1" } else { "127.0.0.1" };
            line(&format!("trusted_proxies = [{}]", quoted(local)));
        }
    }
    line("");
    if let Some(discord) = discord {
        line("[discord]");
        line(&format!("token_file = {}", secret_path(&discord.token, TOKEN_FILE)));
        if let Some(url) = &discord.api_url {
            line(&format!("api_url = {}", quoted(url)));
        }
        let names: Vec<_> = discord.guilds.iter().map(|guild| guild.name.as_str()).collect();
        line(&format!(
            "guilds = {} # {}",
            list(discord.guilds.iter().map(|guild| guild.id)),
            names.join(", ")
        ));
        if let Some(id) = discord.notice_channel {
            line(&format!("notice_channel = \"{id}\""));
        }
        line("");
        for Named { id, name, .. } in &discord.channels {
            line(&format!("[[discord.channels]]\nid = \"{id}\""));
            if !name.is_empty() {
                line(&format!("name = {}", quoted(name)));
            }
            line("");
        }
        if discord.access.iter().any(|ids| !ids.is_empty()) {
            line("[access]");
            for (level, ids) in ["viewer", "manager", "admin"].into_iter().zip(&discord.access) {
                line(&format!("{level} = {}", list(ids.iter().copied())));
            }
            line("");
        }
    }
    if let Some((discord, secret)) = discord.as_ref().zip(client_secret.as_ref()) {
        line(&format!("[sign_in]\nclient_id = \"{}\"", discord.application));
        line(&format!("client_secret_file = {}\n", secret_path(secret, CLIENT_SECRET_FILE)));
    }
    line("[orders]");
    line(&format!("timezone = {}", quoted(timezone.name())));
    line(&format!("currency = {}", quoted(currency.code())));
    text
}

/// The path of a secret's file, as a TOML string. A relative path starts in the folder of the configuration.
fn secret_path(secret: &SecretAnswer, beside: &str) -> String {
    let existing = secret.file.as_deref();
    let path = existing.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    quoted(&path.map_or_else(|| beside.into(), |path| path.to_string_lossy().into_owned()))
}

/// A text as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(ids: impl Iterator<Item = i64>) -> String {
    let ids: Vec<_> = ids.map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", ids.join(", "))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    let mut file = open_private(path)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Replaces a file that may have another mode by an empty one that only its owner can read.
fn open_private(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
