//! The rows of the table: what a user sees of each feature, whatever the door and however the shard is shared.
//!
//! Invariant: a row asserts the whole of what is heard, so that what is lost, doubled or out of order fails it.

mod calls;
mod questions;
mod session;

use super::door::Soon;
use super::stage::Stage;

/// How a cell turned out that did not fail: as everywhere, or otherwise and why.
pub(super) type Turned = Result<(), &'static str>;

type Row = for<'a> fn(&'a mut Stage) -> Soon<'a, Turned>;

/// All rows, by their names.
pub(super) const ROWS: [(&str, Row); 11] = [
    ("plain", |stage| Box::pin(calls::plain(stage))),
    ("progress", |stage| Box::pin(calls::progress(stage))),
    ("cancel", |stage| Box::pin(calls::cancel(stage))),
    ("elicitation", |stage| Box::pin(questions::elicitation(stage))),
    ("sampling", |stage| Box::pin(questions::sampling(stage))),
    ("roots", |stage| Box::pin(questions::roots(stage))),
    ("logging", |stage| Box::pin(session::logging(stage))),
    ("list_changed", |stage| Box::pin(session::list_changed(stage))),
    ("subscribe", |stage| Box::pin(session::subscribe(stage))),
    ("completion", |stage| Box::pin(calls::completion(stage))),
    ("not found", |stage| Box::pin(calls::not_found(stage))),
];
