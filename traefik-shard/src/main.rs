//! The `traefik-shard` binary.
fn main() {}
