//! The state directory: where it may lie, backups and the audit log.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::Ground;
use crate::disk::audit::put_aside;
use crate::disk::state::usual;
use crate::disk::tests::{inside, name};
use crate::disk::{Kind, Record, Store};
use crate::failure::Code;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn record(detail: &str) -> Record {
    let (name, file, outcome) = ("app".to_owned(), "mcp-managed/app.yml".to_owned(), "ok".to_owned());
    Record { action: "create", name, file, outcome, before: None, after: None, detail: Some(detail.to_owned()) }
}

#[test]
fn a_state_directory_in_the_watched_one_is_refused_however_it_is_reached() {
    let ground = Ground::new();
    let root = ground.root();
    std::fs::create_dir(root.join("deep")).unwrap();
    let link = ground.folder.join("link");
    symlink(root.join("deep"), &link).unwrap();
    let upwards = ground.folder.join("none/../dynamic/state");
    for inside in [root.clone(), root.join("state"), root.join("deep/er"), link.clone(), link.join("er"), upwards] {
        let mut settings = ground.settings("folder");
        settings.state_dir = Some(inside.clone());
        let refused = Store::open(&settings).unwrap_err();
        assert_eq!(refused.code(), Code::NotConfigured, "{}", inside.display());
    }
    let mut settings = ground.settings("folder");
    settings.dynamic_dir = Some(ground.folder.join("state/backups"));
    std::fs::create_dir_all(ground.folder.join("state/backups")).unwrap();
    assert_eq!(Store::open(&settings).unwrap_err().code(), Code::NotConfigured);
    // The watched directory may lie in the state directory's folder, for example both below one of Traefik's.
    settings.dynamic_dir = Some(root);
    Store::open(&settings).unwrap();
}

#[test]
fn a_state_directory_in_a_second_mount_of_the_watched_one_is_refused() {
    let script = "mkdir \"$DISK_TEST_FOLDER/state\" && \
        mount --bind \"$DISK_TEST_FOLDER/dynamic\" \"$DISK_TEST_FOLDER/state\" && exec \"$@\"";
    let words = ["unshare", "--mount", "sh", "-c", script, "sh"];
    let test = "a_state_directory_in_a_second_mount_of_the_watched_one_is_refused";
    let Some(ground) = inside(module_path!(), test, &words) else { return };
    assert_eq!(Store::open(&ground.settings("folder")).unwrap_err().code(), Code::NotConfigured);
}

#[test]
fn without_a_setting_the_state_lies_in_the_users_own_place() {
    let path = |state: Option<&str>, home: Option<&str>| usual(state.map(Into::into), home.map(Into::into));
    assert_eq!(path(Some("/s"), Some("/h")).unwrap(), Path::new("/s/traefik-shard"));
    assert_eq!(path(Some("relative"), Some("/h")).unwrap(), Path::new("/h/.local/state/traefik-shard"));
    assert_eq!(path(None, Some("/h")).unwrap(), Path::new("/h/.local/state/traefik-shard"));
    assert_eq!(path(None, None), None);
    assert_eq!(path(Some(""), Some("")), None);
}

#[test]
fn backups_are_private_and_the_newest_200_stay() {
    let ground = Ground::new();
    let store = ground.store();
    assert!(!ground.folder.join("state").exists(), "nothing is made before something is written");
    let first = store.state().backup(Kind::Update, &name("app"), "first").unwrap();
    let folder = first.parent().unwrap();
    assert_eq!(std::fs::read(&first).unwrap(), b"first");
    assert_eq!((mode(&first), mode(folder), mode(&ground.folder.join("state"))), (0o600, 0o700, 0o700));
    assert!(first.to_str().unwrap().ends_with("Z-app-update.yml"), "{}", first.display());

    let part = folder.join("20200101T000000.000000000Z-app-update.yml.0123456789abcdef.part");
    std::fs::write(part, "half").unwrap();
    std::fs::write(folder.join("notes.yml"), "mine").unwrap();
    let backups: Vec<_> =
        (0..200).map(|_| store.state().backup(Kind::Delete, &name("app"), "later").unwrap()).collect();
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 201, "200 of ours and one of somebody else's");
    assert!(left.contains(&backups[199]) && !left.contains(&first));
    assert!(left.contains(&folder.join("notes.yml")));
}

#[test]
fn every_line_of_the_audit_log_is_whole_though_many_write_and_it_is_put_aside() {
    let ground = Ground::new();
    let log = ground.folder.join("state/audit.log");
    ground.store().state().audit(&record("first"));
    assert_eq!(mode(&log), 0o600);
    // One line short of the limit, so that it is put aside while all write.
    let filling = vec![b' '; 4 * 1024 * 1024 - 2000];
    std::fs::write(&log, [filling.as_slice(), b"\n"].concat()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let store = ground.store();
            scope.spawn(move || (0..25).for_each(|_| store.state().audit(&record(&"ü".repeat(2000)))));
        }
    });
    let old = std::fs::read_to_string(ground.folder.join("state/audit.log.1")).unwrap();
    let new = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> =
        old.lines().skip(1).chain(new.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 100);
    assert!(lines.iter().all(|line| line["action"] == "create" && line["pid"] == std::process::id()));
    assert!(lines.iter().all(|line| line["detail"].as_str().unwrap().chars().count() == 500));
    assert!(old.len() < 4 * 1024 * 1024 + 20_000, "{}", old.len());
}

#[test]
fn a_log_that_another_process_has_just_put_aside_is_not_put_aside_again() {
    let ground = Ground::new();
    let log = ground.folder.join("audit.log");
    std::fs::write(&log, "full").unwrap();
    let opened = std::fs::File::open(&log).unwrap();
    std::fs::rename(&log, ground.folder.join("audit.log.1")).unwrap();
    std::fs::write(&log, "new").unwrap();
    assert!(put_aside(&log, &opened).unwrap(), "the log is to be opened anew");
    assert_eq!(std::fs::read(&log).unwrap(), b"new");
    assert_eq!(std::fs::read(ground.folder.join("audit.log.1")).unwrap(), b"full");
}

#[test]
fn an_audit_log_that_cannot_be_written_stops_nothing() {
    let ground = Ground::new();
    std::fs::write(ground.folder.join("state"), "a file").unwrap();
    let store = ground.store();
    store.state().audit(&record("lost"));
    assert_eq!(store.state().backup(Kind::Update, &name("app"), "").unwrap_err().code(), Code::IoError);
}
