//! How often the gateway allocates for one call.
//!
//! Invariant: the gateway is the shipped one but for an allocator that counts, and nothing else calls meanwhile.

use anyhow::ensure;

use super::report::Report;
use super::{ERAS, PATIENCE};
use crate::cli::beside;
use crate::rig::{Client, Gateway, echo_shard};

const CALLS: u32 = 2000;

/// Counts in both eras, with one client that calls one after the other.
pub(super) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    for era in ERAS {
        let shards = [("s0", echo_shard(&["--era", era.as_str()])?)];
        let mut gateway = Gateway::start(&beside("counted_gateway")?, &shards, &[]).await?;
        gateway.until_ready(1, PATIENCE).await?;
        let mut client = Client::connect(gateway.host(), era).await?;
        let call = client.prepare("s0__echo")?;
        let mut counts = Vec::new();
        // The first time is the warm-up.
        for _ in 0..2 {
            let before = gateway.allocations()?;
            for _ in 0..CALLS {
                let outcome = client.call(&call).await;
                ensure!(outcome.is_right(), "{outcome:?}");
            }
            let after = gateway.allocations()?;
            let per_call = |after: u64, before: u64| (after - before) as f64 / f64::from(CALLS);
            counts.push((per_call(after.0, before.0), per_call(after.1, before.1)));
        }
        let (count, bytes) = counts[1];
        report.allocations(era, count, bytes);
        gateway.stop().await?;
    }
    Ok(())
}
