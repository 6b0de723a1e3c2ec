//! What a client sets for its session, and what it hears outside its calls.

use serde_json::{Value, json};

use super::Turned;
use crate::cells::stage::{Sharing, Stage};

pub(super) async fn logging(stage: &mut Stage) -> Turned {
    let lines: Vec<Value> =
        (1..=3).map(|n| json!({"level": "info", "logger": "fake", "data": format!("line {n}")})).collect();
    for (level, expected) in [("info", &lines[..]), ("error", &[]), ("debug", &lines[..])] {
        assert_eq!(stage.client.ask("logging/setLevel", json!({"level": level})).await.result(), json!({}));
        let told = stage.client.call("log", json!({"n": 3})).await;
        assert_eq!(told.only("notifications/message"), expected.iter().collect::<Vec<_>>(), "at level {level}");
        assert_eq!(told.answer["result"]["content"][0]["text"], "ok");
    }
    let none = stage.client.ask("logging/setLevel", json!({"level": "loud"})).await;
    assert_eq!(none.error().0, -32602);
    assert_eq!(stage.client.ask("ping", json!({})).await.result(), json!({}));
    assert_eq!(stage.client.kept().next(), None, "what a session does not want to hear is not kept for later");
    Ok(())
}

pub(super) async fn list_changed(stage: &mut Stage) -> Turned {
    for (kind, key) in [("tools", "name"), ("prompts", "name"), ("resources", "uri")] {
        let added = stage.client.call("list_changed", json!({"kind": kind})).await.result();
        let added = added["content"][0]["text"].as_str().expect("the name of what was added");
        let exposed = if key == "uri" { format!("fake://{added}") } else { format!("fake__{added}") };
        stage.client.notice(&format!("notifications/{kind}/list_changed")).await;
        if stage.sharing == Sharing::PerSession {
            continue;
        }
        let list = stage.client.ask(&format!("{kind}/list"), json!({})).await.result();
        let items = list[kind].as_array().expect("a list");
        assert!(items.iter().any(|item| item[key] == exposed), "{exposed} is not in the new list: {list}");
    }
    assert_eq!(stage.client.kept().next(), None, "each change is told of once");
    match stage.sharing {
        Sharing::PerSession => Err("told of; the lists are those of the shard's first child, for all sessions alike"),
        Sharing::Shared | Sharing::Exclusive => Ok(()),
    }
}

pub(super) async fn subscribe(stage: &mut Stage) -> Turned {
    const UPDATED: &str = "notifications/resources/updated";
    let of = |uri: &str| json!({"uri": uri});
    stage.client.call("updated", of("fake://two")).await.result();
    assert_eq!(stage.client.ask("resources/subscribe", of("fake://one")).await.result(), json!({}));
    for _ in 0..2 {
        stage.client.call("updated", of("fake://one")).await.result();
        assert_eq!(stage.client.notice(UPDATED).await["params"], of("fake://one"));
    }
    assert_eq!(stage.client.ask("resources/unsubscribe", of("fake://one")).await.result(), json!({}));
    assert_eq!(stage.client.ask("resources/subscribe", of("fake://two")).await.result(), json!({}));
    stage.client.call("updated", of("fake://one")).await.result();
    stage.client.call("updated", of("fake://two")).await.result();
    assert_eq!(stage.client.notice(UPDATED).await["params"], of("fake://two"), "only what is subscribed to is told of");
    assert_eq!(stage.journal.of("resources/subscribe").len(), 2);
    assert_eq!(stage.journal.of("resources/unsubscribe").len(), 1);
    let nobody = stage.client.ask("resources/subscribe", of("none://there")).await;
    assert_eq!(nobody.error(), (-32002, "no shard has the resource `none://there`"));
    assert_eq!(stage.client.kept().next(), None);
    Ok(())
}
