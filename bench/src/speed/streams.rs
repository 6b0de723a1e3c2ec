//! What streaming and size cost: one progress notification per call beside plain calls, and results of 1 MiB beside the floor.
//!
//! Invariant: both sides of a ratio run in the same round, and a call whose notification is missing is a fault.

use std::io::{Write as _, stderr};
use std::path::Path;

use gateway::wire::Era;
use tokio::runtime::Runtime;

use super::report::Report;
use super::turns::{peer, rounds, start};
use super::{ERAS, Pace};
use crate::floor::Floor;
use crate::load::Peer;
use crate::rig::{Client, Notices};

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
