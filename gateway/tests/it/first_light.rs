//! The gateway as its first user sees it.

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
