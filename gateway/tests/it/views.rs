//! `/mcp/{shard}` and `/mcp?shards=a,b`: what they list, where their calls go, and what they keep to themselves.

mod changing;
mod refusing;
mod routing;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Gateway, Journal, Legacy};

const ERAS: [&str; 2] = ["legacy", "modern"];

/// A gateway with three shards: `legacy` and `modern`, which share a uri, and `plain`, which shares a name with `modern`.
struct Three {
    gateway: Gateway,
    journals: [Journal; 3],
    _dir: TempDir,
}

const SHARDS: [&str; 3] = ["legacy", "modern", "plain"];

impl Three {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let journals = [Journal::new(), Journal::new(), Journal::new()];
        let mut builder = Gateway::builder();
        for (name, journal) in SHARDS.into_iter().zip(&journals) {
            let era = if name == "modern" { "modern" } else { "legacy" };
            let file = resources(dir.path(), name);
            let text = format!("Use {name}.");
            let flags = ["--name", name, "--era", era, "--instructions", &text, "--resources-file", &file];
            let rules = match name {
                "plain" => "prefix: \"\"\ntools: { allow: [whoami, echo, sleep] }\n",
                "legacy" => "tools: { deny: [crash], rename: { whoami: \"who am I\" } }\n",
                _ => "prefix: m\n",
            };
            builder = builder.shard(name, journal.fake_shard(&flags) + rules);
        }
        let gateway = builder.start().await;
        for name in SHARDS {
            gateway.until(name, "ready").await;
        }
        Self { gateway, journals, _dir: dir }
    }

    /// What a request gets at `path`, as a client of that era.
    async fn answer(&self, era: &str, path: &str, method: &str, params: Value) -> Value {
        let response = match era {
            "modern" => self.gateway.modern_at(path, method, params, json!({})).await,
            _ => Legacy::open_at(&self.gateway, path, "2025-11-25").await.0.ask(method, params).await,
        };
        response.answer()
    }

    async fn result(&self, era: &str, path: &str, method: &str, params: Value) -> Value {
        let mut answer = self.answer(era, path, method, params).await;
        assert!(answer.get("error").is_none(), "{era} {path} {method}: {answer}");
        answer["result"].take()
    }

    async fn error(&self, era: &str, path: &str, method: &str, params: Value) -> Value {
        let mut answer = self.answer(era, path, method, params).await;
        assert!(answer.get("result").is_none(), "{era} {path} {method}: {answer}");
        answer["error"].take()
    }

    /// The values of `key` in a list at `path`.
    async fn listed(&self, era: &str, path: &str, list: &str, key: &str) -> Vec<String> {
        let result = self.result(era, path, &format!("{list}/list"), json!({})).await;
        let items = result[list].as_array().unwrap_or_else(|| panic!("{result}"));
        items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
    }

    fn journal(&self, shard: &str) -> &Journal {
        &self.journals[SHARDS.iter().position(|name| *name == shard).unwrap()]
    }
}

/// Each has one uri of its own, and `legacy` and `modern` have one in common.
fn resources(dir: &Path, name: &str) -> String {
    let path = dir.join(format!("{name}.json"));
    let mut items = vec![json!({"uri": format!("{name}://own"), "name": "own"})];
    if name != "plain" {
        items.push(json!({"uri": "shared://one", "name": "shared"}));
    }
    fs::write(&path, json!(items).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_shard_alone_has_its_own_names_and_its_own_instructions() {
    let three = Three::start().await;
    for era in ERAS {
        let tools = three.listed(era, "/mcp/modern", "tools", "name").await;
        assert!(tools.contains(&"whoami".to_owned()) && tools.iter().all(|name| !name.contains("__")), "{tools:?}");
        let all = three.listed(era, "/mcp", "tools", "name").await;
        let theirs: Vec<_> = all.iter().filter_map(|name| name.strip_prefix("m__")).collect();
        assert_eq!(tools, theirs, "the same tools in the same order as at /mcp");
        assert_eq!(three.listed(era, "/mcp/modern", "prompts", "name").await, ["greet"]);
        assert_eq!(three.listed(era, "/mcp/modern", "resources", "uri").await, ["modern://own", "shared://one"]);
        // allow, deny and rename hold, and so does the rule for characters.
        assert_eq!(three.listed(era, "/mcp/plain", "tools", "name").await, ["echo", "whoami", "sleep"]);
        let ruled = three.listed(era, "/mcp/legacy", "tools", "name").await;
        let has = |name: &str| ruled.iter().any(|listed| listed == name);
        assert!(has("who_am_I") && !has("whoami") && !has("crash"), "{ruled:?}");
    }
    let (_, initialized) = Legacy::open_at(&three.gateway, "/mcp/modern", "2025-06-18").await;
    let discovered = three.result("modern", "/mcp/modern", "server/discover", json!({})).await;
    assert_eq!([&initialized["instructions"], &discovered["instructions"]], ["Use modern."; 2]);
    three.gateway.stop().await;
}

#[tokio::test]
async fn some_shards_have_the_names_that_they_have_for_all() {
    let three = Three::start().await;
    for era in ERAS {
        let all = three.listed(era, "/mcp", "tools", "name").await;
        let expected: Vec<_> = all.iter().filter(|name| !name.starts_with("legacy__")).cloned().collect();
        for path in ["/mcp?shards=plain,modern", "/mcp?shards=modern%2Cplain", "/mcp?x=y&shards=plain,+modern"] {
            assert_eq!(three.listed(era, path, "tools", "name").await, expected, "{path}");
        }
        let everyone = three.listed(era, "/mcp?shards=legacy,modern,plain", "tools", "name").await;
        assert_eq!(everyone, all);
        let resources = three.listed(era, "/mcp?shards=plain,modern", "resources", "uri").await;
        assert_eq!(resources, ["modern://own", "shared://one", "plain://own"]);
    }
    let (_, initialized) = Legacy::open_at(&three.gateway, "/mcp?shards=plain,modern", "2025-11-25").await;
    assert_eq!(initialized["instructions"], "# modern\n\nUse modern.\n\n# plain\n\nUse plain.");
    three.gateway.stop().await;
}

#[tokio::test]
async fn lists_of_a_view_wake_nobody() {
    let journal = Journal::new();
    let file = journal.fake_shard(&[]) + "start: lazy\nidle_stop: 1s\n";
    let gateway = Gateway::builder().shard("lazy", file).start().await;
    gateway.until("lazy", "asleep").await;
    let asked = journal.messages().len();
    for path in ["/mcp/lazy", "/mcp?shards=lazy"] {
        let (mut client, _) = Legacy::open_at(&gateway, path, "2025-11-25").await;
        assert!(!client.tools().await.is_empty());
        let listed = gateway.modern_at(path, "tools/list", json!({}), json!({})).await.answer();
        assert!(!listed["result"]["tools"].as_array().unwrap().is_empty());
    }
    assert_eq!((gateway.shard("lazy").await["state"].as_str(), journal.messages().len()), (Some("asleep"), asked));
    let (mut client, _) = Legacy::open_at(&gateway, "/mcp/lazy", "2025-11-25").await;
    assert_eq!(client.call("echo", json!({"a": 1})).await["structuredContent"], json!({"a": 1}), "a call does");
    gateway.stop().await;
}
