//! Shards that are killed again and again, while clients call them.
//!
//! Invariant: the shards' own journal says what was run; what a client was told is held against it.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::callers::{Callers, Calling, Record};
use crate::cli::{Target, Verdict, any_seed};
use crate::findings::Findings;
use crate::rig::{Gateway, Latencies, Outcome, descendants, echo_shard, eventually, is_alive};

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// How long shards are killed, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    seconds: u64,
    /// Repeats the choices of an earlier run.
    #[arg(long, value_name = "NUMBER", default_value_t = any_seed())]
    seed: u64,
}

const CLIENTS: usize = 16;
const SHARDS: usize = 10;
const KILLS_PER_SECOND: u32 = 4;
/// No call may take longer.
const SLOW: Duration = Duration::from_secs(5);
/// The median of the time from a kill to the next good call of that shard.
const RECOVERY: Duration = Duration::from_secs(1);
/// For all shards to be there, at the start and at the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures, prints and judges.
///
/// # Errors
/// The run could not be made.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    Runtime::new()?.block_on(kill_shards(options))
}

/// One kill.
struct Kill {
    shard: usize,
    at: Instant,
}

async fn kill_shards(options: &Options) -> anyhow::Result<Verdict> {
    let mut dice = Rng::with_seed(options.seed);
    let folder = tempfile::tempdir()?;
    let journal = folder.path().join("journal");
    let names: Vec<String> = (0..SHARDS).map(|number| format!("s{number}")).collect();
    let mut files = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let era = if number % 2 == 0 { "legacy" } else { "modern" };
        let flags = ["--era", era, "--journal", journal.to_str().context("an odd path")?];
        files.push((name.as_str(), echo_shard(&flags)?));
    }
    let gateway = Gateway::start(&options.target.binary()?, &files, &[]).await?;
    gateway.until_ready(SHARDS, PATIENCE).await?;
    let tools = names.iter().map(|name| format!("{name}__echo")).collect();
    let calling = Calling { host: gateway.host().to_owned(), tools, clients: CLIENTS, pause: Duration::ZERO };
    let callers = Callers::start(&calling, &mut dice).await?;
    let kills = kill_for(&gateway, Duration::from_secs(options.seconds), &mut dice).await?;
    let back = gateway.until_ready(SHARDS, PATIENCE).await;
    // Calls after the last kill show that its shard is back too.
    sleep(Duration::from_millis(500)).await;
    let records = callers.stop().await?;

    let mut findings = Findings::default();
    findings.note("seed", options.seed);
    findings.note("kills", kills.len());
    judge_calls(&mut findings, &records, &names);
    judge_journal(&mut findings, &records, &fs::read_to_string(&journal)?);
    judge_recovery(&mut findings, &records, &kills);
    findings.none_of("shards that are not back", back.err().map(|error| error.to_string()));
    judge_processes(&mut findings, gateway).await?;
    findings.print("kills")
}

/// Kills one shard of those that run, at each tick.
async fn kill_for(gateway: &Gateway, time: Duration, dice: &mut Rng) -> anyhow::Result<Vec<Kill>> {
    let mut kills = Vec::new();
    let start = Instant::now();
    while start.elapsed() < time {
        let health = gateway.health().await?;
        let shards = health["shards"].as_array().context("a registry lists shards")?;
        let running = shards.iter().enumerate().filter(|(_, shard)| shard["state"] == "ready");
        let running: Vec<(usize, i32)> = running.filter_map(|(number, shard)| Some((number, pid(shard)?))).collect();
        if let Some((shard, pid)) = dice.choice(running) {
            let pid = Pid::from_raw(pid).context("a pid is positive")?;
            if kill_process(pid, Signal::KILL).is_ok() {
                kills.push(Kill { shard, at: Instant::now() });
            }
        }
        let due = start + Duration::from_secs(1) / KILLS_PER_SECOND * u32::try_from(kills.len().max(1))?;
        sleep(due.saturating_duration_since(Instant::now()).max(Duration::from_millis(10))).await;
    }
    Ok(kills)
}

fn pid(shard: &Value) -> Option<i32> {
    shard["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok())
}

fn judge_calls(findings: &mut Findings, records: &[Record], names: &[String]) {
    let good = records.iter().filter(|record| record.outcome.is_right()).count();
    findings.note("calls", records.len());
    findings.note("answered", good);
    let refused: Vec<(&Record, &String)> = records
        .iter()
        .filter_map(|record| match &record.outcome {
            Outcome::Refused(text) => Some((record, text)),
            _ => None,
        })
        .collect();
    findings.note("ended in an error", refused.len());
    let nameless = refused.iter().filter(|(record, text)| !text.contains(&format!("`{}`", names[record.shard])));
    findings.none_of("errors that do not name the shard", nameless.map(|(_, text)| (*text).clone()));
    let bad =
        |of: fn(&Outcome) -> Option<&String>| records.iter().filter_map(move |record| of(&record.outcome).cloned());
    let wrong = bad(|outcome| if let Outcome::Wrong(fault) = outcome { Some(fault) } else { None });
    findings.none_of("wrong or crossed answers", wrong);
    let lost = bad(|outcome| if let Outcome::Lost(fault) = outcome { Some(fault) } else { None });
    findings.none_of("calls without an answer", lost);
    let slow = records.iter().filter(|record| record.took() > SLOW);
    let slow = slow.map(|record| format!("{:?} at {}: {:?}", record.took(), names[record.shard], record.outcome));
    findings.none_of(format!("calls over {SLOW:?}"), slow);
}

/// What has run more than once, and what was answered without having run.
fn judge_journal(findings: &mut Findings, records: &[Record], journal: &str) {
    let mut runs: HashMap<&str, u32> = HashMap::new();
    for token in journal.lines() {
        *runs.entry(token).or_default() += 1;
    }
    let twice = runs.iter().filter(|(_, count)| **count > 1);
    findings.none_of("calls that were run twice", twice.map(|(token, count)| format!("{token}: {count} times")));
    let answered = records.iter().filter(|record| record.outcome.is_right());
    let unrun = answered.filter(|record| !runs.contains_key(&*record.token));
    findings.none_of("calls answered without being run", unrun.map(|record| record.token.clone()));
}

/// The time from each kill to the first good call of that shard that was made after it.
fn judge_recovery(findings: &mut Findings, records: &[Record], kills: &[Kill]) {
    let mut recoveries = Latencies::default();
    let mut never = Vec::new();
    for kill in kills {
        let good = records.iter().filter(|record| record.shard == kill.shard && record.outcome.is_right());
        match good.filter(|record| record.start >= kill.at).map(|record| record.end).min() {
            Some(end) => recoveries.record(end - kill.at),
            None => never.push(format!("shard {}", kill.shard)),
        }
    }
    let p50 = recoveries.percentile(0.5);
    findings.judge("recovery p50", format!("{p50:.1?}"), format!("{RECOVERY:?}"), p50 <= RECOVERY);
    findings.note("recovery p99", format!("{:.1?}", recoveries.percentile(0.99)));
    findings.note("recovery max", format!("{:.1?}", recoveries.percentile(1.0)));
    findings.none_of("kills without a good call after them", never);
}

/// Nothing but the shards, and nothing at all once the gateway has stopped.
async fn judge_processes(findings: &mut Findings, gateway: Gateway) -> anyhow::Result<()> {
    // The kernel needs a moment to take a killed process away.
    let settled = eventually("no more processes than shards", Duration::from_secs(5), async || {
        (descendants(gateway.pid()).len() == SHARDS).then_some(())
    });
    let extra = settled.await.err().map(|_| descendants(gateway.pid()));
    let extra = extra.map(|all| format!("{all:?}"));
    let all = descendants(gateway.pid());
    findings.none_of("processes too many or too few", extra);
    findings
        .none_of("zombies", all.iter().filter(|process| !is_alive(**process)).map(|process| format!("{process:?}")));
    let status = gateway.stop().await?;
    findings.judge("the gateway's exit", status, "exit status: 0", status.success());
    let left = all.into_iter().filter(|process| is_alive(*process));
    findings.none_of("processes left behind", left.map(|process| format!("{process:?}")));
    Ok(())
}
