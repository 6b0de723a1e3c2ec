//! All rosters made into one catalogue.
//!
//! Invariant: what is merged is merged whole. An item that cannot be offered, or whose name or uri another shard holds, is
//! reported beside the catalogue and costs no other item its place.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::catalogue::capabilities::Merged;
use crate::catalogue::names::{Name, expose};
use crate::catalogue::render::{self, Hints, Ready};
use crate::catalogue::snapshot::Listed;
use crate::catalogue::template::Template;
use crate::catalogue::{Catalogue, Dropped, Problem, Reason, Target, instructions};
use crate::shard::roster::{Item, List, Roster};

/// What a shard file says about the shard's tools, by their own names.
pub trait Rules {
    /// Whether clients see the tool and may call it.
    fn exposes(&self, own: &str) -> bool;
    /// What the tool is called instead, or `own`.
    fn renamed<'a>(&'a self, own: &'a str) -> &'a str;
}

/// Every tool, as the shard calls it.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRules;

impl Rules for NoRules {
    fn exposes(&self, _own: &str) -> bool {
        true
    }

    fn renamed<'a>(&'a self, own: &'a str) -> &'a str {
        own
    }
}

/// One shard as the catalogue needs to know it.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// The shard's name, unique among the members.
    pub shard: &'a str,
    /// What stands before its names; may be empty.
    pub prefix: &'a str,
    /// What it offers.
    pub roster: &'a Roster,
    /// Its file's rules for tools.
    pub rules: &'a dyn Rules,
}

/// Merges the members in the order of their names. A name or uri that several claim stays with the shard that has it in
/// `previous` if that shard is a member and still offers it, else it goes to the first.
pub fn merge(previous: Option<&Catalogue>, members: &[Member<'_>]) -> (Catalogue, Vec<Problem>) {
    let mut members: Vec<(Arc<str>, Member<'_>)> =
        members.iter().map(|member| (Arc::from(member.shard), *member)).collect();
    members.sort_by(|(one, _), (other, _)| one.cmp(other));

    let mut problems = Vec::new();
    let lists = List::ALL.map(|list| merge_list(list, previous, &members, &mut problems));
    let mut offered: HashMap<Arc<str>, [usize; 4]> = HashMap::new();
    for (kind, listed) in lists.iter().enumerate() {
        for (_, target) in &listed.entries {
            offered.entry(target.shard.clone()).or_default()[kind] += 1;
        }
    }
    let templates = lists[List::Templates as usize]
        .entries
        .iter()
        .filter_map(|(template, target)| Some((target.shard.clone(), Template::parse(template)?)))
        .collect();
    let sections: Vec<_> =
        members.iter().filter_map(|(_, member)| Some((member.shard, member.roster.instructions.as_deref()?))).collect();
    let rosters: Vec<&Roster> = members.iter().map(|(_, member)| member.roster).collect();
    let merged = Merged::of(&rosters);
    (Catalogue { lists, templates, instructions: instructions::join(&sections), merged, offered }, problems)
}

/// One shard under its own names, whatever its prefix is, and with its own instructions.
pub fn alone(member: &Member<'_>) -> Catalogue {
    let (mut catalogue, _) = merge(None, &[Member { prefix: "", ..*member }]);
    catalogue.instructions = member.roster.instructions.as_deref().and_then(instructions::alone);
    catalogue
}

/// An item that a shard wants in a list.
struct Claim<'a> {
    /// The place of the shard among the members.
    member: usize,
    own: &'a str,
    exposed: Arc<str>,
    ready: Ready<'a>,
}

fn merge_list(
    list: List,
    previous: Option<&Catalogue>,
    members: &[(Arc<str>, Member<'_>)],
    problems: &mut Vec<Problem>,
) -> Listed {
    let mut claims = Vec::new();
    for (at, (shard, member)) in members.iter().enumerate() {
        let mut report =
            |key: &str, reason| problems.push(Problem { shard: shard.clone(), list, key: key.to_owned(), reason });
        claims.extend(claims_of(list, at, member, &mut report));
    }
    let held_before = |claim: &Claim<'_>| {
        let holder = previous.and_then(|previous| previous.listed(list).get(&claim.exposed));
        holder.is_some_and(|holder| holder.shard == members[claim.member].0)
    };
    let mut holders: HashMap<Arc<str>, usize> = HashMap::new();
    let (first, then): (Vec<usize>, Vec<usize>) = (0..claims.len()).partition(|at| held_before(&claims[*at]));
    for at in first.into_iter().chain(then) {
        holders.entry(claims[at].exposed.clone()).or_insert(at);
    }

    let member_of: Vec<usize> = claims.iter().map(|claim| claim.member).collect();
    let mut kept = Vec::with_capacity(holders.len());
    for (at, claim) in claims.into_iter().enumerate() {
        let holding = holders[&claim.exposed];
        if holding == at {
            kept.push(claim);
            continue;
        }
        let shard = members[claim.member].0.clone();
        let holder = members[member_of[holding]].0.clone();
        let reason = match list {
            _ if holder == shard => Reason::Name(Dropped::Repeated),
            List::Tools | List::Prompts => Reason::NameHeld { exposed: claim.exposed, holder },
            List::Resources | List::Templates => Reason::UriHeld { holder },
        };
        problems.push(Problem { shard, list, key: claim.own.to_owned(), reason });
    }
    assemble(list, &kept, members)
}

/// The items of one member that can be offered, under the names that they get.
fn claims_of<'a>(list: List, at: usize, member: &Member<'a>, report: &mut dyn FnMut(&str, Reason)) -> Vec<Claim<'a>> {
    let ruled = list == List::Tools;
    let mut ready: Vec<(&'a Item, Ready<'a>)> = Vec::new();
    for item in member.roster.list(list).items.iter().filter(|item| !ruled || member.rules.exposes(&item.key)) {
        match Ready::read(list, item) {
            Ok(text) => {
                if let Some(bad) = text.bad_mark.clone() {
                    report(&item.key, bad.into());
                }
                ready.push((item, text));
            }
            Err(reason) => report(&item.key, reason),
        }
    }
    let exposed: Vec<_> = match list {
        List::Resources | List::Templates => ready.iter().map(|(item, _)| Ok(item.key.clone())).collect(),
        List::Tools | List::Prompts => {
            let wanted = |own: &'a str| if ruled { member.rules.renamed(own) } else { own };
            let names: Vec<_> =
                ready.iter().map(|(item, _)| Name { own: &item.key, wanted: wanted(&item.key) }).collect();
            expose(member.prefix, &names)
        }
    };
    let mut claims = Vec::with_capacity(ready.len());
    for ((item, ready), exposed) in ready.into_iter().zip(exposed) {
        match exposed {
            Ok(exposed) => claims.push(Claim { member: at, own: &item.key, exposed: exposed.into(), ready }),
            Err(dropped) => report(&item.key, dropped.into()),
        }
    }
    claims
}

fn assemble(list: List, claims: &[Claim<'_>], members: &[(Arc<str>, Member<'_>)]) -> Listed {
    let offering: Vec<_> = members.iter().map(|(_, member)| member).filter(|member| offers(member, list)).collect();
    let hints = Hints {
        ttl_ms: offering.iter().map(|member| ttl(member.roster, list)).min().unwrap_or(0),
        public: !offering.is_empty()
            && offering.iter().all(|member| member.roster.modern && member.roster.list(list).public),
    };
    let rendered = render::list(list, claims.iter().map(|claim| (claim.exposed.as_ref(), &claim.ready)), hints);

    let mut hasher = DefaultHasher::new();
    for member in &offering {
        (member.shard, member.prefix, member.roster.list(list).generation).hash(&mut hasher);
    }
    rendered.modern.hash(&mut hasher);
    let mut entries = Vec::with_capacity(claims.len());
    for (claim, item) in claims.iter().zip(rendered.items) {
        let shard = members[claim.member].0.clone();
        (&shard, claim.own).hash(&mut hasher);
        let mirrored = claim.ready.mirrored.clone();
        entries.push((claim.exposed.clone(), Target { shard, own: claim.own.into(), item, mirrored }));
    }
    let index = entries.iter().enumerate().map(|(at, (exposed, _))| (exposed.clone(), at)).collect();
    Listed { entries, index, legacy: rendered.legacy, modern: rendered.modern, generation: hasher.finish() }
}

/// Whether the shard has a say in how long clients may keep the list.
fn offers(member: &Member<'_>, list: List) -> bool {
    !member.roster.list(list).items.is_empty() || member.roster.declares(list.capability())
}

fn ttl(roster: &Roster, list: List) -> u64 {
    if roster.modern { roster.list(list).ttl_ms } else { 0 }
}

#[cfg(test)]
mod tests;
