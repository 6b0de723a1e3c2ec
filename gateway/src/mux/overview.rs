//! The whole gateway as a person looks at it: the registry, and what the tools are and do.
//!
//! Invariant: one moment, bounded, and without secrets. A shard may repeat in a description what its file gave it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tokio::time::Instant;

use super::registry::{self, Registry};
use crate::catalogue::Target;
use crate::config::Mask;
use crate::fleet::{View, World};
use crate::shard::roster::List;
use crate::tasks::work_on;
use crate::wire::Raw;

/// How many tools are described, shared among the shards.
const TOOLS: usize = 2_000;
/// Each shard has room for so many, however many shards there are.
const LEAST: usize = 10;
/// No shard needs more: providers refuse longer lists.
const MOST: usize = 200;
/// Bytes of a title or description that are kept.
const TEXT: usize = 2_048;

/// One moment of the gateway for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// The shards that are shown, and their problems.
    pub registry: Registry,
    /// What each shard exposes, by the shard's name; those without tools are not here.
    pub tools: BTreeMap<String, Vec<Tool>>,
}

/// One exposed tool. The first ones of a shard that has very many; its [`registry::Entry`] has their number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    /// The name for clients.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: Option<String>,
}

impl Overview {
    /// The bytes of what tools say of themselves, to tell what takes long to show.
    pub fn size(&self) -> usize {
        let said = |tool: &Tool| tool.name.len() + tool.description.as_ref().map_or(0, String::len);
        self.tools.values().flatten().map(said).sum()
    }
}

pub(super) fn overview(world: &World, view: &View, started: Instant) -> Overview {
    let registry = registry::registry(world, view, started);
    let catalogue = world.seen(view);
    let share = (TOOLS / registry.shards.len().max(1)).clamp(LEAST, MOST);
    let mut tools: BTreeMap<String, Vec<Tool>> = BTreeMap::new();
    work_on(catalogue.size(), || {
        for (name, target) in catalogue.exposed(List::Tools) {
            let of_shard = tools.entry(target.shard.to_string()).or_default();
            if of_shard.len() < share {
                of_shard.push(tool(name, target, world.offers.get(&*target.shard).map(|offer| &offer.spec.mask)));
            }
        }
    });
    Overview { registry, tools }
}

fn tool(name: &str, target: &Target, mask: Option<&Mask>) -> Tool {
    // Masked while it is whole: of a secret that is cut in two, one half would be left.
    let fit = |text: Cow<'_, str>| {
        let masked = mask.map_or(Cow::Borrowed(&*text), |mask| mask.apply(&text));
        masked[..masked.floor_char_boundary(TEXT)].to_owned()
    };
    let item = Raw::parse(&target.item).ok();
    let text = |object: Option<Raw<'_>>, key: &str| object?.get(key).and_then(Raw::string).map(fit);
    let annotated = || text(item?.get("annotations"), "title");
    Tool {
        name: name.to_owned(),
        title: text(item, "title").or_else(annotated),
        description: text(item, "description"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(item: &str, title: Option<&str>, description: Option<&str>) {
        let target = Target { shard: "a".into(), own: "b".into(), item: item.to_owned().into(), mirrored: None };
        let told = tool("a__b", &target, Some(&Mask::new(["hunter2"])));
        let expected = |text: Option<&str>| text.map(ToOwned::to_owned);
        let tool = Tool { name: "a__b".into(), title: expected(title), description: expected(description) };
        assert_eq!(told, tool);
    }

    #[test]
    fn a_tool_is_told_by_its_title_and_description_without_secrets() {
        check(r#"{"name":"a__b","description":"What\nit does"}"#, None, Some("What\nit does"));
        check(r#"{"title":"Log in","description":"with hunter2"}"#, Some("Log in"), Some("with ***"));
        check(r#"{"description":7,"title":null}"#, None, None);
        check(r#"{"annotations":{"title":"Log in"}}"#, Some("Log in"), None);
        check(r#"{"title":"Own \u0022title","annotations":{"title":"Log in"}}"#, Some("Own \"title"), None);
    }

    #[test]
    fn a_long_description_is_cut_after_the_secret_in_it_was_hidden() {
        let before = "é".repeat(TEXT / 2 - 2);
        let item = format!(r#"{{"description":"{before}hunter2"}}"#);
        check(&item, None, Some(&format!("{before}***")));
        let item = format!(r#"{{"description":"x{}"}}"#, "é".repeat(TEXT));
        check(&item, None, Some(&format!("x{}", "é".repeat(TEXT / 2 - 1))));
    }
}
