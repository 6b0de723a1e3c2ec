//! JSON-RPC as bytes: what the gateway reads, what it replaces, and what it copies.
//!
//! Invariant: nothing here builds a tree of a payload. A message is validated once, its interpreted keys are read in one
//! way only, and every byte that the gateway need not set is copied as it came.

#[cfg(test)]
mod arbitrary;
mod capabilities;
mod editor;
mod envelope;
mod fault;
mod header_text;
mod level;
mod lines;
mod overlong;
mod raw;
mod reading;
mod revision;
mod task;
mod writing;

pub use capabilities::Capabilities;
pub use editor::{Edit, flatten, splice};
pub use envelope::{Id, Message, Notification, Outcome, Request, Response, Unreadable};
pub use fault::{Fault, code};
pub use header_text::{argument_text, from_header, says_the_same, to_header};
pub use level::Level;
pub use lines::{Line, Lines};
pub use overlong::IdFinder;
pub use raw::{Kind, MAX_DEPTH, Malformed, Member, Raw};
pub use reading::{Ambiguous, Meta, Params, folded, read_key, read_object};
pub use revision::{Era, Revision};
pub use task::{Status, TASKS, Task, related_task, takes_tasks};
pub use writing::{Chunks, error_response, implementation, notification, request, result_response};
