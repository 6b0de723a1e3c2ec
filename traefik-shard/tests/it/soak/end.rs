//! What must be so at the end: on the disk, in Traefik, and in the audit log.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::Soak;
use super::journal::digest_of;
use super::version::Version;
use crate::support::Lab;

/// Checks the files and returns the version that each name has.
pub(crate) fn check_files(
    soak: &Soak,
    lab: &Lab,
    human: &BTreeMap<String, Vec<u8>>,
) -> BTreeMap<String, Option<Version>> {
    let mut tree = lab.tree_bytes();
    for (path, bytes) in human {
        assert_eq!(tree.remove(path).as_ref(), Some(bytes), "the human's {path} was changed");
    }
    let model = soak.model.borrow();
    let mut found = BTreeMap::new();
    for name in model.names() {
        let allowed = model.allowed(name);
        let text = tree.remove(&format!("mcp-managed/{name}.yml")).map(|bytes| String::from_utf8(bytes).unwrap());
        let held: Option<Value> = text.as_deref().map(|text| serde_yaml::from_str(text).unwrap());
        let version = |serial: usize| Version { name: name.clone(), serial };
        let mut states = allowed.iter().map(|state| state.map(version));
        let is_held = |state: &Option<Version>| state.as_ref().map(|version| version.file(&soak.backends)) == held;
        let state = states.find(is_held).unwrap_or_else(|| panic!("{name}: allowed is {allowed:?}, found is {text:?}"));
        found.insert(name.clone(), state);
    }
    assert!(tree.is_empty(), "nobody asked for {:?}", tree.keys());
    let lock = "mcp-managed/.lock".to_owned();
    let expected: Vec<String> = lab.tree_bytes().into_keys().chain([lock]).collect();
    let mut left = lab.all_files();
    left.retain(|path| !expected.contains(path));
    assert!(left.is_empty(), "left behind: {left:?}");
    found
}

/// Traefik serves exactly these versions: by its API, and by what answers.
pub(crate) async fn check_traefik(lab: &Lab, soak: &Soak, routes: &BTreeMap<String, Option<Version>>) {
    let raw = lab.api("/rawdata").await.expect("Traefik answers");
    let mut live: BTreeMap<String, Value> = serde_json::from_value(raw["routers"].clone()).unwrap();
    live.retain(|full, _| full.starts_with("mcp-"));
    for version in routes.values().flatten() {
        let full = format!("mcp-{}@file", version.name);
        let router = live.remove(&full).unwrap_or_else(|| panic!("{full} is not live"));
        for (key, value) in version.router().as_object().unwrap() {
            assert_eq!(&router[key], value, "{full}: {router:#}");
        }
        let service = &version.file(&soak.backends)["http"]["services"][format!("mcp-{}", version.name)];
        let servers = &raw["services"][&full]["loadBalancer"]["servers"];
        assert_eq!(servers, &service["loadBalancer"]["servers"], "{full}");
    }
    assert!(live.is_empty(), "nobody asked for {live:?}");
    for (name, version) in routes {
        let tried = soak.model.borrow().tried(name);
        for serial in tried {
            let tried = Version { name: name.clone(), serial };
            let (path, body) = tried.request();
            let reply = lab.get("web", &tried.host(), &path).await;
            match version.as_ref() == Some(&tried) {
                true => assert_eq!((reply.status, reply.body), (200, body), "{tried:?}"),
                false => assert_eq!(reply.status, 404, "{tried:?} is still there: {}", reply.body),
            }
        }
    }
}

/// The log tells of every recovery, and its lines lead to what is on the disk: each begins where the one
/// before it ended.
pub(crate) fn check_audit(soak: &Soak, lab: &Lab) {
    let log = fs::read_to_string(lab.state_dir().join("audit.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line is whole")).collect();
    let is_recovery = |line: &&Value| line["action"].as_str().unwrap().starts_with("recovered_");
    for journal in soak.figures.borrow().left.values() {
        let same = |line: &&Value| line["name"] == journal.name && line["after"].as_str() == journal.after.as_deref();
        let recoveries = lines.iter().filter(is_recovery).filter(same).count();
        let left = soak.figures.borrow().left.values().filter(|left| left.is_like(journal)).count();
        assert!(recoveries >= left, "{recoveries} lines for {left} of {journal:?}");
    }
    for name in soak.model.borrow().names() {
        let mut digest = None;
        for line in lines.iter().filter(|line| line["name"] == *name) {
            let (before, after) = (line["before"].as_str(), line["after"].as_str());
            match (line["action"].as_str().unwrap(), line["outcome"].as_str().unwrap()) {
                // One that was recovered may have been told already before its process was killed.
                ("recovered_finished", "ok") if [before, after].contains(&digest) => digest = after,
                ("recovered_undone", "ok") if [before, after].contains(&digest) => digest = before,
                (_, "ok" | "deleted_but_still_live") if before == digest => digest = after,
                (_, "rolled_back") if before == digest => {}
                _ => panic!("{name} was {digest:?}, and then: {line:#}\n{log}"),
            }
        }
        let file = lab.dynamic_dir().join(format!("mcp-managed/{name}.yml"));
        assert_eq!(digest.map(str::to_owned), digest_of(&file), "the last line of {name} tells another file");
    }
}
