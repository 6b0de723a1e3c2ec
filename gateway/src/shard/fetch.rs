//! Fetches what a shard offers, all pages of it.
//!
//! Invariant: bounded, whatever the shard answers. One odd item, one failing list or a cursor that repeats costs that much
//! and no more.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use crate::shard::handshake::{Greeting, modern_params};
use crate::shard::link::{Caller, Deadlines, Failure, Link, Reply};
use crate::shard::roster::{Item, List, Offered, Roster};
use crate::wire::{Era, Fault, Kind, Raw, code, request};

const PAGES: usize = 200;
const ITEMS: usize = 20_000;
const BYTES: usize = 64 * 1024 * 1024;
const PROBLEMS: usize = 20;

/// How long all pages together may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within {
    limit: Duration,
    until: Instant,
}

impl Within {
    /// So long from now on: `timeouts.start`.
    pub(crate) fn from_now(limit: Duration) -> Self {
        Self { limit, until: Instant::now() + limit }
    }

    fn left(self) -> Result<Deadlines, Trouble> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.over()) } else { Ok(Deadlines { call: left, max: left }) }
    }

    fn over(self) -> Trouble {
        Trouble::Failed(format!("no answer within {} (`timeouts.start`)", humantime::format_duration(self.limit)))
    }
}

/// What the shard said of itself, without lists.
pub(crate) fn bare(greeting: &Greeting) -> Roster {
    Roster {
        server_info: greeting.server_info.clone(),
        revision: greeting.revision.clone(),
        modern: greeting.era == Era::Modern,
        capabilities: greeting.capabilities.clone(),
        instructions: greeting.instructions.clone(),
        lists: Default::default(),
    }
}

/// Everything that the shard declared.
pub(crate) async fn roster(link: &Link, greeting: &Greeting, within: Within) -> Roster {
    let mut roster = bare(greeting);
    for list in List::ALL {
        if roster.declares(list.capability()) {
            roster.lists[list as usize] = Arc::new(offered(link, greeting.era, list, within).await);
        }
    }
    roster
}

/// One list, as it is now.
pub(crate) async fn offered(link: &Link, era: Era, list: List, within: Within) -> Offered {
    let mut gathered = Gathered { offered: Offered { ttl_ms: u64::MAX, public: true, ..Offered::default() }, bytes: 0 };
    let mut cursor = None;
    let mut seen = HashSet::new();
    for _ in 0..PAGES {
        let page = match page(link, era, list, cursor.as_deref(), within).await {
            Ok(page) => page,
            Err(Trouble::NotServed) => break,
            Err(Trouble::Failed(error)) => {
                gathered.problem(format!("`{}` failed: {error}", list.method()));
                gathered.offered.broken_off = true;
                break;
            }
        };
        let Ok(result) = Raw::parse(&page) else { break };
        gathered.add(list, result);
        cursor = result.get("nextCursor").and_then(Raw::string).map(std::borrow::Cow::into_owned);
        match &cursor {
            None => return gathered.finish(era),
            Some(cursor) if !seen.insert(cursor.clone()) => {
                gathered.problem(format!("`{}` repeats the cursor `{cursor}`", list.method()));
                break;
            }
            Some(_) => {}
        }
    }
    if seen.len() == PAGES {
        gathered.problem(format!("`{}` has more than {PAGES} pages; the rest is left out", list.method()));
    }
    gathered.finish(era)
}

struct Gathered {
    offered: Offered,
    bytes: usize,
}

impl Gathered {
    fn add(&mut self, list: List, result: Raw<'_>) {
        self.offered.ttl_ms = self.offered.ttl_ms.min(result.get("ttlMs").and_then(Raw::unsigned).unwrap_or(0));
        self.offered.public &= result.get("cacheScope").and_then(Raw::string).as_deref() == Some("public");
        let Some(items) = result.get(list.member()).filter(|items| items.kind() == Kind::Array) else {
            return self.problem(format!("`{}` answered without an array `{}`", list.method(), list.member()));
        };
        for (place, item) in items.elements().enumerate() {
            self.bytes += item.as_str().len();
            if self.offered.items.len() == ITEMS || self.bytes > BYTES {
                return self.problem(format!("more than {ITEMS} items or {BYTES} bytes of `{}`", list.member()));
            }
            match Item::read(list, item) {
                Ok(item) => self.offered.items.push(item),
                Err(fault) => self.problem(format!("`{}` item {place} {fault}; it is left out", list.member())),
            }
        }
    }

    fn problem(&mut self, problem: String) {
        if self.offered.problems.len() < PROBLEMS {
            self.offered.problems.push(problem);
        }
    }

    fn finish(mut self, era: Era) -> Offered {
        if era == Era::Legacy || self.offered.ttl_ms == u64::MAX {
            self.offered.ttl_ms = 0;
            self.offered.public = false;
        }
        self.offered
    }
}

enum Trouble {
    /// The shard does not know the method after all.
    NotServed,
    Failed(String),
}

async fn page(link: &Link, era: Era, list: List, cursor: Option<&str>, within: Within) -> Result<Bytes, Trouble> {
    let params = match (era, cursor) {
        (Era::Modern, cursor) => modern_params(cursor),
        (Era::Legacy, Some(cursor)) => json!({"cursor": cursor}).to_string().into_bytes(),
        (Era::Legacy, None) => b"{}".to_vec(),
    };
    let number = link.next_number();
    let call = link
        .call(number, request(number, list.method(), Some(&params)), Caller::GATEWAY, within.left()?)
        .map_err(|refused| Trouble::Failed(refused.to_string()))?;
    match call.done().await {
        Ok(Reply::Result(result)) => Ok(result),
        Ok(Reply::Error(error)) => {
            let text = String::from_utf8_lossy(&error).into_owned();
            let number = Raw::parse(&error).ok().and_then(Fault::code_of);
            Err(if number == Some(code::METHOD_NOT_FOUND) { Trouble::NotServed } else { Trouble::Failed(text) })
        }
        Err(Failure::Deadline { .. }) => Err(within.over()),
        Err(failure) => Err(Trouble::Failed(failure.to_string())),
    }
}

#[cfg(test)]
mod tests;
