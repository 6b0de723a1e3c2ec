//! How it ends: with all answers given, well, and with nothing left behind.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Gateway, Journal, eventually};

#[tokio::test]
async fn what_was_piped_in_is_answered_before_the_end() {
    let journal = Journal::new();
    let mut gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    let hello =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}});
    gateway.request(1, "initialize", hello).await;
    gateway.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    gateway.request(2, "tools/call", json!({"name": "fake__sleep", "arguments": {"ms": 300}})).await;
    gateway.request(3, "tools/list", json!({})).await;
    gateway.close();
    let (said, status) = gateway.ends(&gateway.children()).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", gateway.log());
    let ids: Vec<_> = said.iter().map(|message| message["id"].clone()).filter(|id| !id.is_null()).collect();
    assert_eq!(ids, [1, 3, 2]);
    assert_eq!(journal.keepers(), Vec::<String>::new());
}

#[tokio::test]
async fn a_call_that_never_ends_is_given_up_when_the_client_has_gone() {
    let journal = Journal::new();
    let mut gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    gateway.request("endless", "tools/call", json!({"name": "fake__hang"})).await;
    let call = journal.call_of("hang").await;
    assert_eq!(gateway.finish().await, Vec::<Value>::new());
    assert_eq!(journal.cancelled(), [call["id"].clone()]);
}

#[tokio::test]
async fn a_signal_while_shards_start_ends_it_well_and_leaves_nothing() {
    let journals = [Journal::new(), Journal::new(), Journal::new()];
    let faults: [&[&str]; 3] = [&["--start-delay", "60000"], &["--on-initialize", "silent"], &["--ignore-eof"]];
    let mut builder = Gateway::builder();
    for (journal, fault) in journals.iter().zip(faults) {
        builder = builder.shard(fault[0].trim_start_matches('-'), journal.fake_shard(fault));
    }
    let mut gateway = builder.stdio();
    gateway.request(1, "tools/list", super::modern(json!({}))).await;
    let started = async || (journals.iter().all(|journal| journal.keepers().len() == 1)).then_some(());
    eventually("all shards are there", started).await;
    let children = gateway.children();
    gateway.signal(Signal::TERM);
    let (_, status) = gateway.ends(&children).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", gateway.log());
    for journal in journals {
        assert_eq!(journal.keepers(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_client_that_reads_no_more_has_gone() {
    let journal = Journal::new();
    let mut gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).stdio();
    gateway.initialize("2025-11-25").await;
    let children = gateway.children();
    assert_eq!(children.len(), 1);
    gateway.close_stdout();
    gateway.request("unread", "tools/list", json!({})).await;
    let (_, status) = gateway.ends(&children).await;
    assert_eq!(status.code(), Some(0), "log:\n{}", gateway.log());
    assert_eq!(journal.keepers(), Vec::<String>::new());
}
