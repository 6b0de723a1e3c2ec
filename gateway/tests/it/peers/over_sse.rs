//! Third-party clients at the gateway's HTTP+SSE door, third-party servers behind it.

use super::clients::{self, Client, OVER_SSE, TYPESCRIPT};
use super::questions;
use super::servers::{Servers, installed};
use crate::support::Gateway;

fn address(gateway: &Gateway) -> String {
    format!("http://{}/sse", gateway.host())
}

/// Each client sees all that the eight list, and every call is answered as its server answers it.
async fn all_see_and_call_everything(clients: &[Client]) {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let door = ["--url".to_owned(), address(&gateway)];
    clients::all_see_and_call_everything(clients, &servers, gateway, &door).await;
}

#[tokio::test]
async fn the_sdks_see_and_call_eight_servers() {
    all_see_and_call_everything(&OVER_SSE[..3]).await;
}

#[tokio::test]
async fn the_inspector_sees_and_calls_eight_servers() {
    all_see_and_call_everything(&OVER_SSE[3..]).await;
}

/// It stands between a client of stdio and the gateway, and is told not to try anything newer.
#[tokio::test]
async fn mcp_remote_leads_a_client_of_stdio_to_eight_servers() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let peers = installed();
    let own = servers.dir().path().join("mcp-remote").display().to_string();
    let program = peers.join("node/node_modules/mcp-remote/dist/proxy.js").display().to_string();
    let (node, address) = (peers.join("bin/node").display().to_string(), address(&gateway));
    let variable = format!("MCP_REMOTE_CONFIG_DIR={own}");
    let door = ["--stdio", "env", &variable, &node, &program, &address, "--allow-http", "--transport", "sse-only"];
    let complaints = TYPESCRIPT[0].complaints(&servers, &door.map(str::to_owned)).await;
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn progress_questions_and_errors_of_a_real_server_reach_both_sdks() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    for driver in questions::DRIVERS {
        let told = questions::told(driver, &[address(&gateway)], &[]).await;
        questions::check(driver, &told);
        // Only the TypeScript SDK opens a stream anew, and it does not initialise a second time.
        assert!(driver == "sse.py" || told["again"] == "The sum of 20 and 23 is 43.", "{driver}: {told}");
        questions::given_up(&gateway).await;
    }
    gateway.stop().await;
}
