//! One writer at a time.

use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{BODY, Ground, OTHER, apply, delete, draft, lock, name, try_lock};
use crate::disk::{Draft, Operation, Store};
use crate::failure::Code;

#[test]
fn a_second_writer_is_told_who_writes_and_comes_in_when_the_last_clone_is_gone() {
    let ground = Ground::new();
    let (first, second) = (ground.store(), ground.store());
    drop(lock(&first));
    std::fs::write(ground.managed().join(".lock"), "x".repeat(500)).unwrap();
    let held = lock(&first);
    let clone = held.clone();
    let operation = apply(&held, Operation::Create(draft("app", BODY)));
    for holder in [Box::new(held) as Box<dyn std::any::Any>, Box::new(clone), Box::new(operation)] {
        let refused = try_lock(&second, Duration::ZERO).unwrap_err();
        assert_eq!(refused.code(), Code::Busy);
        assert!(refused.to_string().contains(&format!("id {}", std::process::id())), "{refused}");
        drop(holder);
    }
    drop(try_lock(&second, Duration::ZERO).unwrap());
}

#[test]
fn a_place_was_written_to_once_somebody_had_its_lock() {
    let ground = Ground::new();
    let store = ground.store();
    assert!(!store.has_written().unwrap());
    assert!(!ground.managed().exists(), "asking creates nothing");
    drop(lock(&store));
    assert!(store.has_written().unwrap());
}

#[test]
fn the_lock_of_a_killed_process_is_free_and_its_file_stays() {
    let ground = Ground::new();
    let store = ground.store();
    drop(lock(&store));
    let file = ground.managed().join(".lock");
    let inode = std::fs::metadata(&file).unwrap().ino();
    let mut other = Command::new("flock").args(["--no-fork", file.to_str().unwrap(), "sleep", "60"]).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while try_lock(&store, Duration::ZERO).is_ok() {
        assert!(Instant::now() < end, "the other process never took the lock");
    }
    other.kill().unwrap();
    other.wait().unwrap();
    drop(lock(&store));
    assert_eq!(std::fs::metadata(&file).unwrap().ino(), inode);
}

#[test]
fn a_wait_that_is_given_up_leaves_the_lock_to_others() {
    let ground = Ground::new();
    let store = ground.store();
    let held = lock(&store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let wait = store.lock(Duration::from_secs(60));
        assert!(tokio::time::timeout(Duration::from_millis(120), wait).await.is_err());
    });
    drop(held);
    drop(lock(&store));
}

#[test]
fn a_wait_that_is_given_up_as_it_succeeds_gives_the_lock_back() {
    let ground = Ground::new();
    let store = ground.store();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for _ in 0..50 {
        runtime.block_on(async {
            let _ = tokio::time::timeout(Duration::ZERO, store.lock(Duration::from_secs(60))).await;
        });
    }
    drop(lock(&store));
}

#[test]
fn both_layouts_lock_each_for_itself() {
    let ground = Ground::new();
    let folder = lock(&ground.store());
    let top = Store::open(&ground.settings("top")).unwrap();
    drop(lock(&top));
    drop(folder);
}

/// A random operation of one of several writers; each name is written by all.
fn one(store: &Store, chance: &mut fastrand::Rng) {
    let app = name("app");
    let locked = lock(store);
    assert!(locked.unfinished().unwrap().is_none());
    let body = if chance.bool() { BODY } else { OTHER };
    let operation = match store.read(&app).unwrap() {
        None => Operation::Create(draft("app", body)),
        Some(found) if chance.bool() => delete(&found.sha256),
        Some(found) => Operation::Update { draft: Draft::replacing(&found, body), was: found.sha256 },
    };
    let applied = apply(&locked, operation);
    let after = store.read(&app).unwrap().map(|found| found.sha256);
    assert_eq!(after.as_deref(), applied.after());
    if chance.u8(0..4) == 0 {
        let before = applied.before().map(str::to_owned);
        applied.undo().unwrap();
        assert_eq!(store.read(&app).unwrap().map(|found| found.text), before);
    }
    applied.close().unwrap();
}

#[test]
fn four_writers_never_see_each_other_half_way() {
    let ground = Ground::new();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let store = ground.store();
            scope.spawn(move || {
                let mut chance = fastrand::Rng::with_seed(seed);
                (0..10).for_each(|_| one(&store, &mut chance));
            });
        }
    });
    assert_eq!(ground.litter(), Vec::<String>::new());
}
