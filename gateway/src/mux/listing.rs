//! What clients see of an item, for the eyes of people.
//!
//! Invariant: texts are as the shard wrote them. Whoever shows them must expect any length and any character.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::catalogue::Target;
use crate::wire::Raw;

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The name, uri or template by which clients know it.
    pub exposed: Arc<str>,
    /// Whose it is.
    pub shard: Arc<str>,
    /// What the shard calls it.
    pub own: Arc<str>,
    /// Its title: the item's own, else the one of its annotations.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// All of it as it is listed, a JSON object.
    pub item: Bytes,
}

impl Listing {
    pub(super) fn read(exposed: &Arc<str>, target: &Target) -> Self {
        let item = Raw::parse(&target.item).ok();
        let text = |object: Option<Raw<'_>>, key: &str| {
            object.and_then(|object| object.get(key)).and_then(Raw::string).map(Cow::into_owned)
        };
        let annotated = || text(item.and_then(|item| item.get("annotations")), "title");
        Self {
            exposed: Arc::clone(exposed),
            shard: Arc::clone(&target.shard),
            own: Arc::clone(&target.own),
            title: text(item, "title").or_else(annotated),
            description: text(item, "description"),
            item: target.item.clone(),
        }
    }
}
