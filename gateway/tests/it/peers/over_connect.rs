//! Third-party clients on stdio that join a running gateway, third-party servers behind it.

use super::clients::{self, Client, PYTHON, STARTING_INSPECTOR, TYPESCRIPT};
use super::questions;
use super::servers::Servers;
use crate::support::Gateway;

/// What a client is told to start.
fn joining(gateway: &Gateway) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_mcp-gateway");
    ["--stdio", program, "stdio", "--connect", &gateway.url()].map(str::to_owned).into()
}

/// Each client sees all that the eight list, and every call is answered as its server answers it.
async fn all_see_and_call_everything(clients: &[Client]) {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    let door = joining(&gateway);
    clients::all_see_and_call_everything(clients, &servers, gateway, &door).await;
}

#[tokio::test]
async fn both_typescript_sdks_see_and_call_eight_servers() {
    all_see_and_call_everything(&TYPESCRIPT).await;
}

#[tokio::test]
async fn the_python_sdk_sees_and_calls_eight_servers() {
    all_see_and_call_everything(&PYTHON).await;
}

#[tokio::test]
async fn the_inspector_sees_and_calls_eight_servers() {
    all_see_and_call_everything(&STARTING_INSPECTOR).await;
}

#[tokio::test]
async fn progress_questions_and_errors_of_a_real_server_reach_both_sdks() {
    let servers = Servers::lay_out().await;
    let gateway = servers.gateway_with_all().await;
    for driver in questions::DRIVERS {
        questions::check(driver, &questions::told(driver, &joining(&gateway), &[]).await);
        questions::given_up(&gateway).await;
    }
    gateway.stop().await;
}
