//! Shard files change while views are in use.

use serde_json::json;

use super::Three;
use crate::support::{Events, Gateway, Journal, Legacy, eventually, fake_shard};

const TOOLS: &str = "notifications/tools/list_changed";
const PROMPTS: &str = "notifications/prompts/list_changed";
const RESOURCES: &str = "notifications/resources/list_changed";

#[tokio::test]
async fn a_stream_hears_of_the_shards_of_its_view_and_of_no_others() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).shard("two", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    gateway.until("two", "ready").await;
    let (client, _) = Legacy::open_at(&gateway, "/mcp/one", "2025-11-25").await;
    let mut alone = Events::listen_at(&gateway, "/mcp/one", &client.session).await;
    let mut some = Events::listen_at(&gateway, "/mcp?shards=one,two", &client.session).await;
    let mut all = Events::listen_at(&gateway, "/mcp", &client.session).await;

    // A third shard comes: only who sees all hears of it.
    gateway.write_shard("three", &fake_shard(&[]));
    for list in [TOOLS, PROMPTS, RESOURCES] {
        assert_eq!(all.notification().await, list);
    }
    // One tool of the second is hidden: who sees it hears of its tools, and of nothing before.
    let hides = |name: &str| fake_shard(&[]) + &format!("tools: {{ deny: [{name}] }}\n");
    gateway.write_shard("two", &hides("echo"));
    for stream in [&mut some, &mut all] {
        assert_eq!(stream.notification().await, TOOLS);
    }
    // And the same of the first, whose own stream hears only now.
    gateway.write_shard("one", &hides("echo"));
    for stream in [&mut alone, &mut some, &mut all] {
        assert_eq!(stream.notification().await, TOOLS);
    }
    // Another prefix is none of the business of who sees no prefix.
    gateway.write_shard("one", &(hides("echo") + "prefix: uno\n"));
    for stream in [&mut some, &mut all] {
        assert_eq!([stream.notification().await, stream.notification().await], [TOOLS, PROMPTS]);
        // The hash of a list holds the prefix of its shards, whether or not its items have one.
        assert_eq!(stream.notification().await, RESOURCES);
    }
    gateway.write_shard("one", &(hides("whoami") + "prefix: uno\n"));
    assert_eq!(alone.notification().await, TOOLS);
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/one", "2025-11-25").await;
    let tools = client.tools().await;
    assert!(tools.contains(&"echo".to_owned()) && !tools.contains(&"whoami".to_owned()), "{tools:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_shard_that_goes_and_comes_back_is_heard_on_the_stream_of_its_view() {
    let gateway = Gateway::builder().shard("one", fake_shard(&[])).shard("two", fake_shard(&[])).start().await;
    gateway.until("one", "ready").await;
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/one", "2025-11-25").await;
    let mut stream = Events::listen_at(&gateway, "/mcp/one", &client.session).await;
    gateway.remove_shard("one");
    assert_eq!(stream.notification().await, TOOLS);
    let gone = client.ask("tools/list", json!({})).await;
    assert_eq!(gone.status, 404);
    assert!(gone.text().contains("there is no shard `one`"), "{gone:?}");

    gateway.write_shard("one", &(fake_shard(&[]) + "enabled: false\n"));
    eventually("it is disabled", async || {
        client.ask("tools/list", json!({})).await.text().contains("shard `one` is disabled").then_some(())
    })
    .await;
    gateway.write_shard("one", &fake_shard(&["--tools", "1"]));
    gateway.until("one", "ready").await;
    while stream.notification().await != TOOLS {}
    assert!(client.tools().await.contains(&"t0".to_owned()), "the same session goes on");
    gateway.stop().await;
}

#[tokio::test]
async fn a_swap_loses_no_call_of_a_view() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    let old = gateway.until("fake", "ready").await["pid"].clone();
    let (mut slow, _) = Legacy::open_at(&gateway, "/mcp/fake", "2025-11-25").await;
    let (mut quick, _) = Legacy::open_at(&gateway, "/mcp?shards=fake", "2025-11-25").await;
    let (slept, ()) = tokio::join!(slow.call("sleep", json!({"ms": 1500})), async {
        journal.call_of("sleep").await;
        gateway.write_shard("fake", &journal.fake_shard(&["--tools", "1"]));
        while gateway.shard("fake").await["pid"] == old {
            let echoed = quick.call("fake__echo", json!({"a": 1})).await;
            assert_eq!(echoed["structuredContent"], json!({"a": 1}));
            let modern = json!({"name": "echo", "arguments": {"b": 2}});
            let modern = gateway.modern_at("/mcp/fake", "tools/call", modern, json!({})).await.answer();
            assert_eq!(modern["result"]["structuredContent"], json!({"b": 2}), "{modern}");
        }
        assert!(quick.tools().await.contains(&"fake__t0".to_owned()));
    });
    assert_eq!(slept["content"][0]["text"], "slept 1500 ms");
    assert!(slow.tools().await.contains(&"t0".to_owned()));
    gateway.stop().await;
}

/// The call waits for its shard to start, and meanwhile its name comes to mean nothing in its view.
#[tokio::test]
async fn a_call_that_waits_is_not_made_when_its_view_hides_the_tool_meanwhile() {
    let journal = Journal::new();
    let file = |delay: &str| journal.fake_shard(&["--start-delay", delay]) + "start: lazy\nidle_stop: 1s\n";
    let gateway = Gateway::builder().shard("fake", file("2000")).start().await;
    gateway.until("fake", "asleep").await;
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/fake", "2025-11-25").await;
    let (result, ()) = tokio::join!(client.call("echo", json!({})), async {
        gateway.until("fake", "starting").await;
        gateway.write_shard("fake", &(file("2000") + "tools: { deny: [echo] }\n"));
    });
    assert_eq!(result["isError"], true, "{result}");
    assert!(result["content"][0]["text"].as_str().unwrap().contains("taken away"), "{result}");
    assert!(journal.of("tools/call").is_empty());
    gateway.stop().await;
}

#[tokio::test]
async fn a_view_is_served_before_any_shard_is_up_if_it_was_known_before() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let dir = std::sync::Arc::clone(gateway.dir());
    gateway.stop().await;
    // It takes longer to start than a client waits; the file differs in what a saved roster does not depend on.
    let gateway =
        Gateway::builder().in_dir(&dir).shard("slow", fake_shard(&["--start-delay", "3600000"])).start().await;
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/fake", "2025-11-25").await;
    assert!(client.tools().await.contains(&"echo".to_owned()));
    gateway.stop().await;
}

/// On a very first start who sees only the quick one need not wait for the slow one.
#[tokio::test]
async fn on_a_first_start_a_view_waits_for_its_own_shards_only() {
    let slow = fake_shard(&["--start-delay", "3600000"]);
    let gateway = Gateway::builder().shard("quick", fake_shard(&[])).shard("slow", slow).start().await;
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/quick", "2025-11-25").await;
    assert!(client.tools().await.contains(&"echo".to_owned()));
    assert_eq!(gateway.shard("slow").await["state"], "starting");
    let (mut both, _) = Legacy::open_at(&gateway, "/mcp?shards=quick,slow", "2025-11-25").await;
    assert!(both.tools().await.contains(&"quick__echo".to_owned()), "those who hang hide nobody");
    gateway.stop().await;
}

#[tokio::test]
async fn clients_of_many_views_at_once_all_see_their_own() {
    let three = Three::start().await;
    let paths = ["/mcp", "/mcp/plain", "/mcp/modern", "/mcp?shards=plain", "/mcp?shards=modern,legacy"];
    let mut clients = Vec::new();
    for path in paths {
        clients.push(Legacy::open_at(&three.gateway, path, "2025-11-25").await.0);
    }
    for round in 0..20 {
        let rules = if round % 2 == 0 { "deny: [echo]" } else { "deny: [sleep]" };
        let file = three.journal("plain").fake_shard(&["--name", "plain"]) + "prefix: \"\"\ntools: { " + rules + " }\n";
        three.gateway.write_shard("plain", &file);
        for (path, client) in paths.into_iter().zip(&mut clients) {
            let tools = client.tools().await;
            let sees = |name: &str| tools.iter().any(|tool| tool == name);
            assert_eq!(sees("whoami"), !path.contains("legacy"), "{path}");
            assert_eq!(sees("legacy__hang"), path == "/mcp" || path.contains("legacy"), "{path}");
            assert!(!(sees("plain__echo") || sees("modern__echo")), "{path}");
        }
    }
    three.gateway.stop().await;
}
