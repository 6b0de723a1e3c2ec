//! The `mcp-gateway` binary.
fn main() {}
