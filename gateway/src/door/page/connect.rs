//! How each client is connected, with the address that led to this page.
//!
//! Invariant: what is to be pasted is shown as it is, so that it can be copied as it is.

use maud::{Markup, html};

use super::tame::with_code;
use crate::door::clients::{ClientKind, Place, Snippet, Via, snippets};

pub(super) fn section(place: &Place) -> Markup {
    html! {
        section aria-labelledby="connect" {
            h2 id="connect" { "Connect a client" }
            @for kind in ClientKind::ALL {
                @let ways = snippets(kind, place);
                @if !ways.is_empty() {
                    details {
                        summary { (kind.name()) " " span.quiet { (ways_told(&ways)) } }
                        @for way in &ways { (steps(way)) }
                    }
                }
            }
        }
    }
}

fn ways_told(ways: &[Snippet]) -> String {
    let ways: Vec<_> = ways.iter().map(|way| way.via.word()).collect();
    ways.join(", ")
}

fn steps(way: &Snippet) -> Markup {
    html! {
        article {
            h3 { (heading(way.via)) }
            ol { @for step in &way.steps { li { (with_code(step)) } } }
            pre { code { (way.text) } }
            p.quiet {
                "After " a href=(way.source) rel="noopener noreferrer" { (host(way.source)) }
                ", as of " time { (way.source_date) } "."
            }
        }
    }
}

fn heading(via: Via) -> &'static str {
    match via {
        Via::Http => "Over HTTP, to this gateway",
        Via::McpRemote => "By way of mcp-remote, to this gateway",
        Via::Stdio => "Over stdio, with a gateway of its own on this gateway's machine",
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
