//! Pages of the real site, on machines that have a copy of them beside the project.
//!
//! Without the copy this checks nothing: the pages are not ours to carry along.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::server::{Answer, Server};
use super::{HTTP, INSTALL, ask, expect, shard};

fn copy() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/traefik-docs");
    folder.is_dir().then_some(folder)
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<String, Answer>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
            continue;
        }
        let kind = match path.extension().and_then(|end| end.to_str()) {
            Some("html") => "text/html",
            Some("json") => "application/json",
            Some("xml") => "application/xml",
            _ => continue,
        };
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        let name = name.strip_suffix("index.html").unwrap_or(name).to_owned();
        files.insert(name, Answer::File(kind, fs::read(&path).unwrap(), None));
    }
}

/// Topic, page, section. The first seven are those that a plain search ranked wrong.
const TOPICS: [(&str, &str, &str, &str); 22] = [
    ("middlewares", HTTP, "middlewares/overview/", ""),
    ("priority", HTTP, "routing/rules-and-priority/", "#priority-calculation"),
    ("weighted round robin", HTTP, "load-balancing/service/", "#weighted-round-robin"),
    ("serversTransport", HTTP, "load-balancing/service/", "#configuration-options"),
    ("redirect http to https", INSTALL, "entrypoints/", "#configuration-options"),
    ("providersThrottleDuration", INSTALL, "providers/others/file/", "#configuration-options"),
    ("rules", HTTP, "routing/rules-and-priority/", "#rules"),
    ("basicauth", HTTP, "middlewares/basicauth/", ""),
    ("rate limit", HTTP, "middlewares/ratelimit/", ""),
    ("entrypoints", INSTALL, "entrypoints/", ""),
    ("tls", HTTP, "tls/overview/", ""),
    ("dashboard", INSTALL, "api-dashboard/", "#dashboard"),
    ("sticky sessions", HTTP, "load-balancing/service/", "#sticky-sessions"),
    ("health check", HTTP, "load-balancing/service/", "#health-check"),
    ("routers", HTTP, "routing/router/", ""),
    ("services", HTTP, "load-balancing/service/", ""),
    ("file provider", INSTALL, "providers/others/file/", ""),
    ("letsencrypt", INSTALL, "tls/certificate-resolvers/acme/", ""),
    ("wildcard domains", INSTALL, "tls/certificate-resolvers/acme/", "#wildcard-domains"),
    ("PathPrefix", HTTP, "routing/rules-and-priority/", "#path-pathprefix-and-pathregexp"),
    ("ipStrategy depth", HTTP, "middlewares/ratelimit/", "#sourcecriterionipstrategydepth"),
    ("middlewares/http/basicauth", HTTP, "middlewares/basicauth/", ""),
];

#[tokio::test]
async fn the_real_pages_answer_to_their_topics() {
    let Some(folder) = copy() else { return };
    let mut files = BTreeMap::new();
    read(&folder, &folder, &mut files);
    let server = Server::start(files).await;
    let shard = shard(server.url(), &[]).await;
    for (topic, below, page, section) in TOPICS {
        expect(&shard, server.url(), json!({"topic": topic}), &format!("{below}{page}{section}")).await;
    }
    shard.end().await;
}

#[tokio::test]
async fn the_real_pages_read_well_to_their_ends() {
    let Some(folder) = copy() else { return };
    let mut files = BTreeMap::new();
    read(&folder, &folder, &mut files);
    let pages: Vec<String> = files.keys().filter(|name| name.starts_with("reference/")).cloned().collect();
    let server = Server::start(files).await;
    let shard = shard(server.url(), &[]).await;
    assert_eq!(pages.len(), 11);
    for page in pages {
        let found = ask(&shard, json!({"page": page, "max_chars": 50000})).await;
        let markdown = found.structured["markdown"].as_str().unwrap();
        assert!(markdown.starts_with("# ") && markdown.len() > 1500, "{page}: {markdown}");
        for odd in ["info.traefik.io", "¶", "</", "Edit this page", "](#", "](../", "Structured (TOML)**", "\n\n\n\n\n"]
        {
            assert!(!markdown.contains(odd), "{page} holds {odd}");
        }
        assert_eq!(
            markdown.lines().filter(|line| line.trim_start_matches(['>', ' ']).starts_with("```")).count() % 2,
            0,
            "{page}"
        );
        assert!(!found.structured["sections"].as_array().unwrap().is_empty(), "{page}");
    }
    shard.end().await;
}
