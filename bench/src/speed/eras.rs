//! The modern era beside the legacy one: the same calls of the same tool, each era's clients at a gateway with a shard of that era.
//!
//! Invariant: the eras take turns within each round, so that what the machine does besides hits both.

use std::io::{Write as _, stderr};
use std::path::Path;

use gateway::wire::Era;
use tokio::runtime::Runtime;

use super::Pace;
use super::report::{Flight, Report};
use super::turns::{peer, rounds, start};
use crate::rig::{Gateway, Pinned, descendants};

/// Where wake-ups are left to chance nothing can be compared: one call is in flight on one processor only.
const FLIGHTS: [Flight; 3] = [Flight::OneTogether, Flight::Many(16), Flight::Many(64)];

/// Measures each number of calls in flight.
pub(super) fn measure(binary: &Path, runtime: &Runtime, pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    let legacy = runtime.block_on(start(binary, Era::Legacy, 0))?;
    let modern = runtime.block_on(start(binary, Era::Modern, 0))?;
    let peers = [&peer(&legacy, Era::Legacy), &peer(&modern, Era::Modern)];
    for flight in FLIGHTS {
        let pinned = (flight == Flight::OneTogether).then(|| together([&legacy, &modern])).transpose()?;
        let pair = rounds(peers, flight.calls(), pace)?;
        drop(pinned);
        let _ = writeln!(stderr(), "modern beside legacy, {flight}: {:.2}", pair.ratio);
        report.eras(flight, pair);
    }
    runtime.block_on(async {
        legacy.stop().await?;
        modern.stop().await?;
        Ok(())
    })
}

fn together(gateways: [&Gateway; 2]) -> anyhow::Result<Pinned> {
    let gateways = gateways.map(Gateway::pid);
    let shards = gateways.into_iter().flat_map(descendants).map(|(pid, _)| pid);
    Pinned::to_one(shards.chain(gateways).collect())
}
