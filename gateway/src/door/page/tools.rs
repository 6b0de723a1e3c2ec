//! What the tools are and do, shard by shard.
//!
//! Invariant: a shard's list opens by a link to it without a script, because the link leads into what is folded.

use maud::{Markup, html};

use super::Here;
use super::head::counted;
use super::tame::{tame, with_code};
use crate::mux::{Overview, Tool, View};

const NAME: usize = 128;
const ADDRESS: usize = 300;
const DESCRIPTION: usize = 400;
/// Providers such as OpenAI take no more tools, and Open WebUI adds some of its own.
const MANY: usize = 100;

pub(super) fn section(overview: &Overview, here: &Here) -> Markup {
    let shards = overview.registry.shards.iter().filter(|shard| shard.tools > 0);
    let total: usize = shards.clone().map(|shard| shard.tools).sum();
    html! {
        @if total > 0 {
            section aria-labelledby="tools" {
                h2 id="tools" { "Tools" }
                @if total > MANY {
                    p.note {
                        (total) " tools are many: some providers refuse more than 128, some clients add their own, and each \
                        costs room in every chat. A client that is given the address "
                        code { (tame(&here.root, ADDRESS)) (View::only(["a", "b"]).to_string()) }
                        " sees only the shards " code { "a" } " and " code { "b" } ", and "
                        code { "tools: { deny: […] }" } " in a shard file hides tools from all clients."
                    }
                }
                @for shard in shards {
                    @let tools = overview.tools.get(&shard.name).map(Vec::as_slice).unwrap_or_default();
                    details {
                        summary { (shard.name) " " span.quiet { (counted(shard.tools, "tool")) } }
                        @let alone = View::alone(&shard.name);
                        @if here.view != alone {
                            p.quiet {
                                "The address of this shard alone, where its tools have no prefix: "
                                a href=(here.link(&alone.to_string())) { code { (tame(&here.root, ADDRESS)) (alone.to_string()) } }
                            }
                        }
                        ul.tools id=(format!("tools-{}", shard.name)) {
                            @for tool in tools { (item(tool)) }
                            @if shard.tools > tools.len() {
                                li { "and " (shard.tools - tools.len()) " more, which clients see in their list." }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn item(tool: &Tool) -> Markup {
    html! {
        li {
            code { (tame(&tool.name, NAME)) }
            @if let Some(title) = &tool.title { " " strong dir="auto" { (tame(title, NAME)) } }
            @if let Some(description) = &tool.description { p dir="auto" { (with_code(&tame(description, DESCRIPTION))) } }
        }
    }
}
