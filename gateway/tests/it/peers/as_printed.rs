//! What people paste: the snippets that `mcp-gateway client` prints, started by real clients exactly as they are written,
//! and the file of Claude Desktop, taken as a shard file exactly as it is.
//!
//! Invariant: a client knows nothing but its configuration file and a home of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::clients::{Client, PYTHON, TYPESCRIPT};
use super::servers::{Servers, names};
use crate::commands::command;
use crate::support::Gateway;

/// Writes what is printed for Claude Desktop into its file.
async fn configured(servers: &Servers, flags: &[&str]) -> PathBuf {
    let words = [&["client", "claude-desktop", "--json"], flags].concat();
    let printed = command(&words, servers.dir().path()).output().await.unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let file = servers.dir().path().join("claude_desktop_config.json");
    fs::write(&file, printed.stdout).unwrap();
    file
}

/// A gateway that has had all eight of the one file ready, and keeps what it learned where one started by a client in
/// `home` looks for it.
async fn with_eight(servers: &Servers, home: &Path) -> Gateway {
    let gateway = servers.gateway().state_dir(home.join(".local/state/mcp-gateway")).start().await;
    servers.drop_in_as_one_file();
    for name in names() {
        gateway.until(&name, "ready").await;
    }
    gateway
}

fn home(servers: &Servers) -> PathBuf {
    let home = servers.dir().path().join("home");
    fs::create_dir_all(&home).unwrap();
    home
}

async fn calls_the_eight(client: &Client, servers: &Servers, config: &Path, home: &Path) {
    let complaints = client.complaints_at_home(servers, config, home).await;
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test]
async fn eight_servers_in_claude_desktops_file_all_answer_once_it_is_dropped_in() {
    let servers = Servers::lay_out().await;
    let home = home(&servers);
    let gateway = with_eight(&servers, &home).await;
    let door = ["--url".to_owned(), gateway.url()];
    let complaints = TYPESCRIPT[2].complaints(&servers, &door).await;
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn sdks_that_start_the_claude_desktop_snippet_call_eight_servers_in_a_fleet_of_their_own() {
    let servers = Servers::lay_out().await;
    let home = home(&servers);
    with_eight(&servers, &home).await.stop().await;
    let shards = servers.dir().path().join("shards.d").display().to_string();
    let config = configured(&servers, &["--shards", &shards]).await;
    for client in [&TYPESCRIPT[0], &TYPESCRIPT[2], &PYTHON[1]] {
        calls_the_eight(client, &servers, &config, &home).await;
    }
}

#[tokio::test]
async fn the_mcp_remote_snippet_leads_a_client_of_stdio_to_the_running_gateway() {
    let servers = Servers::lay_out().await;
    let home = home(&servers);
    let gateway = with_eight(&servers, &home).await;
    fs::write(home.join(".npmrc"), "offline=true\n").unwrap();
    // `mcp-remote` takes the first address for this machine, and the second for another one, to which plain HTTP must be
    // allowed.
    for (host, client) in [("127.0.0.1", &TYPESCRIPT[0]), ("0.0.0.0", &PYTHON[0])] {
        let url = gateway.url().replace("127.0.0.1", host);
        let config = configured(&servers, &["--via", "mcp-remote", "--url", &url]).await;
        calls_the_eight(client, &servers, &config, &home).await;
    }
    gateway.stop().await;
}
