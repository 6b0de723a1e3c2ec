//! One cell of the speed table alone, for a profiler to look at.
//!
//! Invariant: the gateway's process id is printed before the first call that counts.

use std::io::{Write as _, stderr, stdout};
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use gateway::wire::Era;
use tokio::runtime;

use crate::cli::{Target, Verdict, eras};
use crate::load::{Load, Peer};
use crate::rig::{Gateway, Notices, echo_shard};

/// Which cell.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// The era of clients and shards.
    #[arg(long, value_parser = eras(), default_value = Era::Modern.as_str())]
    era: Era,
    /// Calls under way at once.
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    in_flight: usize,
    /// Echo shards, called in turn.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    shards: usize,
    /// How long calls count.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    seconds: u64,
    /// The generator's threads.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    threads: usize,
}

/// Calls for a while and prints what came of it.
///
/// # Errors
/// The gateway cannot be started, or a call went wrong.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    let binary = options.target.binary()?;
    let names: Vec<String> = (0..options.shards).map(|number| format!("s{number}")).collect();
    let text = echo_shard(&["--era", options.era.as_str()])?;
    let shards: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), text.clone())).collect();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let gateway = runtime.block_on(async {
        let gateway = Gateway::start(&binary, &shards, &[]).await?;
        gateway.until_ready(options.shards, Duration::from_secs(20)).await?;
        anyhow::Ok(gateway)
    })?;
    writeln!(stderr(), "gateway {}", gateway.pid())?;
    let peer = Peer {
        gateway: gateway.host().to_owned(),
        floor: None,
        pid: gateway.pid(),
        era: options.era,
        tools: names.iter().map(|name| format!("{name}__echo")).collect(),
        notices: Notices::None,
    };
    let mut sample = peer.load(Load {
        in_flight: options.in_flight,
        warm_up: Duration::from_millis(500),
        window: Duration::from_secs(options.seconds),
        threads: options.threads,
    })?;
    ensure!(sample.faults.is_empty(), "{:?}", sample.faults);
    let (rate, cpu) = (sample.rate(), sample.cpu_per_call());
    let (p50, p99) = (sample.latencies.percentile(0.5), sample.latencies.percentile(0.99));
    writeln!(stdout(), "{rate:.0} calls/s, {cpu:.1} µs of the gateway's CPU a call, p50 {p50:.1?}, p99 {p99:.1?}")?;
    runtime.block_on(gateway.stop())?;
    Ok(Verdict::Pass)
}
