//! Third-party clients, the gateway's HTTP door, third-party servers.

use super::clients::{self, Client, INSPECTOR, PYTHON, TYPESCRIPT};
use super::servers::{Servers, Sight, exposed, names};
use crate::support::{Gateway, Legacy, eventually, template_shard};

/// Each client sees all that the eight list, and every call is answered as its server answers it.
async fn all_see_and_call_everything(clients: &[Client]) {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway().start().await;
    let mut watching = Legacy::open(&gateway, "2025-06-18").await;
    assert!(watching.tools().await.is_empty(), "nothing is there yet");

    servers.drop_in();
    for name in names() {
        gateway.until(&name, "ready").await;
    }
    eventually("the open session sees all tools", async || {
        let mut tools = watching.tools().await;
        tools.sort_unstable();
        (tools == exposed("tools")).then_some(())
    })
    .await;

    let door = ["--url".to_owned(), gateway.url()];
    clients::all_see_and_call_everything(clients, &servers, gateway, &door).await;
}

#[tokio::test]
async fn both_typescript_sdks_see_and_call_servers_that_were_dropped_in() {
    all_see_and_call_everything(&TYPESCRIPT).await;
}

#[tokio::test]
async fn the_python_sdk_sees_and_calls_servers_that_were_dropped_in() {
    all_see_and_call_everything(&PYTHON).await;
}

#[tokio::test]
async fn the_inspector_sees_and_calls_servers_that_were_dropped_in() {
    all_see_and_call_everything(&INSPECTOR).await;
}

/// Some of the servers, and one alone under its own names: other lists, the same answers.
#[tokio::test]
async fn each_client_sees_and_calls_what_its_address_shows() {
    let servers = Servers::lay_out().await;
    servers.drop_in();
    let gateway = servers.gateway().start().await;
    for name in names() {
        gateway.until(&name, "ready").await;
    }
    let mut complaints = Vec::new();
    for sight in [Sight::Alone("everything"), Sight::Only(&["everything", "time"])] {
        let door = ["--url".to_owned(), format!("http://{}{}", gateway.host(), sight.path())];
        for client in TYPESCRIPT.iter().chain(&PYTHON) {
            let told = client.complaints_at(sight, &servers, &door).await;
            complaints.extend(told.into_iter().map(|complaint| format!("{}: {complaint}", sight.path())));
        }
    }
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

/// Both are slips that people make: a slash too many is served, and a name that is none is told of.
#[tokio::test]
async fn each_sdk_is_served_at_an_address_with_a_slash_and_shows_why_there_is_no_shard() {
    let gateway = Gateway::builder().shard("host", template_shard()).start().await;
    gateway.until("host", "ready").await;
    for client in TYPESCRIPT.iter().chain(&PYTHON) {
        for (path, tool) in [("/mcp/", "host__disk_usage"), ("/mcp/host/", "disk_usage")] {
            let (is_of_its_era, tools) = client.looks(&format!("http://{}{path}", gateway.host())).await.unwrap();
            assert!(is_of_its_era && tools.iter().any(|name| name == tool), "{path}: {tools:?}");
        }
    }
    // The TypeScript client that is pinned to one revision only tells that it was not offered, whatever the gateway says.
    for client in TYPESCRIPT[..3].iter().chain(&PYTHON) {
        let told = client.looks(&format!("{}/hots", gateway.url())).await.unwrap_err();
        assert!(told.contains("there is no shard `hots`; did you mean `host`?"), "{told}");
    }
    gateway.stop().await;
}
