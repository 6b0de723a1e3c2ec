//! Peers that do not read, say too much or are killed: each hurts nobody else, and memory stays bounded.

mod deaf;
mod floods;
mod kills;
mod unread;

use serde_json::json;

use crate::support::Legacy;

/// What a debug build with a few shards may take in all, in MiB; a flood without a bound takes more in a moment.
const MEMORY: u64 = 160;

/// Checks that calls of a good shard are answered, with their own answers.
async fn is_served(client: &mut Legacy) {
    for n in 0..20 {
        assert_eq!(client.call("good__echo", json!({"n": n})).await["structuredContent"], json!({"n": n}));
    }
}
