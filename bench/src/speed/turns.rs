//! Two peers that take turns, and what the second does beside the first.
//!
//! Invariant: both sides of a ratio run in the same round, one right after the other, and each comes first in turn.

use std::path::Path;
use std::time::Duration;

use gateway::wire::Era;

use super::report::Pair;
use super::{PATIENCE, Pace};
use crate::load::{Load, Peer, Sample};
use crate::rig::{Gateway, Notices, echo_shard, median};

/// A gateway with one shard, whose answers have `pad` bytes more.
pub(super) async fn start(binary: &Path, era: Era, pad: usize) -> anyhow::Result<Gateway> {
    let shard = echo_shard(&["--era", era.as_str(), "--pad", &pad.to_string()])?;
    let gateway = Gateway::start(binary, &[("s0", shard)], &[]).await?;
    gateway.until_ready(1, PATIENCE).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(gateway)
}

/// Plain calls of its shard.
pub(super) fn peer(gateway: &Gateway, era: Era) -> Peer {
    Peer {
        gateway: gateway.host().to_owned(),
        floor: None,
        pid: gateway.pid(),
        era,
        tools: vec!["s0__echo".into()],
        notices: Notices::None,
    }
}

/// Measures both: the second beside the first.
pub(super) fn rounds(peers: [&Peer; 2], in_flight: usize, pace: Pace) -> anyhow::Result<Pair> {
    let load = Load { in_flight, warm_up: pace.warm_up, window: pace.window, threads: pace.threads };
    let mut samples = [const { Vec::<Sample>::new() }; 2];
    for round in 0..pace.rounds {
        for turn in 0..2 {
            let which = (round + turn) % 2;
            samples[which].push(peers[which].load(load)?);
        }
    }
    let all = |figure: fn(&Sample) -> f64| samples.each_ref().map(|samples| samples.iter().map(figure).collect());
    let rates: [Vec<f64>; 2] = all(Sample::rate);
    let costs: [Vec<f64>; 2] = all(Sample::cpu_per_call);
    let ratios: Vec<f64> = rates[1].iter().zip(&rates[0]).map(|(one, base)| one / base).collect();
    let faults = samples.iter().flatten().flat_map(|sample| sample.faults.iter().cloned()).collect();
    let [base, rate] = rates.each_ref().map(|rates| median(rates));
    Ok(Pair { base, rate, ratio: median(&ratios), cpu: costs.each_ref().map(|costs| median(costs)), faults })
}
