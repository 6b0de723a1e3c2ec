//! Calls: the floor, one shard and ten shards take turns, at each number of calls in flight.
//!
//! Invariant: the floor's answer is the gateway's, byte for byte, in body and headers.

use std::io::{Write as _, stderr};

use anyhow::ensure;
use hyper::header::DATE;

use super::report::{Cell, Flight, Report, Served};
use super::{Pace, Stage};
use crate::load::{Load, Sample};
use crate::rig::{Pinned, descendants, median};

const FLIGHTS: [Flight; 4] = [Flight::OneTogether, Flight::One, Flight::Many(16), Flight::Many(64)];

/// Measures every cell of the table.
pub(super) fn measure(stages: &[Stage], pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    for flight in FLIGHTS {
        for stage in stages {
            let pinned = (flight == Flight::OneTogether).then(|| together(stage)).transpose()?;
            let load =
                Load { in_flight: flight.calls(), warm_up: pace.warm_up, window: pace.window, threads: pace.threads };
            let peers = stage.peers();
            let mut samples = [const { Vec::new() }; 3];
            for round in 0..pace.rounds {
                // Each comes first, second and last in turn.
                for turn in 0..peers.len() {
                    let which = (round + turn) % peers.len();
                    samples[which].push(peers[which].load(load)?);
                }
            }
            drop(pinned);
            for (served, cell) in Served::ALL.into_iter().zip(cells(&mut samples)) {
                // A sign of life for whoever waits.
                let _ = writeln!(stderr(), "{} {flight} {served}: {:.0} calls/s", stage.era.as_str(), cell.rate);
                report.cell(stage.era, flight, served, cell);
            }
        }
    }
    Ok(())
}

/// One call after the other never needs two processors; with several, chance decides how often a wake-up crosses from one
/// to the other, which costs more than the gateway does and can differ between two runs of one round.
pub(super) fn together(stage: &Stage) -> anyhow::Result<Pinned> {
    let gateways = [stage.one.pid(), stage.ten.pid()];
    let shards = gateways.into_iter().flat_map(descendants).map(|(pid, _)| pid);
    Pinned::to_one(shards.chain(gateways).chain([stage.floor.pid(), stage.list_floor.pid()]).collect())
}

fn cells(samples: &mut [Vec<Sample>; 3]) -> Vec<Cell> {
    let floors: Vec<f64> = samples[0].iter().map(Sample::rate).collect();
    let percentiles = |samples: &mut Vec<Sample>, share| -> Vec<f64> {
        samples.iter_mut().map(|sample| sample.latencies.percentile(share).as_secs_f64() * 1e6).collect()
    };
    let floor_p50 = percentiles(&mut samples[0], 0.5);
    let cell = |samples: &mut Vec<Sample>| {
        let rates: Vec<f64> = samples.iter().map(Sample::rate).collect();
        let ratios: Vec<f64> = rates.iter().zip(&floors).map(|(rate, floor)| rate / floor).collect();
        let p50 = percentiles(samples, 0.5);
        let added: Vec<f64> = p50.iter().zip(&floor_p50).map(|(one, floor)| one - floor).collect();
        Cell {
            rate: median(&rates),
            ratio: median(&ratios),
            p50: median(&p50),
            added_p50: median(&added),
            p99: median(&percentiles(samples, 0.99)),
            cpu: median(&samples.iter().map(Sample::cpu_per_call).collect::<Vec<_>>()),
            faults: samples.iter().flat_map(|sample| sample.faults.iter().cloned()).collect(),
        }
    };
    samples.iter_mut().map(cell).collect()
}

/// Compares what floor and gateway answer to the same request.
pub(super) async fn check_floor(stage: &Stage) -> anyhow::Result<()> {
    let [floor, one, _] = stage.peers();
    let mut answers = Vec::new();
    for peer in [floor, one] {
        let mut client = peer.client().await?;
        client.freeze();
        let call = client.prepare(&peer.tools[0])?;
        let mut response = client.send(&call).await?;
        response.headers.remove(DATE);
        answers.push((response.status, response.headers, response.body));
    }
    ensure!(answers[0] == answers[1], "floor and gateway answer differently: {answers:?}");
    Ok(())
}
