//! Placeholder of `get_traefik_docs` until its own file is merged.

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::failure::{Code, Failure};
use crate::server::Context;

/// The arguments of `get_traefik_docs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {}

/// What `get_traefik_docs` reports.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {}

/// Runs the tool.
pub(crate) async fn run(_context: &Context, _arguments: Arguments) -> Result<Answer<Report>, Failure> {
    Err(Failure::new(Code::NotConfigured, "not merged yet", "wait"))
}
