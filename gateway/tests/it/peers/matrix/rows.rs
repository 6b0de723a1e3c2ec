//! The rows: what a user sees of each feature, and what the shard was sent for it.
//!
//! Invariant: a row asserts both ends, the client's and the shard's journal, so that nothing can be made up in between.

mod calls;
mod changes;
mod questions;

use std::pin::Pin;

use super::stage::Cell;

/// How a row turned out that did not fail: by the feature's own way, or by another, of which the specification says this
/// in quotes.
pub(super) type Turned = Result<(), &'static str>;

type Play = for<'a> fn(Cell<'a>) -> Pin<Box<dyn Future<Output = Turned> + 'a>>;

/// All features, by their names.
pub(super) const FEATURES: [(&str, Play); 10] = [
    ("plain", |cell| Box::pin(calls::plain(cell))),
    ("progress", |cell| Box::pin(calls::progress(cell))),
    ("elicitation", |cell| Box::pin(questions::elicitation(cell))),
    ("sampling", |cell| Box::pin(questions::sampling(cell))),
    ("roots", |cell| Box::pin(questions::roots(cell))),
    ("logging", |cell| Box::pin(calls::logging(cell))),
    ("list_changed", |cell| Box::pin(changes::list_changed(cell))),
    ("subscribe", |cell| Box::pin(changes::subscribe(cell))),
    ("not found", |cell| Box::pin(calls::not_found(cell))),
    // The last: for a while a shard may still ask for a call that was given up, so nobody else there is asked or logged to.
    ("cancel", |cell| Box::pin(calls::cancel(cell))),
];
