//! How each client is connected, with the address that led to this page.
//!
//! Invariant: what is to be pasted is shown as it is, so that it can be copied as it is.

use maud::{Markup, html};

use super::Here;
use super::tame::with_code;
use crate::door::clients::{ClientKind, Snippet, Via, snippets};
use crate::mux::View;

pub(super) fn section(here: &Here) -> Markup {
    // A gateway that a client starts for itself shows every shard.
    let keeps_to_view = |way: &Snippet| here.view == View::All || way.via != Via::Stdio;
    html! {
        section aria-labelledby="connect" {
            h2 id="connect" { "Connect a client" }
            @for kind in ClientKind::ALL {
                @let ways: Vec<_> = snippets(kind, &here.place).into_iter().filter(keeps_to_view).collect();
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
    ways.join(" or ")
}

fn steps(way: &Snippet) -> Markup {
    html! {
        article {
            h3 { (heading(way.via)) }
            ol { @for step in &way.steps { li { (with_code(step)) } } }
            pre { code { (way.text) } }
            p.quiet {
                "According to " a href=(way.source) rel="noopener noreferrer" { (host(way.source)) }
                ", read on " time { (way.source_date) } "."
            }
        }
    }
}

fn heading(via: Via) -> &'static str {
    match via {
        Via::Http => "To this gateway, over HTTP",
        Via::McpRemote => "To this gateway, by way of mcp-remote",
        Via::Stdio => "With a gateway of its own that the client starts (stdio), on the machine of this one",
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
