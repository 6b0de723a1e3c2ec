//! One shard: its process, the link to it, how the two agree on a revision, and who keeps it alive.
//!
//! Invariant: nothing here knows of other shards, of exposed names or of clients beyond an opaque key.

mod backoff;
pub mod budget;
mod ended;
mod fetch;
pub mod followed;
mod handle;
mod handshake;
mod instance;
pub(crate) mod keeper;
pub mod link;
pub(crate) mod os;
pub mod polite;
mod process;
mod quota;
pub mod roster;
pub mod stats;
pub mod stderr;
mod supervisor;

pub use ended::{Ended, Reason, STDERR_SHOWN};
pub use handle::{Handle, Heritage, Known, Live, Setup, Shard, ShardState};
pub use keeper::Keeper;
