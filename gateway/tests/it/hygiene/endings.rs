//! A shard or the gateway ends in the ways that the gateway has in its hands.

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use super::{Brood, no_zombies, raw, ready};
use crate::support::{Gateway, built, fake_shard};

#[tokio::test]
async fn a_deaf_tree_behind_two_shells_is_gone_when_the_gateway_has_stopped() {
    let broods = [Brood::new(), Brood::new(), Brood::new()];
    let [one, two, three] = broods.each_ref().map(|brood| brood.shard(""));
    let gateway = Gateway::builder().shard("one", one).shard("two", two).shard("three", three).start().await;
    for (name, brood) in ["one", "two", "three"].iter().zip(&broods) {
        ready(&gateway, name, brood).await;
    }
    gateway.stop().await;
    broods.iter().for_each(Brood::assert_gone);
}

#[tokio::test]
async fn a_second_signal_leaves_nothing_either() {
    let brood = Brood::new();
    // Long enough that only the second signal can end it.
    let gateway = Gateway::builder().shard("wild", brood.shard("")).flags(&["--stop-grace", "10m"]).start().await;
    ready(&gateway, "wild", &brood).await;
    gateway.signal(Signal::TERM);
    super::logged(&gateway, "stopping").await;
    gateway.signal(Signal::TERM);
    assert!(gateway.ended().await.success());
    brood.assert_gone();
}

#[tokio::test]
async fn a_stop_grace_that_is_too_short_for_the_shard_leaves_nothing() {
    let brood = Brood::new();
    let gateway = Gateway::builder().shard("wild", brood.shard("")).flags(&["--stop-grace", "100ms"]).start().await;
    ready(&gateway, "wild", &brood).await;
    gateway.stop().await;
    brood.assert_gone();
}

#[tokio::test]
async fn the_rest_of_a_crashed_shard_goes_before_long_and_the_next_one_stays() {
    let brood = Brood::new();
    let gateway = Gateway::builder().shard("wild", brood.shard("")).start().await;
    let old = ready(&gateway, "wild", &brood).await;
    let leader = gateway.shard("wild").await["pid"].clone();
    kill_process(raw(u32::try_from(leader.as_u64().unwrap()).unwrap()), Signal::KILL).unwrap();
    brood.lost(&old).await;
    let new = ready(&gateway, "wild", &brood).await;
    assert!(new.iter().all(|pid| !old.contains(pid)));
    assert_eq!(gateway.shard("wild").await["restarts"], 1);
    no_zombies(gateway.pid()).await;
    gateway.stop().await;
    brood.assert_gone();
}

#[tokio::test]
async fn a_failed_handshake_leaves_nothing() {
    for flags in ["--on-initialize error", "--on-initialize exit", "--on-initialize silent"] {
        let brood = Brood::new();
        let shard = brood.shard(flags) + "timeouts: { start: 300ms, stop: 100ms }\n";
        let gateway = Gateway::builder().shard("wild", shard).start().await;
        gateway.until("wild", "backoff").await;
        gateway.remove_shard("wild");
        crate::support::eventually("it is taken away", async || {
            (gateway.shard("wild").await == Value::Null && brood.alive().is_empty()).then_some(())
        })
        .await;
        no_zombies(gateway.pid()).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn one_that_leaves_its_group_and_hides_its_environment_is_ended_with_its_shard() {
    let script = format!("env -i setsid sleep 1000 & {}; :", built("examples/fake_shard").display());
    let shard = format!("command: sh\nargs: {}\n", json!(["-c", script]));
    let gateway = Gateway::builder().shard("wild", shard).shard("calm", fake_shard(&[])).start().await;
    gateway.until("wild", "ready").await;
    gateway.until("calm", "ready").await;
    assert_eq!(gateway.children().len(), 4, "two shards, the shell and the one that hides");
    gateway.remove_shard("wild");
    crate::support::eventually("only the other shard is left", async || (gateway.children().len() == 1).then_some(()))
        .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_child_begins_with_clean_signals_and_the_limits_that_the_gateway_was_given() {
    let limited = ["sh", "-c", "ulimit -Sn 300; exec \"$@\"", "sh"];
    // A shell leaves alone what it inherits; a Rust program would ignore SIGPIPE.
    let script = format!("{}; :", built("examples/fake_shard").display());
    let shard = format!("command: sh\nargs: {}\n", json!(["-c", script]));
    let gateway = Gateway::builder().under(&limited).shard("calm", shard).start().await;
    let pid = gateway.until("calm", "ready").await["pid"].clone();
    let read = |pid: &str, file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let open_files = |pid: &str| field(&read(pid, "limits"), "Max open files");
    assert_eq!(open_files(&pid.to_string()), "300");
    assert_ne!(open_files(&gateway.pid().to_string()), "300", "the gateway needs more");
    let status = read(&pid.to_string(), "status");
    assert_eq!(field(&status, "SigBlk:"), "0000000000000000");
    // SIGPIPE, which the gateway ignores, is number 13.
    let ignores = |status: &str| u64::from_str_radix(&field(status, "SigIgn:"), 16).unwrap() & (1 << 12) != 0;
    assert_eq!((ignores(&status), ignores(&read(&gateway.pid().to_string(), "status"))), (false, true));
    gateway.stop().await;
}
