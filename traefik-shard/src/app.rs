//! One run of the shard, from the settings to the end of its client.
//!
//! Nothing that was begun is left running: `serve` returns when every task has ended.

use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tracing::info;

use crate::server::Shard;
use crate::settings::Settings;

/// How long a change that is under way may take to end; the journal covers one that is cut off.
const LAST_CHANGE: Duration = Duration::from_secs(10);

/// Serves until the client closes our stdin: that is how a shard is told to stop.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<()> {
    let (shard, keeper) = Shard::new(settings)?;
    let served = converse(shard).await;
    keeper.finish(LAST_CHANGE).await;
    served
}

async fn converse(shard: Shard) -> anyhow::Result<()> {
    let running = match Box::pin(shard.serve(rmcp::transport::stdio_pipes())).await {
        // A client may leave before it said anything, for example one that was told to stop.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        handshake => handshake?,
    };
    info!("connected");
    let reason = running.waiting().await?;
    info!(?reason, "stopped");
    Ok(())
}
