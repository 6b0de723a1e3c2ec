//! The gateway as its first user sees it.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::{Gateway, Legacy, eventually, fake_shard, template_shard};

#[tokio::test]
async fn a_shard_file_makes_its_tools_appear_and_answer_in_both_eras() {
    let gateway = Gateway::builder().shard("host", template_shard()).start().await;
    let mut legacy = Legacy::open(&gateway, "2025-11-25").await;
    assert_eq!(legacy.tools().await, ["host__disk_usage", "host__subnet_info"]);
    let result = legacy.call("host__subnet_info", json!({"cidr": "10.0.0.0/22"})).await;
    assert_eq!(result["structuredContent"]["hosts"], 1022);
    let modern =
        gateway.modern("tools/call", json!({"name": "host__subnet_info", "arguments": {"cidr": "10.0.0.0/22"}}));
    assert_eq!(modern.await.answer()["result"], result);
    gateway.stop().await;
}

#[tokio::test]
async fn shards_come_change_and_go_with_their_files_while_a_broken_file_harms_no_other() {
    let gateway = Gateway::builder().shard("one", fake_shard(&["--name", "one"])).start().await;
    gateway.until("one", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-06-18").await;
    gateway.write_shard("two", &fake_shard(&["--name", "two"]));
    gateway.until("two", "ready").await;
    assert!(client.tools().await.contains(&"two__echo".to_owned()));
    let pid = gateway.shard("two").await["pid"].clone();

    gateway.write_shard("two", &format!("{}prefix: second\n", fake_shard(&["--name", "two"])));
    eventually("the new prefix", async || client.tools().await.contains(&"second__echo".to_owned()).then_some(()))
        .await;
    assert_eq!(gateway.shard("two").await["pid"], pid, "a new prefix needs no new process");

    gateway.write_shard("two", "comand: nothing\n");
    eventually("the problem is shown", async || {
        let problems = gateway.health().await["problems"].to_string();
        problems.contains("did you mean `command`?").then_some(())
    })
    .await;
    assert_eq!(gateway.shard("two").await["pid"], pid, "the last good spec goes on");
    assert_eq!(client.call("second__echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}));

    gateway.remove_shard("two");
    eventually("it is gone", async || gateway.shard("two").await.is_null().then_some(())).await;
    assert!(client.tools().await.iter().all(|tool| tool.starts_with("one__")));
    gateway.stop().await;
}

#[tokio::test]
async fn the_shard_files_that_ship_are_right_and_their_shards_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shards.d");
    let mut builder = Gateway::builder();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The schema for editors lies there too, hidden.
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        builder = builder.shard(path.file_name().unwrap().to_str().unwrap(), fs::read_to_string(&path).unwrap());
    }
    assert!(names.contains(&"template".to_owned()), "{names:?}");
    let gateway = builder.start().await;
    for name in names {
        gateway.until(&name, "ready").await;
    }
    let health = gateway.health().await;
    assert_eq!(health["problems"], json!([]));
    assert_eq!(health["status"], "ok");
    gateway.stop().await;
}

#[tokio::test]
async fn the_start_shows_the_shards_their_problems_and_what_clients_need() {
    let gateway = Gateway::builder()
        .shard("host", template_shard())
        .shard("gone", "command: no-such-program\n")
        .shard("deaf", format!("{}timeouts: {{ start: 300ms }}\n", fake_shard(&["--on-discover", "silent"])))
        .start()
        .await;
    let log = eventually("the table is printed", async || {
        let log = gateway.log();
        log.contains("Claude Desktop").then_some(log)
    });
    let log = log.await;
    let row =
        |name: &str| log.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{log}"));
    assert!(row("host").contains("ready"));
    assert!(row("deaf").contains("no answer to the handshake within 300ms (`timeouts.start`)"), "{log}");
    assert!(row("gone").contains("invalid"));
    assert!(log.contains("gone.yaml:1: ") && log.contains("no-such-program"), "{log}");
    assert!(log.contains(&format!("URL {}", gateway.url())), "{log}");
    let health = gateway.health().await;
    assert_eq!(health["status"], "degraded");
    gateway.stop().await;
}

#[tokio::test]
async fn readiness_waits_until_each_shard_has_been_tried_and_liveness_does_not() {
    let slow = fake_shard(&["--start-delay", "1500"]);
    let gateway = Gateway::builder().shard("slow", format!("{slow}protocol: legacy\n")).start().await;
    let mut http = gateway.http().await;
    assert_eq!(http.send("GET", "/livez", &[], "").await.status, 200);
    assert_eq!(http.send("GET", "/readyz", &[], "").await.status, 503);
    gateway.until("slow", "ready").await;
    assert_eq!(http.send("GET", "/readyz", &[], "").await.status, 200);
    gateway.stop().await;
}
