//! `mcp-gateway ps`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Brood, ready};
use crate::support::{Gateway, fake_shard};

fn ps(state: &Path, flags: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-gateway"));
    let output = command.arg("ps").arg("--state-dir").arg(state).args(flags).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

/// The process ids of a shard, in order.
fn pids(answer: &Value, gateway: usize, shard: &str) -> Vec<u64> {
    let rows = answer["gateways"][gateway]["processes"].as_array().unwrap();
    let mut pids: Vec<u64> =
        rows.iter().filter(|row| row["shard"] == shard).map(|row| row["pid"].as_u64().unwrap()).collect();
    pids.sort_unstable();
    pids
}

#[tokio::test]
async fn it_lists_every_process_by_shard_and_no_argument() {
    let brood = Brood::new();
    let gateway = Gateway::builder()
        .shard("wild", brood.shard("--name hunter2"))
        .shard("calm", fake_shard(&["--name", "hunter2"]))
        .start()
        .await;
    let alive: Vec<u64> = ready(&gateway, "wild", &brood).await.into_iter().map(u64::from).collect();
    let calm = gateway.until("calm", "ready").await["pid"].clone();
    let state = gateway.dir().path().join("state");
    let answer: Value = serde_json::from_str(&ps(&state, &["--json"])).unwrap();
    assert_eq!(answer["gateways"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&answer["gateways"][0]["pid"], &answer["gateways"][0]["state"]),
        (&gateway.pid().into(), &"running".into())
    );
    assert_eq!(pids(&answer, 0, "wild"), alive);
    assert_eq!(pids(&answer, 0, "calm"), [calm.as_u64().unwrap()]);

    let text = ps(&state, &[]);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let door = format!("http://{}", gateway.host());
    let first = format!("mcp-gateway {}, pid {}, {door}", env!("CARGO_PKG_VERSION"), gateway.pid());
    assert_eq!(text.lines().next(), Some(&*first));
    assert_eq!(lines[1], ["SHARD", "PID", "PARENT", "STATE", "MEMORY", "AGE", "PROGRAM"]);
    let programs = |shard: &str| {
        let of = lines.iter().filter(|line| line.first() == Some(&shard));
        let mut programs: Vec<&str> = of.map(|line| *line.last().unwrap()).collect();
        programs.sort_unstable();
        programs
    };
    assert_eq!(programs("calm"), ["fake_shard"]);
    assert_eq!(programs("wild"), ["fake_shard", "sh", "sh", "sleep", "sleep"]);
    assert!(!text.contains("hunter2") && !text.contains("1000"));
    gateway.stop().await;
}

#[tokio::test]
async fn it_says_when_there_is_nothing_to_list() {
    let gateway = Gateway::builder().start().await;
    let state = gateway.dir().path().join("state");
    let dir = gateway.dir().clone();
    let shown = async || Some(ps(&state, &[])).filter(|text| text.contains("It runs no shard."));
    crate::support::eventually("the gateway is listed", shown).await;
    gateway.stop().await;
    assert_eq!(ps(&state, &[]), format!("No gateway runs with the state folder {}.\n", state.display()));
    assert!(ps(&dir.path().join("nowhere"), &[]).starts_with("No gateway runs"));
}

#[tokio::test]
async fn it_tells_what_a_killed_gateway_left_from_what_another_owns() {
    let (brood, others) = (Brood::new(), Brood::new());
    let first = Gateway::builder().shard("wild", brood.shard("")).start().await;
    let state = first.dir().path().join("state");
    let second = Gateway::builder().state_dir(&state).shard("tame", others.shard("")).start().await;
    ready(&first, "wild", &brood).await;
    ready(&second, "tame", &others).await;
    let killed = first.pid();
    let dir = first.kill().await;
    let left: Vec<u64> = crate::support::eventually("its child is gone", async || {
        let answer: Value = serde_json::from_str(&ps(&state, &["--json"])).unwrap();
        let at = answer["gateways"].as_array()?.iter().position(|gateway| gateway["pid"] == killed)?;
        assert_eq!(answer["gateways"][at]["state"], "killed");
        let alive: Vec<u64> = brood.alive().into_iter().map(u64::from).collect();
        Some(pids(&answer, at, "wild")).filter(|pids| *pids == alive && pids.len() < super::BROOD)
    })
    .await;
    assert!(!left.is_empty());
    let text = ps(&state, &[]);
    assert!(
        text.contains("Left over by mcp-gateway") && text.contains("the next gateway to start ends them"),
        "{text}"
    );
    let third = Gateway::builder().in_dir(&dir).start().await;
    ready(&third, "wild", &brood).await;
    assert!(!ps(&state, &[]).contains("Left over"));
    third.stop().await;
    second.stop().await;
}
