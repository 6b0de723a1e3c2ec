//! Which view of the shards an address names: `/mcp`, `/mcp?shards=a,b` or `/mcp/{shard}`, and `/sse` likewise.
//!
//! Invariant: the address of each request decides alone, whatever its session was opened at. One that can be read in two
//! ways, or is meant for fewer shards than it would show, is refused.

use axum::http::{StatusCode, Uri};

use crate::door::refusal::Refused;
use crate::mux::{NoView, View};
use crate::wire::{Fault, code};

/// The parameter that names some shards, and how many it may name.
const SHARDS: &str = "shards";
const MOST: usize = 100;

/// The view that the address of a request to `/mcp`, `/sse` or below names.
pub(crate) fn view(address: &Uri) -> Result<View, Refused> {
    // A slash at the end is an easy slip, and has no other meaning.
    let path = address.path().strip_suffix('/').unwrap_or(address.path());
    let door = if path.starts_with("/sse") { "/sse" } else { "/mcp" };
    let alone = path.strip_prefix(door).and_then(|rest| rest.strip_prefix('/'));
    let mut only: Option<View> = None;
    for (key, value) in form_urlencoded::parse(address.query().unwrap_or_default().as_bytes()) {
        if key != SHARDS {
            if is_slip(&key) {
                return Err(Refused::invalid(format!("unknown parameter `{key}`; did you mean `{SHARDS}`?")));
            }
            continue;
        }
        if alone.is_some() {
            return Err(Refused::invalid(format!(
                "`{door}/{{shard}}` shows one shard; ask for several at `{door}?shards=a,b`"
            )));
        }
        let names = || value.split(',').map(str::trim).filter(|name| !name.is_empty());
        match names().take(MOST + 1).count() {
            0 => {
                return Err(Refused::invalid(format!(
                    "`shards` names no shard; write `{door}?shards=a,b`, or `{door}` for all"
                )));
            }
            1..=MOST => {}
            _ => return Err(Refused::invalid(format!("`shards` names more than {MOST} shards; `{door}` shows all"))),
        }
        if only.replace(View::only(names())).is_some() {
            return Err(Refused::invalid(format!("`shards` must stand once; write `{door}?shards=a,b`")));
        }
    }
    Ok(only.or_else(|| alone.map(View::alone)).unwrap_or_default())
}

/// Other parameters mean nothing here, but one that was meant to name shards must not show them all.
fn is_slip(key: &str) -> bool {
    key.len() < 2 * SHARDS.len() && strsim::osa_distance(&key.trim_end_matches("[]").to_lowercase(), SHARDS) < 2
}

/// 404, or 503 while nothing is known.
impl From<NoView> for Refused {
    fn from(no_view: NoView) -> Self {
        if no_view == NoView::Unread {
            return Self::busy(no_view.to_string());
        }
        let fault = Fault::new(code::INVALID_REQUEST, no_view.to_string()).with_data(no_view.facts());
        Self::new(StatusCode::NOT_FOUND, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_view() {
        let cases = [
            ("/mcp", "/mcp"),
            ("/mcp?", "/mcp"),
            ("/mcp?token=x&share=b", "/mcp"),
            ("http://localhost/mcp/time", "/mcp/time"),
            ("/mcp/time?x=y", "/mcp/time"),
            ("/mcp/", "/mcp"),
            ("/mcp/time/", "/mcp/time"),
            ("/mcp/?shards=a", "/mcp?shards=a"),
            ("/mcp?shards=b,a", "/mcp?shards=a,b"),
            ("/mcp?shards=%20b%2Ca+,,b&x", "/mcp?shards=a,b"),
            ("/mcp?%73hards=a", "/mcp?shards=a"),
            ("/sse", "/mcp"),
            ("/sse/time/", "/mcp/time"),
            ("/sse?shards=b,a", "/mcp?shards=a,b"),
        ];
        let most = format!("/mcp?shards={}", "a,".repeat(MOST));
        assert_eq!(view(&most.parse().unwrap()).unwrap(), View::only(["a"]));
        for (address, expected) in cases {
            assert_eq!(view(&address.parse().unwrap()).unwrap().to_string(), expected, "{address}");
        }
    }

    #[test]
    fn an_address_that_does_not_say_what_to_show_is_refused() {
        let cases = [
            ("/mcp?shards=", "names no shard"),
            ("/mcp?shards", "names no shard"),
            ("/mcp?shards=%20,+", "names no shard"),
            ("/mcp?shards=a&shards=b", "must stand once"),
            ("/mcp/a?shards=b", "`/mcp/{shard}` shows one shard"),
            ("/mcp?shard=a", "unknown parameter `shard`; did you mean `shards`?"),
            ("/mcp?Shards=a", "unknown parameter `Shards`"),
            ("/mcp?shards[]=a", "unknown parameter `shards[]`"),
            ("/mcp/a?shard=b", "unknown parameter `shard`"),
            ("/sse/a?shards=b", "`/sse/{shard}` shows one shard; ask for several at `/sse?shards=a,b`"),
        ];
        let many = format!("/mcp?shards={}", "a,".repeat(MOST + 1));
        for (address, fault) in cases.into_iter().chain([(&*many, "more than 100 shards")]) {
            let refused = view(&address.parse().unwrap()).unwrap_err();
            let (status, code, id, message) = refused.told();
            assert_eq!((status, code, id), (400, code::INVALID_REQUEST, "null"), "{address}");
            assert!(message.contains(fault), "{address}: {message}");
        }
    }
}
