//! Symbolic links and other things that are not what their name says.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::{BODY, Ground, OTHER, create, draft, kind_of, lock, name, update};
use crate::disk::dir::Dir;
use crate::disk::{Operation, Store};
use crate::failure::Code;

#[test]
fn the_watched_directory_may_be_a_link_and_the_managed_folder_may_not() {
    let ground = Ground::new();
    let real = ground.folder.join("real");
    std::fs::rename(ground.root(), &real).unwrap();
    symlink(&real, ground.root()).unwrap();
    create(&ground.store(), "app", BODY);
    assert!(real.join("mcp-managed/app.yml").is_file());

    let elsewhere = ground.folder.join("elsewhere");
    std::fs::rename(real.join("mcp-managed"), &elsewhere).unwrap();
    let untouched = std::fs::read_dir(&elsewhere).unwrap().count();
    symlink(&elsewhere, real.join("mcp-managed")).unwrap();
    assert_eq!(kind_of(&Store::open(&ground.settings("folder")).unwrap_err()), "symbolic_link");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), untouched);
}

#[test]
fn a_folder_that_is_swapped_for_a_link_under_the_lock_leads_nowhere() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let victim = ground.folder.join("victim");
    std::fs::create_dir(&victim).unwrap();
    std::fs::write(victim.join("app.yml"), "precious").unwrap();
    let locked = lock(&store);
    let pending = locked.begin(update(OTHER, &digest)).unwrap();
    std::fs::rename(ground.managed(), ground.root().join("aside")).unwrap();
    symlink(&victim, ground.managed()).unwrap();
    let applied = pending.apply().unwrap();
    applied.undo().unwrap();
    applied.close().unwrap();
    assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 1);
    assert_eq!(std::fs::read(victim.join("app.yml")).unwrap(), b"precious");
    assert_eq!(kind_of(&store.read(&name("app")).unwrap_err()), "symbolic_link");
    assert_eq!(kind_of(&store.list().unwrap_err()), "symbolic_link");
}

#[test]
fn a_managed_name_that_is_no_regular_file_is_not_managed_and_never_waited_for() {
    let ground = Ground::new();
    let store = ground.store();
    create(&store, "app", BODY);
    let managed = ground.managed();
    let target = ground.folder.join("target.yml");
    std::fs::copy(managed.join("app.yml"), &target).unwrap();
    symlink(&target, managed.join("link.yml")).unwrap();
    symlink("nowhere", managed.join("dangling.yml")).unwrap();
    std::fs::create_dir(managed.join("folder.yml")).unwrap();
    assert!(Command::new("mkfifo").arg(managed.join("pipe.yml")).status().unwrap().success());
    let _socket = UnixListener::bind(managed.join("socket.yml")).unwrap();
    let locked = lock(&store);
    for odd in ["link", "dangling", "folder", "pipe", "socket"] {
        assert_eq!(store.read(&name(odd)).unwrap_err().code(), Code::NotManaged, "{odd}");
        let create = Operation::Create(draft(odd, BODY));
        assert_eq!(locked.begin(create).unwrap_err().code(), Code::NotManaged, "{odd}");
    }
    assert_eq!(store.list().unwrap().foreign.len(), 5);
    assert_eq!(std::fs::read(&target).unwrap(), std::fs::read(managed.join("app.yml")).unwrap());
}

#[test]
fn a_link_in_the_place_of_the_lock_or_the_journal_is_refused() {
    let ground = Ground::new();
    let store = ground.store();
    create(&store, "app", BODY);
    let victim = ground.folder.join("victim");
    std::fs::write(&victim, "precious").unwrap();
    symlink(&victim, ground.managed().join(".journal")).unwrap();
    assert_eq!(lock(&store).unfinished().unwrap_err().code(), Code::IoError);
    std::fs::remove_file(ground.managed().join(".journal")).unwrap();
    std::fs::remove_file(ground.managed().join(".lock")).unwrap();
    symlink(&victim, ground.managed().join(".lock")).unwrap();
    let refused = super::try_lock(&store, std::time::Duration::from_secs(5)).unwrap_err();
    assert_eq!(kind_of(&refused), "symbolic_link");
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_link_put_in_place_of_the_file_after_begin_is_kept_with_its_target() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let victim = ground.folder.join("victim");
    std::fs::write(&victim, "precious").unwrap();
    let locked = lock(&store);
    let pending = locked.begin(update(OTHER, &digest)).unwrap();
    std::fs::remove_file(ground.managed().join("app.yml")).unwrap();
    symlink(&victim, ground.managed().join("app.yml")).unwrap();
    assert_eq!(pending.apply().unwrap_err().code(), Code::PreconditionFailed);
    assert!(ground.managed().join("app.yml").is_symlink());
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_rename_to_a_new_name_never_covers_what_came_there_meanwhile() {
    let ground = Ground::new();
    let dir = Dir::open(&ground.root()).unwrap();
    dir.write_new("fresh", b"ours", 0o644).unwrap();
    symlink("nowhere", ground.root().join("link.yml")).unwrap();
    for taken in ["static.yml", "link.yml"] {
        assert!(!dir.rename_new("fresh", taken).unwrap());
    }
    assert!(ground.root().join("link.yml").is_symlink());
    assert_eq!(ground.configuration()["static.yml"], b"http: {}\n");
    assert!(dir.rename_new("fresh", "new.yml").unwrap());
    assert_eq!(ground.configuration()["new.yml"], b"ours");
}

#[test]
fn a_managed_folder_with_a_path_for_a_name_is_refused() {
    let ground = Ground::new();
    for odd in ["", ".", "..", "a/b", "/etc", "a b", "a\u{1b}"] {
        let mut settings = ground.settings("folder");
        settings.managed_folder = odd.to_owned();
        assert_eq!(Store::open(&settings).unwrap_err().code(), Code::NotConfigured, "{odd:?}");
    }
}
