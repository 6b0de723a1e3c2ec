//! `create_route`: exposes a backend, or changes a managed route, and proves that Traefik serves it as asked.
//!
//! The writer does the work; nothing is held here.

use crate::answer::Answer;
pub(crate) use crate::change::Created as Report;
use crate::failure::Failure;
use crate::progress::Progress;
pub(crate) use crate::route::Request as Arguments;
use crate::server::Context;

/// Runs the tool.
pub(crate) async fn run(
    context: &Context,
    arguments: Arguments,
    progress: Progress,
) -> Result<Answer<Report>, Failure> {
    let body = context.writer.create(arguments, &progress).await?;
    Ok(Answer { text: body.sentence(), body })
}
