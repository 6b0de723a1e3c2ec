//! Placeholder of `create_route` until its own file is merged.

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::failure::{Code, Failure};
use crate::progress::Progress;
use crate::server::Context;

/// The arguments of `create_route`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {}

/// What `create_route` reports.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {}

/// Runs the tool.
pub(crate) async fn run(
    _context: &Context,
    _arguments: Arguments,
    _progress: Progress,
) -> Result<Answer<Report>, Failure> {
    Err(Failure::new(Code::NotConfigured, "not merged yet", "wait"))
}
