//! What all shards offer together, as one view: names, owners and the lists as bytes.
//!
//! Invariant: pure data. Nothing here waits, starts a task or opens a socket, and only `store` touches the disk.

mod capabilities;
mod instructions;
mod merge;
mod mirrored;
mod names;
mod problem;
mod render;
mod schema;
mod snapshot;
mod store;
mod template;

pub use merge::{Member, NoRules, Rules, alone, merge};
pub use mirrored::{BadMark, Mirrored, PARAM_HEADERS, Place};
pub use names::Dropped;
pub use problem::{Problem, Reason};
pub use schema::Unfit;
pub(crate) use snapshot::nearest;
pub use snapshot::{Catalogue, Owner, Target};
pub use store::{Saved, Store, StoreError};
