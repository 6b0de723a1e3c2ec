//! What one bad shard costs nine good ones.
//!
//! Invariant: the bad shard comes and goes beside the same good ones in the same gateway, so that each figure with it has
//! one without it from the same minute.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use fastrand::Rng;
use gateway::wire::Era;
use tokio::runtime::Runtime;
use tokio::time::{interval, sleep};

use crate::bad::Fault;
use crate::callers::{Callers, Calling, Record};
use crate::cli::{Target, Verdict, beside};
use crate::findings::Findings;
use crate::rig::{Client, Gateway, Latencies, echo_shard, eventually, median};

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// Only these faults; may be given more than once.
    #[arg(long, value_enum)]
    fault: Vec<Fault>,
    /// How long calls are made in each of the four turns of a fault, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    seconds: u64,
}

const FAULTS: [Fault; 8] = [
    Fault::Silent,
    Fault::SlowStart,
    Fault::Garbage,
    Fault::Stderr,
    Fault::Deaf,
    Fault::LongLines,
    Fault::DiesAtStart,
    Fault::DiesInALoop,
];
const GOOD: usize = 9;
/// Clients of the good shards; the pause keeps the machine from being busy with them alone.
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(1);
/// Clients that insist on the bad shard.
const STUBBORN: usize = 2;
const STUBBORN_PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(30);

/// The good tools are listed at most so much later.
const LATER: Duration = Duration::from_secs(2);
const P50_TIMES: f64 = 3.0;
const P99_TIMES: f64 = 10.0;
const MEMORY: u64 = 256 << 20;

/// Measures, prints and judges.
///
/// # Errors
/// The run could not be made.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    Runtime::new()?.block_on(async {
        let binary = options.target.binary()?;
        let faults = if options.fault.is_empty() { &FAULTS[..] } else { &options.fault };
        let mut normal = Vec::new();
        for _ in 0..3 {
            normal.push(listed(&binary, None).await?.as_secs_f64());
        }
        let normal = Duration::from_secs_f64(median(&normal));
        let mut findings = Findings::default();
        findings.note("good tools listed after, without a bad shard", format!("{normal:.1?}"));
        for fault in faults {
            let took = listed(&binary, Some(*fault)).await?;
            let limit = normal + LATER;
            let figure = format!("{}: good tools listed after", fault.name());
            findings.judge(figure, format!("{took:.1?}"), format!("{limit:.1?}"), took <= limit);
            compare(&binary, *fault, Duration::from_secs(options.seconds), &mut findings).await?;
        }
        findings.print("neighbours")
    })
}

fn names() -> Vec<String> {
    (0..GOOD).map(|number| format!("good{number}")).collect()
}

fn bad_shard(fault: Fault) -> anyhow::Result<String> {
    Ok(format!("command: {}\nargs: [bad, --fault, {}]\n", beside("bench")?.display(), fault.name()))
}

async fn start(binary: &Path, fault: Option<Fault>) -> anyhow::Result<Gateway> {
    let names = names();
    let mut files = Vec::new();
    for name in &names {
        files.push((name.as_str(), echo_shard(&[])?));
    }
    if let Some(fault) = fault {
        files.push(("bad", bad_shard(fault)?));
    }
    Gateway::start(binary, &files, &[]).await
}

/// From the very first start of a gateway to the moment when a client has all good tools.
async fn listed(binary: &Path, fault: Option<Fault>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let gateway = start(binary, fault).await?;
    let listed = eventually("the good tools are listed", PATIENCE, async || {
        let mut client = Client::connect(gateway.host(), Era::Legacy).await.ok()?;
        let tools = client.tools().await.ok()?;
        (tools.iter().filter(|tool| tool.starts_with("good")).count() == GOOD).then(|| begun.elapsed())
    });
    let took = listed.await?;
    gateway.stop().await?;
    Ok(took)
}

/// Calls of the good shards, in turns without and with the bad one.
async fn compare(binary: &Path, fault: Fault, window: Duration, findings: &mut Findings) -> anyhow::Result<()> {
    let gateway = start(binary, None).await?;
    gateway.until_ready(GOOD, PATIENCE).await?;
    let (mut quiet, mut beside) = (Turns::default(), Turns::default());
    let mut calm = None;
    for _ in 0..2 {
        quiet.take(&gateway, window).await?;
        // A later turn has what the bad shard left behind.
        calm.get_or_insert(quiet.memory);
        gateway.write_shard("bad", &bad_shard(fault)?)?;
        let tools = vec!["bad__echo".to_owned()];
        let host = gateway.host().to_owned();
        let stubborn = Calling { host, tools, clients: STUBBORN, pause: STUBBORN_PAUSE };
        let stubborn = Callers::start(&stubborn, &mut Rng::with_seed(1)).await?;
        beside.take(&gateway, window).await?;
        // Who waits for an answer that will not come hangs up.
        drop(stubborn);
        gateway.remove_shard("bad")?;
        let gone = async || gateway.shard("bad").await.ok()?.is_null().then_some(());
        eventually("the bad shard is taken away", PATIENCE, gone).await?;
        gateway.until_ready(GOOD, PATIENCE).await?;
    }
    let name = fault.name();
    for (share, times) in [(0.5, P50_TIMES), (0.99, P99_TIMES)] {
        let (before, with) = (quiet.latencies.percentile(share), beside.latencies.percentile(share));
        let limit = before.mul_f64(times);
        let figure = format!("{name}: p{:.0}", share * 100.0);
        findings.judge(figure, format!("{with:.1?}"), format!("{times} × {before:.1?}"), with <= limit);
    }
    let more = beside.memory.saturating_sub(calm.unwrap_or_default());
    let (more, limit) = (more >> 20, MEMORY >> 20);
    findings.judge(format!("{name}: memory"), format!("+{more} MiB"), format!("+{limit} MiB"), more < limit);
    findings.none_of(format!("{name}: good calls that failed"), quiet.faults.into_iter().chain(beside.faults));
    let status = gateway.stop().await?;
    findings.judge(format!("{name}: the gateway's exit"), status, "exit status: 0", status.success());
    Ok(())
}

/// The turns of one kind.
#[derive(Default)]
struct Turns {
    latencies: Latencies,
    faults: Vec<String>,
    /// The most that the gateway had, in bytes.
    memory: u64,
}

impl Turns {
    async fn take(&mut self, gateway: &Gateway, window: Duration) -> anyhow::Result<()> {
        let tools = names().iter().map(|name| format!("{name}__echo")).collect();
        let calling = Calling { host: gateway.host().to_owned(), tools, clients: CLIENTS, pause: PAUSE };
        let callers = Callers::start(&calling, &mut Rng::with_seed(2)).await?;
        tokio::select! {
            () = sleep(window) => {}
            never = self.watch_memory(gateway) => never?,
        }
        for Record { start, end, outcome, .. } in callers.stop().await? {
            if outcome.is_right() {
                self.latencies.record(end - start);
            } else {
                self.faults.push(format!("{outcome:?}"));
            }
        }
        Ok(())
    }

    async fn watch_memory(&mut self, gateway: &Gateway) -> anyhow::Result<()> {
        let mut ticks = interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            self.memory = self.memory.max(gateway.memory()?.resident);
        }
    }
}
