//! What a client hears outside its calls: unasked, or on the stream that it listens on.

use serde_json::{Value, json};

use super::Turned;
use super::calls::is_removed;
use crate::peers::matrix::client::Era;
use crate::peers::matrix::stage::Cell;
use crate::support::eventually;

const LISTENING: &str = "\"Replace the HTTP GET endpoint and `resources/subscribe`/`resources/unsubscribe` with \
     `subscriptions/listen`\" (2026-07-28, changelog)";

const KINDS: [(&str, &str); 3] = [("tools", "name"), ("prompts", "name"), ("resources", "uri")];

pub(super) async fn list_changed(cell: Cell<'_>) -> Turned {
    let honoured = cell.client().await.follow(&[]).await;
    if cell.client == Era::Modern {
        let all = json!({"promptsListChanged": true, "resourcesListChanged": true, "toolsListChanged": true});
        assert_eq!(honoured, all);
    }
    let name = format!("for_{}", cell.client.name());
    for (kind, key) in KINDS {
        cell.call("add", json!({"kind": kind, "name": name})).await.result();
        let method = format!("notifications/{kind}/list_changed");
        assert_eq!(cell.client().await.heard(&method, 1).await.as_array().map(Vec::len), Some(1), "told of once");
        let exposed = if key == "uri" { cell.uri(&name) } else { cell.exposed(&name) };
        let list = cell.client().await.list(kind).await;
        assert!(list.iter().any(|item| item[key] == exposed), "{exposed} is not in the new list: {list:?}");
        // A legacy client hears of it too; a modern one that does not listen must not.
        if cell.client == Era::Modern {
            cell.other().await.heard(&method, 1).await;
        }
    }
    assert_eq!(cell.other().await.rest().await, json!([[], []]));
    cell.client().await.unfollow(&[]).await;
    if cell.client == Era::Legacy {
        cell.is_quiet().await;
        return Ok(());
    }
    cell.call("add", json!({"kind": "tools", "name": format!("{name}_later")})).await.result();
    cell.other().await.heard("notifications/tools/list_changed", 1).await;
    cell.is_quiet().await;
    Err(LISTENING)
}

pub(super) async fn subscribe(cell: Cell<'_>) -> Turned {
    const UPDATED: &str = "notifications/resources/updated";
    let (one, two) = (cell.uri("one"), cell.uri("two"));
    let touch = async |uri: &str| {
        cell.call("touch", json!({"uri": uri})).await.result();
    };
    let honoured = cell.client().await.follow(&[&one]).await;
    if cell.client == Era::Modern {
        assert_eq!(honoured, json!({"resourceSubscriptions": [one]}));
    }
    cell.until_sent("a subscription in the way of its era", |sent| follows(cell.era, sent, &one)).await;
    touch(&two).await;
    for _ in 0..2 {
        touch(&one).await;
        let heard = cell.client().await.heard(UPDATED, 1).await;
        // The modern era adds whose subscription it is.
        assert_eq!((&heard[0]["uri"], heard.as_array().map(Vec::len)), (&json!(one), Some(1)), "{heard}");
    }
    cell.client().await.unfollow(&[&one]).await;
    eventually("the shard is told of the end", async || has_ended(&cell, &one).then_some(())).await;
    touch(&one).await;
    cell.is_quiet().await;
    assert_eq!(cell.other().await.rest().await, json!([[], []]), "it is nobody else's");
    if cell.client == Era::Legacy {
        return Ok(());
    }
    is_removed(&cell, "resources/subscribe", json!({"uri": one})).await;
    Err(LISTENING)
}

fn follows(era: Era, sent: &Value, uri: &str) -> bool {
    match era {
        Era::Legacy => sent["method"] == "resources/subscribe" && sent["params"]["uri"] == uri,
        Era::Modern => {
            let uris = sent["params"]["notifications"]["resourceSubscriptions"].as_array();
            sent["method"] == "subscriptions/listen" && uris.is_some_and(|uris| uris.contains(&json!(uri)))
        }
    }
}

/// A modern subscription ends with the requests that it is; others are taken back when a new one takes their place.
fn has_ended(cell: &Cell<'_>, uri: &str) -> bool {
    let sent = cell.sent();
    let is_sent = |method: &str, key: &str, value: &Value| {
        sent.iter().any(|message| message["method"] == method && message["params"][key] == *value)
    };
    match cell.era {
        Era::Legacy => is_sent("resources/unsubscribe", "uri", &json!(uri)),
        Era::Modern => {
            let mut listens = sent.iter().filter(|message| follows(Era::Modern, message, uri));
            listens.all(|listen| is_sent("notifications/cancelled", "requestId", &listen["id"]))
        }
    }
}
