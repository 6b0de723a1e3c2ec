//! Children that are started, dropped, given up and refused, with real processes.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;

/// A child with one in its group and one outside, none of which ends of itself.
fn deaf_tree() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; (setsid sleep 1000 &); (sleep 1000 &); sleep 1000; :"]);
    command.process_group(0).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn shard() -> ShardName {
    ShardName::parse("wild").unwrap()
}

/// What the keeper's markers find.
fn carriers(keeper: &Keeper) -> usize {
    let claim = Claim { known: Vec::new(), marks: Marks::Token(keeper.shared.token.clone()) };
    claim.over(&table::all_marked(0)).len()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within 30 s");
}

fn written(folder: &TempDir) -> usize {
    ledger::all(folder.path()).unwrap()[0].content.as_ref().unwrap().children.len()
}

#[tokio::test]
async fn a_child_stands_in_the_ledger_before_it_is_handed_over_and_until_all_of_it_is_gone() {
    let folder = TempDir::new().unwrap();
    let keeper = Keeper::start(Some(folder.path()), "test").unwrap();
    let process = keeper.launch(&shard(), deaf_tree()).await.unwrap();
    assert_eq!(written(&folder), 1);
    until("the tree is there", || carriers(&keeper) == 4).await;
    process.close(Duration::ZERO, &CancellationToken::new()).await;
    assert_eq!((carriers(&keeper), written(&folder)), (0, 0));
    keeper.end();
    assert_eq!(ledger::all(folder.path()).unwrap().len(), 0);
}

#[tokio::test]
async fn a_process_that_is_dropped_takes_its_group_and_what_has_left_it_along() {
    let folder = TempDir::new().unwrap();
    let keeper = Keeper::start(Some(folder.path()), "test").unwrap();
    let process = keeper.launch(&shard(), deaf_tree()).await.unwrap();
    until("the tree is there", || carriers(&keeper) == 4).await;
    drop(process);
    until("it is gone and struck off", || carriers(&keeper) == 0 && written(&folder) == 0).await;
}

#[tokio::test]
async fn a_launch_that_is_given_up_leaves_nothing() {
    let keeper = Keeper::start(None, "test").unwrap();
    for _ in 0..10 {
        let name = shard();
        // Polled once, which is enough to order it.
        let _ = timeout(Duration::ZERO, keeper.launch(&name, deaf_tree())).await;
    }
    // Orders are carried out in turn.
    let last = keeper.launch(&shard(), deaf_tree()).await.unwrap();
    until("only the last is left", || carriers(&keeper) == 4).await;
    drop(last);
    until("nothing is left", || carriers(&keeper) == 0).await;
}

#[tokio::test]
async fn nothing_is_started_after_the_end_which_kills_what_is_there() {
    let keeper = Keeper::start(None, "test").unwrap();
    let _process = keeper.launch(&shard(), deaf_tree()).await.unwrap();
    until("the tree is there", || carriers(&keeper) == 4).await;
    keeper.end();
    assert_eq!(carriers(&keeper), 0);
    keeper.launch(&shard(), deaf_tree()).await.unwrap_err();
}
