//! The catalogue: an immutable snapshot in which calls find their shard and lists lie ready.
//!
//! Invariant: it never changes after [`crate::catalogue::merge`] made it; a change is a new catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::catalogue::Mirrored;
use crate::catalogue::capabilities::Merged;
use crate::catalogue::template::Template;
use crate::shard::roster::List;
use crate::wire::Era;

/// Who answers for one exposed item, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The shard.
    pub shard: Arc<str>,
    /// The shard's own name for it; for resources and templates the uri, which is never rewritten.
    pub own: Arc<str>,
    /// The item as it is listed, a JSON object.
    pub item: Bytes,
    /// What HTTP clients repeat of a tool's arguments in headers.
    pub mirrored: Option<Arc<Mirrored>>,
}

/// Who answers for a uri.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner<'c> {
    /// The shard that lists the uri.
    Listed(&'c Arc<str>),
    /// Nobody lists it, and only this shard has a template that gives it.
    OnlyTemplate(&'c Arc<str>),
    /// Nobody lists it, and these shards have such a template.
    Ambiguous(Vec<&'c Arc<str>>),
    /// Nobody lists it and no template gives it.
    Unknown,
}

/// What one kind of list holds.
#[derive(Debug)]
pub(crate) struct Listed {
    /// By exposed name, uri or template, in the order of the list.
    pub(crate) entries: Vec<(Arc<str>, Target)>,
    pub(crate) index: HashMap<Arc<str>, usize>,
    pub(crate) legacy: Bytes,
    pub(crate) modern: Bytes,
    pub(crate) generation: u64,
}

impl Listed {
    pub(crate) fn get(&self, exposed: &str) -> Option<&Target> {
        self.index.get(exposed).map(|at| &self.entries[*at].1)
    }
}

/// The merged, namespaced view of all rosters.
#[derive(Debug)]
pub struct Catalogue {
    /// In the order of [`List::ALL`].
    pub(crate) lists: [Listed; 4],
    pub(crate) templates: Vec<(Arc<str>, Template)>,
    pub(crate) instructions: Option<String>,
    pub(crate) merged: Merged,
    pub(crate) offered: HashMap<Arc<str>, [usize; 4]>,
}

impl Catalogue {
    /// The server capabilities that are declared whatever the shards declare, and in both eras, a JSON object.
    pub const OWN_CAPABILITIES: &'static str = concat!(
        r#"{"tools":{"listChanged":true},"prompts":{"listChanged":true},"#,
        r#""resources":{"subscribe":true,"listChanged":true},"completions":{},"logging":{}}"#
    );

    /// The tool of that exposed name.
    pub fn tool(&self, exposed: &str) -> Option<&Target> {
        self.listed(List::Tools).get(exposed)
    }

    /// The prompt of that exposed name.
    pub fn prompt(&self, exposed: &str) -> Option<&Target> {
        self.listed(List::Prompts).get(exposed)
    }

    /// The shard that answers for `uri`: by what is listed, else by the only matching template.
    pub fn resource(&self, uri: &str) -> Owner<'_> {
        if let Some(target) = self.listed(List::Resources).get(uri) {
            return Owner::Listed(&target.shard);
        }
        let matching = self.templates.iter().filter(|(_, template)| template.matches(uri));
        let mut shards: Vec<&Arc<str>> = matching.map(|(shard, _)| shard).collect();
        // The templates of one shard stand together, because lists are in the order of the shards.
        shards.dedup();
        match shards[..] {
            [] => Owner::Unknown,
            [only] => Owner::OnlyTemplate(only),
            _ => Owner::Ambiguous(shards),
        }
    }

    /// The shard that lists this very template.
    pub fn template_owner(&self, uri_template: &str) -> Option<&Arc<str>> {
        self.listed(List::Templates).get(uri_template).map(|target| &target.shard)
    }

    /// The result of a list request, a JSON object.
    pub fn list(&self, list: List, era: Era) -> &Bytes {
        match era {
            Era::Legacy => &self.listed(list).legacy,
            Era::Modern => &self.listed(list).modern,
        }
    }

    /// What a list holds, by exposed name, uri or template, in its order.
    pub fn exposed(&self, list: List) -> impl ExactSizeIterator<Item = (&Arc<str>, &Target)> {
        self.listed(list).entries.iter().map(|(exposed, target)| (exposed, target))
    }

    /// How much of a list is `shard`'s.
    pub fn offered(&self, shard: &str, list: List) -> usize {
        self.offered.get(shard).map_or(0, |counts| counts[list as usize])
    }

    /// The instructions of all shards under headings.
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// A number that is another one after each change that clients should hear of as this list's `list_changed`.
    pub fn generation(&self, list: List) -> u64 {
        self.listed(list).generation
    }

    /// At most three names of the list that `name` may have been meant for, the likeliest first.
    pub fn nearest(&self, list: List, name: &str) -> Vec<&str> {
        nearest(name, self.exposed(list).map(|(exposed, target)| (&**exposed, &*target.own)))
    }

    /// The bytes of all lists, to bound how many catalogues are kept.
    pub fn size(&self) -> usize {
        self.lists.iter().map(|listed| listed.legacy.len() + listed.modern.len()).sum()
    }

    pub(crate) fn listed(&self, list: List) -> &Listed {
        &self.lists[list as usize]
    }
}

/// At most three of `known`, each with another spelling of it, that `name` may have been meant for, the likeliest first.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = (&'k str, &'k str)>) -> Vec<&'k str> {
    /// The least share of a name that is right in a mistyped one.
    const LIKELY: f64 = 0.6;
    /// Names with the same prefix are all somewhat alike; one that is this much worse than the best was not meant.
    const WORSE: f64 = 0.15;
    let name = name.to_lowercase();
    let mut near: Vec<(f64, &str)> = known
        .map(|(known, also)| (likeness(&name, known).max(likeness(&name, also)), known))
        .filter(|(likeness, _)| *likeness >= LIKELY)
        .collect();
    near.sort_by(|(one, name), (other, other_name)| other.total_cmp(one).then(name.cmp(other_name)));
    let best = near.first().map_or(0.0, |(likeness, _)| *likeness);
    near.into_iter().take_while(|(likeness, _)| best - likeness < WORSE).take(3).map(|(_, known)| known).collect()
}

/// The share of two names that need not be typed anew, from 0 to 1; `name` is in lower case.
fn likeness(name: &str, other: &str) -> f64 {
    /// Longer names are not mistyped, and comparing one with a thousand others would take long.
    const LONGEST: usize = 256;
    let longer = name.len().max(other.len());
    if longer > LONGEST || name.is_empty() {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "both are at most 256")]
    let wrong = strsim::osa_distance(name, &other.to_lowercase()) as f64 / longer as f64;
    1.0 - wrong
}
