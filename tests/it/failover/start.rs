//! ROMS starts while there is no usable primary.

use std::time::Duration;

use roms::store::{Options, Store};

use super::{Pair, until_ready};
use crate::durable::end;
use crate::support::app::soon;
use crate::support::home::Home;
use crate::support::program::Program;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_start_during_a_failover_waits_for_the_new_primary() {
    let mut pair = Pair::asynchronous().await;
    let home = pair.home.take().unwrap();
    pair.primary.stop("immediate");
    let promote = async {
        // The address leads to nothing, then to a standby, then to a primary.
        let (starting, address) = (Program::start_in(home), pair.standby.address());
        let promote = async {
            pair.proxy.lead_to(address);
            pair.standby.promote();
        };
        tokio::join!(starting, promote).0
    };
    let program = soon(promote).await;
    until_ready(&program, 200).await;
    end(program).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn of_several_hosts_the_primary_is_used() {
    let mut pair = Pair::asynchronous().await;
    drop(pair.home.take());
    // A host without power: the system accepts connections to it, and it never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_address = silent.local_addr().unwrap();
    let hosts = format!("{silent_address},{},{}", pair.standby.address(), pair.primary.address());
    let home = Home::sqlite();
    let mut command = home.command(&[]);
    let url = format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write");
    command.env("ROMS__DATABASE__URL", url);
    let program = Program::start_by(command, home).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client
        .post(format!("{}/api/v2/webhooks/orders", program.url))
        .body(crate::support::load::card("H-1"));
    assert_eq!(post.send().await.unwrap().status(), 200);
    assert!(program.start_lines.iter().any(|line| line.contains(&format!("postgres://{hosts}/postgres"))));
    assert_eq!(pair.primary.home().sql().await.count("orders").await, 1);
    end(program).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn of_several_hosts_the_reason_of_one_that_answers_is_shown() {
    let pair = Pair::asynchronous().await;
    let nothing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://postgres@{},{nothing}/postgres", pair.standby.address());
    let options = Options { wait: Some(Duration::from_millis(500)), ..Options::default() };
    let error = Store::open_with(&url.parse().unwrap(), options).await.unwrap_err().to_string();
    assert!(error.contains("it is a standby, which is read-only"), "{error}");
}
