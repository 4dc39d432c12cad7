//! `roms purge`: removes a person from everything that is stored.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::{
    config::Config,
    order::EmailAddress,
    store::{Purged, Store},
};

/// What is not in reach of the database.
const ELSEWHERE: &str = "Copies elsewhere are for you to remove: backups made before (and databases kept by `roms restore`), \
                         the messages in Discord, of which a later edit or `roms discord backfill` would be read again, and \
                         on PostgreSQL what its write-ahead log archives and replicas hold.";

/// What is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The person's e-mail address, in any case.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Count what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Finds the person, asks, removes them, and says what was done. The address itself is not
/// repeated anywhere.
///
/// # Errors
/// When the address is none, nobody agrees, or the database fails.
pub(crate) async fn run(arguments: &Arguments, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
    let address = EmailAddress::parse(&arguments.email)?;
    if !arguments.dry_run && !arguments.yes && !io::stdin().is_terminal() {
        bail!(
            "this cannot be undone: run it on a terminal, where it asks, or with --yes; --dry-run only counts"
        );
    }
    let store = Store::open(&config.database.url).await?;
    if arguments.dry_run {
        report(out, &store.preview_purge(&address).await?, "would be emptied")?;
    } else if arguments.yes || agrees(&store.preview_purge(&address).await?, &mut io::stdin().lock(), out)? {
        let purged = store.purge(&address).await.context("not finished; run it again")?;
        report(out, &purged, "emptied")?;
        writeln!(out, "{ELSEWHERE}")?;
    } else {
        bail!("nothing was changed");
    }
    Ok(store.close().await?)
}

fn report(out: &mut impl Write, found: &Purged, what: &str) -> io::Result<()> {
    let Purged { orders, events, logs, views } = found;
    writeln!(
        out,
        "{orders} orders: e-mail address, name, shipping address, profile, proxy, notes and unknown labels {what}; \
         number, product, price, status and dates stay"
    )?;
    writeln!(out, "{events} steps of their history: the same values {what}")?;
    writeln!(out, "{logs} messages in the log: text, warnings and error {what}")?;
    writeln!(out, "{views} searches kept for the buttons of lists in Discord: {what}")
}

/// Whether the person at the terminal wants it.
fn agrees(found: &Purged, answers: &mut impl BufRead, out: &mut impl Write) -> io::Result<bool> {
    report(out, found, "would be emptied")?;
    write!(out, "This cannot be undone. Type yes to go on: ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

#[cfg(test)]
mod tests {
    use super::{Purged, agrees};

    #[test]
    fn nothing_but_yes_is_agreement() {
        let found = Purged { orders: 2, events: 3, logs: 4, views: 0 };
        for (typed, expected) in
            [("yes\n", true), (" yes \r\n", true), ("y\n", false), ("\n", false), ("", false)]
        {
            let mut out = Vec::new();
            assert_eq!(agrees(&found, &mut typed.as_bytes(), &mut out).unwrap(), expected, "{typed:?}");
            let shown = String::from_utf8(out).unwrap();
            assert!(shown.starts_with("2 orders: ") && shown.ends_with("Type yes to go on: "), "{shown}");
        }
    }
}
