//! `reload_config`: makes Traefik read its files and proves that it did, or says why it does not.
//!
//! The writer does the work; nothing is held here.

use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;

use crate::answer::Answer;
pub(crate) use crate::change::Reloaded as Report;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::server::Context;

/// The arguments of `reload_config`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// How long Traefik has to show that it reloaded, 1 to 120
    #[serde(default)]
    #[schemars(range(min = 1, max = 120))]
    wait_seconds: Option<u64>,
}

/// Runs the tool.
pub(crate) async fn run(
    context: &Context,
    arguments: Arguments,
    progress: Progress,
) -> Result<Answer<Report>, Failure> {
    let body = context.writer.reload(arguments.wait_seconds, &progress).await?;
    Ok(Answer { text: body.sentence(), body })
}
