//! What is remembered of a shard's era, and when it is asked for anew.

use serde_json::json;

use crate::support::{Builder, Gateway, Journal, Legacy, eventually};

const STRAIGHT: &str = "| initialize initialized lists";
const BOTH: &str = "| discover initialize initialized lists";

/// A shard over several starts of the gateway: its flags at each, and what it is sent then.
struct Lives {
    name: &'static str,
    lives: &'static [(&'static str, &'static str, &'static str)],
}

/// Starts gateways one after the other in the same folders.
async fn check(shards: &[Lives]) {
    let journals: Vec<Journal> = shards.iter().map(|_| Journal::new()).collect();
    let mut dir = None;
    for life in 0..shards[0].lives.len() {
        let mut builder = Gateway::builder();
        for (shard, journal) in shards.iter().zip(&journals) {
            journal.set_flags(shard.lives[life].0);
            builder = builder.shard(shard.name, journal.marked_fake_shard(&[]));
        }
        let builder = dir.iter().fold(builder, Builder::in_dir);
        let gateway = builder.start().await;
        for (shard, journal) in shards.iter().zip(&journals) {
            let (_, era, steps) = shard.lives[life];
            let entry = gateway.until(shard.name, "ready").await;
            assert_eq!((&entry["era"], &*journal.steps()), (&json!(era), steps), "{}, start {life}", shard.name);
            assert_eq!(entry["last_error"], json!(null), "{}", shard.name);
        }
        dir = Some(gateway.dir().clone());
        gateway.stop().await;
        journals.iter().for_each(Journal::clear);
    }
}

#[tokio::test]
async fn a_verdict_is_remembered_unless_only_silence_speaks_for_it() {
    check(&[
        Lives { name: "legacy", lives: &[("", "legacy", BOTH), ("", "legacy", STRAIGHT), ("", "legacy", STRAIGHT)] },
        Lives {
            name: "modern",
            lives: &[
                ("--era modern", "modern", "| discover listen lists"),
                ("--era modern", "modern", "| discover listen lists"),
                ("--era modern", "modern", "| discover listen lists"),
            ],
        },
        Lives {
            name: "exits",
            lives: &[
                ("--on-discover exit", "legacy", "| discover | initialize initialized lists"),
                ("--on-discover exit", "legacy", STRAIGHT),
                ("--on-discover exit", "legacy", STRAIGHT),
            ],
        },
        Lives {
            name: "silent",
            lives: &[
                ("--on-discover silent", "legacy", BOTH),
                ("--on-discover silent", "legacy", BOTH),
                ("--on-discover silent", "legacy", BOTH),
            ],
        },
        // The same roster, and now an answer speaks for the era.
        Lives {
            name: "speaks",
            lives: &[("--on-discover silent", "legacy", BOTH), ("", "legacy", BOTH), ("", "legacy", STRAIGHT)],
        },
    ])
    .await;
}

#[tokio::test]
async fn a_verdict_is_asked_for_anew_when_it_fails_or_the_server_is_another() {
    check(&[
        Lives {
            name: "refuses-initialize",
            lives: &[("", "legacy", BOTH), ("--era modern", "modern", "| initialize | discover listen lists")],
        },
        Lives {
            name: "refuses-discover",
            lives: &[
                ("--era modern", "modern", "| discover listen lists"),
                ("", "legacy", "| discover | discover initialize initialized lists"),
            ],
        },
        Lives {
            name: "exits-at-discover",
            lives: &[
                ("--era ts", "modern", "| discover listen lists"),
                ("--on-discover exit", "legacy", "| discover | discover | initialize initialized lists"),
            ],
        },
        Lives {
            name: "other-name",
            lives: &[
                ("--name one", "legacy", BOTH),
                ("--name two --era ts", "modern", "| initialize initialized | discover listen lists"),
            ],
        },
        Lives {
            name: "other-version",
            lives: &[
                ("--version 1", "legacy", BOTH),
                ("--version 2", "legacy", "| initialize initialized | discover initialize initialized lists"),
            ],
        },
        // A dual server that was legacy stays so as long as it is the same: there is no reason to ask.
        Lives { name: "same", lives: &[("", "legacy", BOTH), ("--era ts", "legacy", STRAIGHT)] },
    ])
    .await;
}

#[tokio::test]
async fn what_the_file_says_is_not_remembered_as_a_verdict() {
    let journal = Journal::new();
    let file = journal.marked_fake_shard(&["--era", "ts"]);
    let gateway = Gateway::builder().shard("ts", file.clone() + "protocol: legacy\n").start().await;
    assert_eq!(gateway.until("ts", "ready").await["era"], "legacy");
    let dir = gateway.dir().clone();
    gateway.stop().await;
    journal.clear();
    let gateway = Gateway::builder().in_dir(&dir).shard("ts", file).start().await;
    assert_eq!(gateway.until("ts", "ready").await["era"], "modern");
    assert_eq!(journal.steps(), "| discover listen lists");
    gateway.stop().await;
}

#[tokio::test]
async fn a_server_that_is_exchanged_while_the_gateway_runs_is_asked_and_keeps_its_tools_meanwhile() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.marked_fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let mut client = Legacy::open(&gateway, "2025-11-25").await;
    journal.set_flags("--era ts --name other --start-delay 300");
    client.call("fake__crash", json!({})).await;
    let tools = client.tools().await;
    let modern = async || {
        assert_eq!(client.tools().await, tools);
        (gateway.shard("fake").await["era"] == "modern").then_some(())
    };
    eventually("it is modern", modern).await;
    assert_eq!(journal.steps(), format!("{BOTH} call | initialize initialized | discover listen lists"));
    assert_eq!(client.tools().await, tools);
    gateway.stop().await;
}
