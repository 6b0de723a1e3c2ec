//! Processes that lose their parent come to the gateway, which buries them; also where it is the first of all.

use rustix::process::{Signal, kill_process};
use serde_json::json;

use super::{Brood, no_zombies, pids, raw, ready, stat};
use crate::support::{Gateway, built, eventually};

#[tokio::test]
async fn orphans_that_end_are_buried_and_the_shard_does_not_notice() {
    // Each of them is left by its parent and ends a moment later.
    let script = format!(
        "for one in 1 2 3 4 5 6 7 8 9; do (setsid sleep 0.1 & sleep 0.05 &); done; exec {}",
        built("examples/fake_shard").display()
    );
    let shard = format!("command: sh\nargs: {}\n", json!(["-c", script]));
    let gateway = Gateway::builder().shard("fertile", shard).start().await;
    let pid = gateway.until("fertile", "ready").await["pid"].clone();
    eventually("all have come and gone", async || (gateway.children().len() == 1).then_some(())).await;
    no_zombies(gateway.pid()).await;
    let shard = gateway.until("fertile", "ready").await;
    assert_eq!((&shard["pid"], &shard["restarts"]), (&pid, &json!(0)));
    gateway.stop().await;
}

#[tokio::test]
async fn the_gateway_is_well_as_the_first_process() {
    let brood = Brood::new();
    let first = ["unshare", "--pid", "--fork", "--mount-proc"];
    let gateway = Gateway::builder().under(&first).shard("wild", brood.shard("")).start().await;
    let old = ready(&gateway, "wild", &brood).await;
    let pid = pids().into_iter().find(|pid| stat(*pid).is_some_and(|process| process.parent == gateway.pid())).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")), "{status}");

    let leader = old.iter().find(|one| stat(**one).is_some_and(|process| process.parent == pid)).unwrap();
    kill_process(raw(*leader), Signal::KILL).unwrap();
    brood.lost(&old).await;
    ready(&gateway, "wild", &brood).await;
    no_zombies(pid).await;

    kill_process(raw(pid), Signal::TERM).unwrap();
    let log = gateway.log_handle();
    let status = gateway.ended().await;
    assert!(status.success(), "{status}");
    // Else the end of its first process would have killed them.
    assert!(log.lock().unwrap().iter().any(|line| line.contains("stopped")));
    brood.assert_gone();
}
