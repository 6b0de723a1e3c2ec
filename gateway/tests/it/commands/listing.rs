//! `mcp-gateway list`.

use serde_json::json;

use super::{DOWN, ask, folder, run};
use crate::support::{Gateway, Journal, fake_shard};

#[tokio::test]
async fn what_a_running_gateway_exposes_is_listed_by_the_names_that_call_takes() {
    let shard = fake_shard(&[]) + "tools: { allow: [echo, slee*] }\n";
    let gateway = Gateway::builder().shard("fake", shard).start().await;
    gateway.until("fake", "ready").await;
    let said = ask(&gateway, &["list"]).await;
    let names: Vec<&str> = said.good().lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["NAME", "fake__echo", "fake__sleep"]);
    let tools = ask(&gateway, &["list", "tools", "--json"]).await.json();
    assert_eq!(tools.as_array().unwrap().len(), 2);
    assert_eq!((&tools[0]["name"], &tools[0]["inputSchema"]["type"]), (&json!("fake__echo"), &json!("object")));
    let shards = ask(&gateway, &["list", "shards", "--json"]).await.json();
    assert_eq!((&shards[0]["name"], &shards[0]["tools"]), (&json!("fake"), &json!(2)));
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_gateway_the_shards_are_started_asked_and_ended() {
    let journal = Journal::new();
    let folder = folder(&[("fake", &journal.fake_shard(&[])), ("off", "command: x\nenabled: false\n")]);
    for subject in ["tools", "prompts", "resources", "shards"] {
        let items = run(&["list", subject, "--json", "--own"], folder.path()).await.json();
        assert!(!items.as_array().unwrap().is_empty(), "{subject}");
        assert_eq!(journal.keepers(), [""; 0], "{subject}");
    }
    assert_eq!(journal.of("initialize").len(), 4, "one process for each command");
}

#[tokio::test]
async fn a_shard_that_does_not_run_is_named_beside_what_the_others_offer() {
    let folder = folder(&[("fake", &fake_shard(&[])), ("down", DOWN), ("odd", "comand: x\n")]);
    let said = run(&["list", "--own"], folder.path()).await;
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("fake__echo"), "{said:?}");
    let expected = [
        "shard `down` does not run: it ended with exit status: 3",
        "shards.d/odd.yaml:1: unknown key `comand`; did you mean `command`?",
    ];
    assert_eq!(said.err.lines().collect::<Vec<_>>(), expected, "no log, whose lines are no answer");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let folder = folder(&[]);
    let said = run(&["list", "--own", "--shards", "elsewhere.d"], folder.path()).await;
    assert!(said.bad(1).contains("elsewhere.d") && said.err.contains("`--shards`"), "{said:?}");
    let said = run(&["list", "--own"], folder.path()).await;
    assert!(said.good().contains("There are no tools"), "{said:?}");
}
