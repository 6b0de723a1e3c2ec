//! What survives a restart, and what a broken disk or file costs.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use crate::shard::roster::Offered;

use super::*;

const KEY: &str = "0123456789abcdef";

fn saved() -> Saved {
    let item = Item { key: "größe".into(), text: r#"{"name":"gr\u00f6\u00dfe","n":1e400}"#.into() };
    let tools = Offered { items: vec![item], ttl_ms: 5, public: true, ..Offered::default() };
    let none = Arc::new(Offered::default());
    let roster = Roster {
        server_info: r#"{"name":"s"}"#.into(),
        revision: "2026-07-28".into(),
        modern: true,
        capabilities: r#"{"tools":{}}"#.into(),
        instructions: Some("Use it.".into()),
        lists: [Arc::new(tools), none.clone(), none.clone(), none],
    };
    Saved { roster, verdict_certain: true }
}

fn open(dir: &Path) -> Store {
    Store::open(Some(dir)).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("rosters")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_saved_last_is_loaded_by_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(store.load(KEY), None);
    store.save(KEY, &Saved { verdict_certain: false, ..saved() }).unwrap();
    store.save(KEY, &saved()).unwrap();
    assert_eq!(open(dir.path()).load(KEY), Some(saved()));
    assert_eq!(open(dir.path()).load("fedcba98"), None);
    assert_eq!(names(dir.path()), [format!("{KEY}.json")]);
}

#[test]
fn only_the_user_can_read_what_is_saved() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    open(&state).save(KEY, &saved()).unwrap();
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("rosters")), 0o700);
    assert_eq!(mode(&state.join(format!("rosters/{KEY}.json"))), 0o600);
}

#[test]
fn a_file_that_cannot_be_used_is_set_aside_and_written_anew() {
    let good = serde_json::to_string(&Content { version: VERSION, saved: saved() }).unwrap();
    let cases = [
        (String::new(), "bad"),
        (good[..good.len() / 2].to_owned(), "bad"),
        (good.replace(r#""größe""#, r#""other""#), "bad"),
        (good.replace(r#"{\"tools\":{}}"#, "[]"), "bad"),
        (good.replace(r#"\"n\":1e400"#, r#"\"n\":"#), "bad"),
        (good.replace("verdict_certain", "verdict"), "bad"),
        (good.replace(r#""version":1"#, r#""version":2"#), "old"),
        (r#"{"version":0,"roster":{}}"#.into(), "old"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let path = dir.path().join(format!("rosters/{KEY}.json"));
    for (text, extension) in cases {
        assert_ne!(text, good, "the case changes nothing");
        fs::write(&path, &text).unwrap();
        assert_eq!(store.load(KEY), None, "{text}");
        assert_eq!(fs::read_to_string(path.with_extension(extension)).unwrap(), text);
        assert!(!path.exists());
        store.save(KEY, &saved()).unwrap();
        assert_eq!(store.load(KEY), Some(saved()));
    }
    assert_eq!(names(dir.path()), [format!("{KEY}.bad"), format!("{KEY}.json"), format!("{KEY}.old")]);
}

#[test]
fn a_disk_that_refuses_is_an_error_with_the_path_and_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let refused = Store::open(Some(&dir.path().join("file"))).unwrap_err().to_string();
    assert!(refused.starts_with("cannot write `") && refused.contains("file/rosters`"), "{refused}");

    let store = open(dir.path());
    store.save(KEY, &saved()).unwrap();
    // A folder in the place of the file refuses the rename, also for root, whom no permission stops.
    let taken = dir.path().join("rosters/aa.json");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("x"), "").unwrap();
    assert!(store.save("aa", &saved()).unwrap_err().to_string().contains("aa.json"));
    assert_eq!(store.load("aa"), None);
    assert!(taken.exists(), "what is only unreadable is left where it is");
    assert_eq!(names(dir.path()), [format!("{KEY}.json"), "aa.json".into()]);

    fs::remove_dir_all(dir.path().join("rosters")).unwrap();
    assert!(store.save(KEY, &saved()).is_err());
    assert_eq!(store.load(KEY), None);
}

#[test]
fn a_store_without_a_folder_remembers_nothing() {
    let store = Store::open(None).unwrap();
    store.save(KEY, &saved()).unwrap();
    assert_eq!(store.load(KEY), None);
}

#[test]
fn files_of_shards_long_gone_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let now = SystemTime::now();
    for number in 0..KEPT + 3 {
        let file = File::create(dir.path().join(format!("rosters/{number:08x}.json"))).unwrap();
        file.set_modified(now - std::time::Duration::from_secs(number as u64)).unwrap();
    }
    drop(open(dir.path()));
    let left = names(dir.path());
    assert_eq!((left.len(), left.last().unwrap().as_str()), (KEPT, "000003e7.json"));
}
