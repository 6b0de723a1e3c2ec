//! `tools/list` of a thousand tools, beside the floor with the same bytes.
//!
//! Invariant: every list is compared with the first, byte for byte.

use std::time::Instant;

use anyhow::ensure;
use serde_json::json;

use super::calls::together;
use super::report::Report;
use super::{Pace, Stage};
use crate::rig::{Client, Latencies, median};

/// Lists in a row before the other one's turn.
const ROW: usize = 100;

/// Measures lists in both eras.
pub(super) async fn measure(stages: &[Stage], pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    for stage in stages {
        let _pinned = together(stage)?;
        let [mut floor, one, _] = stage.peers();
        floor.floor = Some(stage.list_floor.host().to_owned());
        let (mut at_floor, mut at_gateway) = (floor.client().await?, one.client().await?);
        at_gateway.freeze();
        let (mut floors, mut gateways, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..pace.rounds * 2 {
            let (floor, gateway) = (row(&mut at_floor, stage).await?, row(&mut at_gateway, stage).await?);
            floors.push(floor);
            gateways.push(gateway);
            ratios.push(gateway / floor);
        }
        report.lists(stage.era, stage.list.len(), median(&floors), median(&gateways), median(&ratios));
    }
    Ok(())
}

/// The median of a row, in microseconds.
async fn row(client: &mut Client, stage: &Stage) -> anyhow::Result<f64> {
    let mut latencies = Latencies::default();
    for _ in 0..ROW {
        let start = Instant::now();
        let response = client.post("tools/list", json!({})).await?;
        latencies.record(start.elapsed());
        ensure!(response.body == stage.list, "a list is not like the first");
    }
    Ok(latencies.percentile(0.5).as_secs_f64() * 1e6)
}
