//! The gateway itself is killed.

use super::{Brood, logged, ready, stat};
use crate::support::{Gateway, eventually, fake_shard};

#[tokio::test]
async fn after_a_kill_no_direct_child_lives_on_and_the_next_start_ends_the_rest() {
    let (brood, calm) = (Brood::new(), Brood::new());
    let gateway = Gateway::builder()
        .shard("wild", brood.shard(""))
        .shard("calm", format!("{}env: {{ BROOD: \"{}\" }}\n", fake_shard(&["--ignore-eof"]), calm.0))
        .start()
        .await;
    let old = ready(&gateway, "wild", &brood).await;
    gateway.until("calm", "ready").await;
    let pid = gateway.pid();
    let direct: Vec<u32> =
        [&old[..], &calm.alive()].concat().into_iter().filter(|one| stat(*one).unwrap().parent == pid).collect();
    assert!(direct.len() > 2, "the leaders and what has been adopted");
    let leads = |pid: &u32| stat(*pid).is_some_and(|process| process.group == *pid && process.session != *pid);
    let direct: Vec<u32> = direct.into_iter().filter(leads).collect();
    assert_eq!(direct.len(), 2, "one for each shard");

    let dir = gateway.kill().await;
    eventually("no direct child is left", async || direct.iter().all(|pid| is_gone(*pid)).then_some(())).await;
    assert!(!brood.alive().is_empty(), "those that the death of a parent does not reach");

    let gateway = Gateway::builder().in_dir(&dir).start().await;
    let new = ready(&gateway, "wild", &brood).await;
    assert!(new.iter().all(|pid| !old.contains(pid)), "{old:?} are swept before {new:?} start");
    let line = logged(&gateway, "left behind").await;
    assert!(line.contains("shard=\"wild\"") && line.contains("pid="), "{line}");
    gateway.stop().await;
    brood.assert_gone();
    calm.assert_gone();
}

#[tokio::test]
async fn a_second_gateway_on_the_same_state_folder_is_untouched_throughout() {
    let (brood, others) = (Brood::new(), Brood::new());
    let first = Gateway::builder().shard("wild", brood.shard("")).start().await;
    let state = first.dir().path().join("state");
    let second = Gateway::builder().state_dir(&state).shard("wild", others.shard("")).start().await;
    ready(&first, "wild", &brood).await;
    let theirs = ready(&second, "wild", &others).await;
    for _ in 0..3 {
        let dir = Gateway::builder().in_dir(first.dir()).start().await.kill().await;
        drop(dir);
    }
    let dir = first.kill().await;
    let first = Gateway::builder().in_dir(&dir).start().await;
    ready(&first, "wild", &brood).await;
    first.stop().await;
    brood.assert_gone();
    assert_eq!(others.alive(), theirs);
    assert_eq!(second.shard("wild").await["restarts"], 0);
    second.stop().await;
    others.assert_gone();
}

fn is_gone(pid: u32) -> bool {
    stat(pid).is_none_or(|process| process.state == 'Z')
}
