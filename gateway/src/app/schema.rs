//! `mcp-gateway schema`: the JSON Schema of a shard file, for editors.
//!
//! Invariant: it prints the schema and nothing else, so that stdout can be a file.

use super::output;
use crate::config::schema;

/// Prints the schema.
///
/// # Errors
/// stdout cannot be written to.
pub(super) fn show() -> anyhow::Result<()> {
    output::print(&schema::text())
}
