//! The `shard-template` binary.
fn main() {}
