//! Much to tell, nobody who reads, and many who come and go.

use serde_json::json;

use super::{ERAS, call, followed, heard, listen, post, start, to_resources, until_followed, update};
use crate::support::{Journal, eventually};

#[tokio::test]
async fn a_flood_of_updates_and_changes_becomes_few_messages() {
    for era in ERAS {
        let journal = Journal::new();
        let gateway = start(&journal, era, &[], "").await;
        let wished = json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one", "fake://two"]});
        let (mut stream, _) = listen(&gateway, json!(1), wished).await;
        // Nobody reads the stream meanwhile.
        call(&gateway, "updated", json!({"uri": "fake://one", "times": 100_000})).await;
        call(&gateway, "flood", json!({"what": "changes", "bytes": 8 << 20})).await;
        update(&gateway, "fake://two").await;
        let (mut ones, mut others) = (0, 0);
        loop {
            let message = stream.next().await.expect("it goes on");
            match message["params"]["uri"].as_str() {
                Some("fake://one") => ones += 1,
                Some(_) => break,
                None => others += 1,
            }
        }
        // How many were told depends on how often the stream was written to meanwhile; it is far from all.
        assert!((1..50_000).contains(&ones) && others < 50_000, "{era}: {ones} updates, {others} changes");
        assert!(gateway.peak_memory() < 200, "{} MiB", gateway.peak_memory());
        gateway.stop().await;
    }
}

#[tokio::test]
async fn one_that_never_reads_keeps_nobody_else_waiting() {
    let journal = Journal::new();
    let gateway = start(&journal, "modern", &[], "").await;
    let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["fake://one"]});
    let _unread = post(&gateway, "/mcp", &json!(1), &filter).await;
    let (mut stream, _) = to_resources(&gateway, &["fake://one"]).await;
    for _ in 0..100 {
        update(&gateway, "fake://one").await;
        assert_eq!(heard(&mut stream).await, "fake://one");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_thousand_that_come_and_go_leave_nothing() {
    for era in ERAS {
        let journal = Journal::new();
        let gateway = start(&journal, era, &[], "").await;
        for round in 0..20 {
            let mut open = Vec::new();
            for number in 0..50 {
                let uri = format!("fake://item/{}", (round * 50 + number) % 70);
                open.push(
                    post(&gateway, "/mcp", &json!(number), &json!({"resourceSubscriptions": [uri, "fake://one"]}))
                        .await,
                );
            }
            drop(open);
        }
        until_followed(&journal, era, &[]).await;
        let (mut stream, granted) = to_resources(&gateway, &["fake://one"]).await;
        assert_eq!(granted, json!({"resourceSubscriptions": ["fake://one"]}));
        update(&gateway, "fake://one").await;
        assert_eq!(
            (heard(&mut stream).await, followed(&journal, era)),
            ("fake://one".into(), vec!["fake://one".into()])
        );
        let shard = gateway.shard("fake").await;
        assert_eq!(shard["in_flight"], 0);
        drop(stream);
        eventually("the last one is gone, too", async || followed(&journal, era).is_empty().then_some(())).await;
        gateway.stop().await;
    }
}
