//! `delete_route`: removes a managed route and proves that Traefik has let go of it.
//!
//! The writer does the work; nothing is held here.

use crate::answer::Answer;
pub(crate) use crate::change::{Deleted as Report, Deletion as Arguments};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::server::Context;

/// Runs the tool.
pub(crate) async fn run(
    context: &Context,
    arguments: Arguments,
    progress: Progress,
) -> Result<Answer<Report>, Failure> {
    let body = context.writer.delete(arguments, &progress).await?;
    Ok(Answer { text: body.sentence(), body })
}
