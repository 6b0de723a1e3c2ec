//! Resources: who is asked for a uri, and how a missing one is told.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ERAS, Pair, crossings, is_complete};

/// Two shards with a resource and a template of their own, and one template each that gives `shown://1`.
async fn shards() -> (Pair, TempDir) {
    let dir = TempDir::new().unwrap();
    let flags = ERAS.map(|era| {
        let write = |kind: &str, items: Value| {
            let path = dir.path().join(format!("{era}-{kind}.json"));
            fs::write(&path, items.to_string()).unwrap();
            [format!("--{kind}-file"), path.to_str().unwrap().to_owned()]
        };
        let shared = if era == "legacy" { "shown://{id}" } else { "shown://{+id}" };
        let own = format!("{era}://item/{{id}}");
        let resources = write("resources", json!([{"uri": format!("{era}://listed"), "name": "r"}]));
        let templates =
            write("templates", json!([{"uriTemplate": own, "name": "t"}, {"uriTemplate": shared, "name": "s"}]));
        [resources, templates].concat()
    });
    let [legacy, modern] = flags.each_ref().map(|flags| flags.iter().map(String::as_str).collect::<Vec<_>>());
    (Pair::with_flags(&legacy, &modern).await, dir)
}

/// Has a shard return a result that shows a uri.
async fn show(pair: &Pair, shard: &str, content: &Value) {
    let shows = json!({"content": [content], "resultType": "complete"});
    let params = json!({"name": format!("{shard}__raw_result"), "arguments": {"result": shows}});
    pair.result("legacy", "tools/call", params).await;
}

#[tokio::test]
async fn a_resource_is_read_where_it_is_listed_or_templated() {
    let (pair, _dir) = shards().await;
    for (client, shard) in crossings() {
        for uri in [format!("{shard}://listed"), format!("{shard}://item/42")] {
            let result = pair.result(client, "resources/read", json!({"uri": uri})).await;
            let contents = &result["contents"][0];
            assert_eq!((&contents["uri"], &contents["text"]), (&json!(uri), &json!(format!("{shard} has {uri}"))));
            is_complete(&result, client, shard);
            if client == "modern" {
                let hints = if shard == "modern" { (60_000, "public") } else { (0, "private") };
                assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(hints.0), &json!(hints.1)));
            }
        }
    }
    pair.gateway.stop().await;
}

/// Which of two templates gives the uri cannot be told, so it is the shard that showed it last.
#[tokio::test]
async fn a_resource_that_only_a_result_has_shown_is_read_at_the_shard_that_showed_it() {
    let (pair, _dir) = shards().await;
    let uri = "shown://1";
    let error = pair.error("legacy", "resources/read", json!({"uri": uri})).await;
    assert_eq!(error["code"], -32002, "nobody has shown it");
    for shard in ["modern", "legacy", "modern"] {
        for content in [
            json!({"type": "resource_link", "uri": uri, "name": "x"}),
            json!({"type": "resource", "resource": {"uri": uri, "text": ""}}),
        ] {
            show(&pair, shard, &content).await;
            let result = pair.result("modern", "resources/read", json!({"uri": uri})).await;
            assert_eq!(result["contents"][0]["text"], format!("{shard} has {uri}"));
        }
    }
    pair.gateway.stop().await;
}

#[tokio::test]
async fn a_missing_resource_is_told_as_the_clients_era_tells_it() {
    let pair = Pair::start().await;
    let code = |client: &str| if client == "legacy" { -32002 } else { -32602 };
    for client in ERAS {
        let response = pair.ask(client, "resources/read", json!({"uri": "nobody://x"}), json!({})).await;
        assert_eq!((response.status, response.code()), (200, Some(code(client))));
        assert_eq!(response.answer()["error"]["data"]["uri"], "nobody://x");
    }
    for (client, shard) in crossings() {
        // The shard has shown it, so it is asked, and says in its own era's words that there is no such thing.
        let uri = format!("gone://{client}/{shard}");
        show(&pair, shard, &json!({"type": "resource_link", "uri": uri, "name": "x"})).await;
        let error = pair.error(client, "resources/read", json!({"uri": uri})).await;
        assert_eq!((&error["code"], &error["data"]["uri"]), (&json!(code(client)), &json!(uri)), "{shard}");
        assert_eq!(error["message"], "Resource not found", "it is the shard that says so");
    }
    pair.gateway.stop().await;
}
