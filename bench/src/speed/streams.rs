//! What streaming and size cost: one progress notification per call beside plain calls, and results of 1 MiB beside the floor.
//!
//! Invariant: both sides of a ratio run in the same round, and a call whose notification is missing is a fault.

use std::io::{Write as _, stderr};
use std::path::Path;
use std::time::Duration;

use gateway::wire::Era;
use tokio::runtime::Runtime;

use super::report::{Pair, Report};
use super::{ERAS, PATIENCE, Pace};
use crate::floor::Floor;
use crate::load::{Load, Peer, Sample};
use crate::rig::{Client, Gateway, Notices, echo_shard, median};

/// Calls under way.
const IN_FLIGHT: usize = 16;
/// Of large results; more would only measure how the machine shares two processors.
const LARGE_IN_FLIGHT: usize = 4;
const LARGE: usize = 1 << 20;

/// Measures both, in both eras.
pub(super) fn measure(binary: &Path, runtime: &Runtime, pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    for era in ERAS {
        progress(binary, runtime, era, pace, report)?;
    }
    for era in ERAS {
        large(binary, runtime, era, pace, report)?;
    }
    Ok(())
}

fn progress(binary: &Path, runtime: &Runtime, era: Era, pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    let gateway = runtime.block_on(start(binary, era, 0))?;
    let plain = peer(&gateway, era);
    let told = Peer { notices: Notices::One, ..plain.clone() };
    let pair = rounds([&plain, &told], IN_FLIGHT, pace)?;
    runtime.block_on(gateway.stop())?;
    let _ = writeln!(stderr(), "{} with progress: {:.2} of plain calls", era.as_str(), pair.ratio);
    report.progress(era, IN_FLIGHT, pair);
    Ok(())
}

fn large(binary: &Path, runtime: &Runtime, era: Era, pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    let gateway = runtime.block_on(start(binary, era, LARGE))?;
    let floor = runtime.block_on(async {
        let mut client = Client::connect(gateway.host(), era).await?;
        client.freeze();
        let call = client.prepare("s0__echo")?;
        Floor::start(&client.send(&call).await?.body)
    })?;
    let relaying = Floor::relaying(LARGE)?;
    let served = peer(&gateway, era);
    for (base, name) in [(floor, "the floor"), (relaying, "a bare relay")] {
        let beside = Peer { floor: Some(base.host().to_owned()), pid: base.pid(), ..served.clone() };
        let pair = rounds([&beside, &served], LARGE_IN_FLIGHT, pace)?;
        let _ = writeln!(stderr(), "{} with 1 MiB results: {:.2} of {name}", era.as_str(), pair.ratio);
        report.large(era, LARGE_IN_FLIGHT, name, pair);
    }
    runtime.block_on(gateway.stop())?;
    Ok(())
}

async fn start(binary: &Path, era: Era, pad: usize) -> anyhow::Result<Gateway> {
    let shard = echo_shard(&["--era", era.as_str(), "--pad", &pad.to_string()])?;
    let gateway = Gateway::start(binary, &[("s0", shard)], &[]).await?;
    gateway.until_ready(1, PATIENCE).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(gateway)
}

fn peer(gateway: &Gateway, era: Era) -> Peer {
    Peer {
        gateway: gateway.host().to_owned(),
        floor: None,
        pid: gateway.pid(),
        era,
        tools: vec!["s0__echo".into()],
        notices: Notices::None,
    }
}

fn rounds(peers: [&Peer; 2], in_flight: usize, pace: Pace) -> anyhow::Result<Pair> {
    let load = Load { in_flight, warm_up: pace.warm_up, window: pace.window, threads: pace.threads };
    let mut samples = [const { Vec::<Sample>::new() }; 2];
    for round in 0..pace.rounds {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            samples[which].push(peers[which].load(load)?);
        }
    }
    let rates = samples.each_ref().map(|samples| samples.iter().map(Sample::rate).collect::<Vec<_>>());
    let ratios: Vec<f64> = rates[1].iter().zip(&rates[0]).map(|(one, base)| one / base).collect();
    let faults = samples.iter().flatten().flat_map(|sample| sample.faults.iter().cloned()).collect();
    Ok(Pair { base: median(&rates[0]), rate: median(&rates[1]), ratio: median(&ratios), faults })
}
