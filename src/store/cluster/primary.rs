//! Watches where the address of a PostgreSQL database leads. Connections to an old primary stay open when a proxy sends
//! new ones elsewhere, and an old primary that wakes up accepts orders which its successor never sees. So a new
//! connection is opened every two seconds; if it leads to a newer primary, all older connections are given up. If a
//! connection succeeds after one that failed, the network may have lost packets of the older connections, so that statements
//! without an answer are given up.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sea_orm::sqlx;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::connection::Connection;
use crate::store::connection::server::Server;
use crate::store::error::reason;

/// Pause between two looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Pause before the next look if one fails or has no answer yet. Short, so that orders are accepted soon after the server
/// can be used again.
const RETRY_INTERVAL: Duration = Duration::from_millis(300);
/// How long a connection may take. Not long, because the address may lead elsewhere meanwhile.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// Watches until the guard is dropped.
pub(crate) fn watch(server: Server, pools: [Connection; 2]) -> DropGuard {
    let stop = CancellationToken::new();
    let watching = stop.clone();
    tokio::spawn(async move { watching.run_until_cancelled(run(server, pools)).await });
    stop.drop_guard()
}

async fn run(server: Server, pools: [Connection; 2]) {
    let (mut logged, mut was_unreachable) = (None, false);
    // Several looks at once: the packets of one may be lost although the server can be reached again.
    let (mut looks, mut begun) = (FuturesUnordered::new(), 0_u32);
    let look = async |number: u32| (number, timeout(LOOK_TIMEOUT, server.open_session()).await);
    loop {
        looks.push(look(begun));
        begun = begun.saturating_add(1);
        let Ok(Some((number, looked))) = timeout(RETRY_INTERVAL, looks.next()).await else { continue };
        let is_found = matches!(looked, Ok(Ok(_)));
        match looked {
            Ok(Ok(session)) => {
                looks.clear();
                begun = 0;
                // An earlier look failed or has no answer.
                if std::mem::take(&mut was_unreachable) || number > 0 {
                    server.abandon_silent();
                }
                logged = None;
                session.close().await;
            }
            Ok(Err(error)) => {
                was_unreachable |= matches!(error, sqlx::Error::Io(_));
                log_refusal(&error, &mut logged);
            }
            Err(_) => was_unreachable = true,
        }
        for pool in &pools {
            if let Connection::Postgres(pool) = pool {
                pool.prune().await;
            }
        }
        sleep(if is_found { INTERVAL } else { RETRY_INTERVAL }).await;
    }
}

/// Logs once why a server that answers is not used. The writer logs that a server does not answer.
fn log_refusal(error: &sqlx::Error, logged: &mut Option<String>) {
    if let sqlx::Error::Configuration(_) = error {
        let reason = reason(error);
        if logged.as_ref() != Some(&reason) {
            tracing::warn!("the address of the database leads to a server that ROMS does not use: {reason}");
            *logged = Some(reason);
        }
    }
}
