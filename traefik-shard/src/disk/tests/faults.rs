//! Permissions, read-only and full file systems; after each refusal every configuration file is as before.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::{BODY, Ground, OTHER, apply, create, delete, draft, inside, kind_of, lock, name, try_lock, update};
use crate::disk::{Draft, Left, Operation, Undone};
use crate::failure::Code;

/// The super-user without its privileges: an owner like any other, and a stranger to what others own.
const WITHOUT_PRIVILEGES: [&str; 3] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_of_another_user_is_refused_with_the_way_out() {
    // The stranger is made first, because the child no longer can.
    let script = "chown -R 65534:65534 \"$DISK_TEST_FOLDER/dynamic\" && exec \"$@\"";
    let words = ["sh", "-c", script, "sh"].into_iter().chain(WITHOUT_PRIVILEGES).collect::<Vec<_>>();
    let test = "a_directory_of_another_user_is_refused_with_the_way_out";
    let Some(ground) = inside(module_path!(), test, &words) else { return };
    let before = ground.files();
    let store = ground.store();
    assert_eq!(store.read(&name("app")).unwrap(), None);
    let refused = try_lock(&store, Duration::from_secs(5)).unwrap_err();
    assert_eq!(kind_of(&refused), "permission");
    assert!(refused.to_string().contains("let the user with the id 0, as whom the shard runs, write there"));
    assert_eq!(kind_of(&store.poke().unwrap_err()), "permission");
    assert_eq!(ground.files(), before);
}

#[test]
fn rights_that_are_lost_at_any_step_leave_every_file_as_before() {
    let test = "rights_that_are_lost_at_any_step_leave_every_file_as_before";
    let Some(ground) = inside(module_path!(), test, &WITHOUT_PRIVILEGES) else { return };
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let before = ground.configuration();
    let managed = ground.managed();
    for operation in [Operation::Create(draft("new", BODY)), update(OTHER, &digest), delete(&digest)] {
        let locked = lock(&store);
        set_mode(&managed, 0o555);
        assert_eq!(kind_of(&locked.begin(operation.clone()).unwrap_err()), "permission");
        assert_eq!(ground.configuration(), before);
        assert_eq!(ground.litter(), Vec::<String>::new());
        set_mode(&managed, 0o755);

        let pending = locked.begin(operation.clone()).unwrap();
        set_mode(&managed, 0o555);
        assert_eq!(kind_of(&pending.apply().unwrap_err()), "permission");
        assert_eq!(ground.configuration(), before);
        set_mode(&managed, 0o755);
        // Even the journal could not be removed: the next writer learns that nothing was done.
        let unfinished = locked.unfinished().unwrap().unwrap();
        assert_eq!(unfinished.left, Left::NotApplied);
        unfinished.operation.close().unwrap();

        let applied = apply(&locked, operation);
        set_mode(&managed, 0o555);
        assert_eq!(kind_of(&applied.undo().unwrap_err()), "permission");
        set_mode(&managed, 0o755);
        assert_eq!(applied.undo().unwrap(), Undone::Restored);
        set_mode(&managed, 0o555);
        assert_eq!(kind_of(&applied.close().unwrap_err()), "permission");
        set_mode(&managed, 0o755);
        assert_eq!(locked.unfinished().unwrap().unwrap().left, Left::NotApplied);
        locked.unfinished().unwrap().unwrap().operation.close().unwrap();
        assert_eq!(ground.configuration(), before);
        assert_eq!(ground.litter(), Vec::<String>::new());
    }
}

#[test]
fn a_file_that_may_not_be_read_is_a_fault_and_not_an_absence() {
    let test = "a_file_that_may_not_be_read_is_a_fault_and_not_an_absence";
    let Some(ground) = inside(module_path!(), test, &WITHOUT_PRIVILEGES) else { return };
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    set_mode(&ground.managed().join("app.yml"), 0o200);
    assert_eq!(kind_of(&store.read(&name("app")).unwrap_err()), "permission");
    let locked = lock(&store);
    for operation in [Operation::Create(draft("app", BODY)), update(OTHER, &digest), delete(&digest)] {
        assert_eq!(kind_of(&locked.begin(operation).unwrap_err()), "permission");
    }
    set_mode(&ground.managed().join("app.yml"), 0o644);
    assert_eq!(store.read(&name("app")).unwrap().unwrap().sha256, digest);
}

#[test]
fn a_strict_umask_does_not_hide_files_from_traefik() {
    let words = ["sh", "-c", "umask 077 && exec \"$@\"", "sh"];
    let test = "a_strict_umask_does_not_hide_files_from_traefik";
    let Some(ground) = inside(module_path!(), test, &words) else { return };
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    apply(&lock(&store), update(OTHER, &digest)).undo().unwrap();
    for (path, mode) in [(ground.managed(), 0o755), (ground.managed().join("app.yml"), 0o644)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_read_only_mount_is_named_and_can_still_be_read() {
    let script = "mkdir \"$DISK_TEST_FOLDER/dynamic/mcp-managed\" && cd \"$DISK_TEST_FOLDER\" && \
        mount --bind dynamic dynamic && mount -o remount,bind,ro dynamic && exec \"$@\"";
    let words = ["unshare", "--mount", "sh", "-c", script, "sh"];
    let Some(ground) = inside(module_path!(), "a_read_only_mount_is_named_and_can_still_be_read", &words) else {
        return;
    };
    let before = ground.files();
    let store = ground.store();
    let refused = try_lock(&store, Duration::from_secs(5)).unwrap_err();
    assert_eq!(kind_of(&refused), "read_only_file_system");
    assert!(refused.to_string().contains("--read-only"), "{refused}");
    assert_eq!(kind_of(&store.poke().unwrap_err()), "read_only_file_system");
    assert!(store.list().unwrap().managed.is_empty());
    assert_eq!(ground.files(), before);
}

/// A small file system over the watched directory.
const SMALL: &str = "mount -t tmpfs -o size=256k,nr_inodes=64 none \"$DISK_TEST_FOLDER/dynamic\" && exec \"$@\"";

/// Fills the disk, then gives back some pages.
fn leave_pages(ground: &Ground, pages: usize) {
    let filling = ground.root().join("filling");
    let full = (0..).map(|count| vec![b'#'; count * 4096]).find(|bytes| std::fs::write(&filling, bytes).is_err());
    let most = full.unwrap().len() / 4096 - 1;
    std::fs::write(&filling, vec![b'#'; most.saturating_sub(pages) * 4096]).unwrap();
}

#[test]
fn a_disk_that_is_full_at_any_page_leaves_every_file_as_before_and_lets_an_update_be_undone() {
    let words = ["unshare", "--mount", "sh", "-c", SMALL, "sh"];
    let test = "a_disk_that_is_full_at_any_page_leaves_every_file_as_before_and_lets_an_update_be_undone";
    let Some(ground) = inside(module_path!(), test, &words) else { return };
    let store = ground.store();
    let body = format!("{BODY}#{}\n", "x".repeat(9000));
    let digest = create(&store, "app", &body);
    let before = ground.configuration();
    let (mut refused, mut done) = (0, 0);
    for pages in 0..16 {
        for operation in
            [Operation::Create(draft("new", &body)), update(&format!("{body}#\n"), &digest), delete(&digest)]
        {
            std::fs::remove_file(ground.root().join("filling")).ok();
            leave_pages(&ground, pages);
            let locked = lock(&store);
            match locked.begin(operation) {
                Err(failure) => {
                    assert_eq!(kind_of(&failure), "disk_full", "{pages} pages: {failure}");
                    refused += 1;
                }
                Ok(pending) => {
                    let applied = pending.apply().unwrap();
                    assert_ne!(ground.configuration(), before);
                    // A deletion needs no copy, so it is taken back only where there is room.
                    let needs_room = applied.after().is_none();
                    leave_pages(&ground, if needs_room { 8 } else { 0 });
                    store.poke().unwrap();
                    // The next process finds the same means as this one.
                    drop(applied);
                    let applied = locked.unfinished().unwrap().unwrap().operation;
                    leave_pages(&ground, if needs_room { 8 } else { 0 });
                    assert_eq!(applied.undo().unwrap(), Undone::Restored);
                    applied.close().unwrap();
                    done += 1;
                }
            }
            assert_eq!(ground.configuration(), before, "{pages} pages");
            assert_eq!(ground.litter(), Vec::<String>::new());
        }
    }
    assert!(refused >= 10 && done >= 10, "{refused} refused, {done} done");
}

#[test]
fn a_disk_without_inodes_refuses_and_is_poked_by_its_time() {
    let words = ["unshare", "--mount", "sh", "-c", SMALL, "sh"];
    let Some(ground) = inside(module_path!(), "a_disk_without_inodes_refuses_and_is_poked_by_its_time", &words) else {
        return;
    };
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let before = ground.configuration();
    let fill = |count: usize| std::fs::write(ground.root().join(format!("{count}filling")), "");
    let count = (0..).find(|count| fill(*count).is_err()).unwrap();
    assert!(count > 10, "{count}");
    let locked = lock(&store);
    for free in 0..5 {
        let mut filled = count - free;
        (filled..count).for_each(|file| std::fs::remove_file(ground.root().join(format!("{file}filling"))).unwrap());
        match locked.begin(update(OTHER, &digest)) {
            Err(failure) => assert_eq!(kind_of(&failure), "disk_full"),
            Ok(pending) => {
                assert!(free >= 3, "two copies and the journal need an inode each");
                let applied = pending.apply().unwrap();
                while fill(filled).is_ok() {
                    filled += 1;
                }
                let past = std::time::SystemTime::UNIX_EPOCH;
                std::fs::File::open(ground.root()).unwrap().set_modified(past).unwrap();
                store.poke().unwrap();
                assert_ne!(std::fs::metadata(ground.root()).unwrap().modified().unwrap(), past);
                assert_eq!(applied.undo().unwrap(), Undone::Restored);
                applied.close().unwrap();
            }
        }
        assert_eq!(ground.configuration(), before);
        assert_eq!(ground.litter(), Vec::<String>::new());
        (0..count).for_each(|file| fill(file).unwrap_or_default());
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let ground = Ground::new();
    let mut settings = ground.settings("folder");
    settings.dynamic_dir = Some(ground.folder.join("absent"));
    let failure = crate::disk::Store::open(&settings).unwrap_err();
    assert_eq!(kind_of(&failure), "missing");
    assert!(failure.to_string().contains("absent"), "{failure}");
    settings.dynamic_dir = None;
    let failure = crate::disk::Store::open(&settings).unwrap_err();
    assert_eq!(failure.code(), Code::NotConfigured);
    assert!(failure.to_string().contains("TRAEFIK_DYNAMIC_DIR"), "{failure}");
}

#[test]
fn a_directory_that_comes_back_is_used_again() {
    let ground = Ground::new();
    let store = ground.store();
    create(&store, "app", BODY);
    std::fs::remove_dir_all(ground.root()).unwrap();
    assert_eq!(kind_of(&store.read(&name("app")).unwrap_err()), "missing");
    std::fs::create_dir(ground.root()).unwrap();
    assert_eq!(store.read(&name("app")).unwrap(), None);
    apply(&lock(&store), Operation::Create(Draft::new(&name("app"), OTHER))).close().unwrap();
    assert_eq!(ground.litter(), Vec::<String>::new());
}
