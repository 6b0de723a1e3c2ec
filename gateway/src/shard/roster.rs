//! What one shard offers, as it said it.
//!
//! Invariant: items are kept as the text that the shard sent; only their key has been read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wire::{Era, Kind, Raw, read_object};

/// One of the four things that a shard lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the protocol's")]
pub enum List {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl List {
    /// All four, in the order in which they are fetched.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Templates];

    /// The method that lists it.
    pub fn method(self) -> &'static str {
        match self {
            Self::Tools => "tools/list",
            Self::Prompts => "prompts/list",
            Self::Resources => "resources/list",
            Self::Templates => "resources/templates/list",
        }
    }

    /// The member of the result that holds the items.
    pub fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// The server capability without which the list is not asked for.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources | Self::Templates => "resources",
        }
    }

    /// The member of an item that names it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }
}

/// One tool, prompt, resource or template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name, uri or template, unescaped.
    pub key: String,
    /// The whole item, a JSON object on one line.
    pub text: String,
}

impl Item {
    /// Reads the key of one list item.
    ///
    /// # Errors
    /// Why the item cannot be offered, as a fragment for a problem report.
    pub fn read(list: List, item: Raw<'_>) -> Result<Self, String> {
        if item.kind() != Kind::Object {
            return Err("is not an object".into());
        }
        let [key] = read_object(item, &[list.key()]).map_err(|ambiguous| format!("has a {ambiguous}"))?;
        let key = key.and_then(Raw::string).ok_or_else(|| format!("has no string `{}`", list.key()))?;
        if key.is_empty() {
            return Err(format!("has an empty `{}`", list.key()));
        }
        Ok(Self { key: key.into_owned(), text: item.as_str().to_owned() })
    }
}

/// The items of one kind with the caching hints that came with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The items in the shard's order.
    pub items: Vec<Item>,
    /// Counts the times this list was fetched; a bump means `list_changed`, also if the list is equal.
    #[serde(skip)]
    pub generation: u64,
    /// `ttlMs` of a modern list, the least of all its pages; 0 for a legacy one.
    pub ttl_ms: u64,
    /// `cacheScope` was `public` on every page of a modern list.
    pub public: bool,
    /// What was wrong with single items or pages, for the problem report.
    #[serde(skip)]
    pub problems: Vec<String>,
    /// The shard failed in the midst of it: this is not the whole list.
    #[serde(skip)]
    pub broken_off: bool,
}

impl Offered {
    /// This list; or, if the shard failed to tell it, the one before, with the problem.
    pub(crate) fn or_what_was(self, before: &Self) -> Self {
        if self.broken_off && !before.items.is_empty() {
            return Self { problems: self.problems, ..before.clone() };
        }
        self
    }
}

/// Everything that one shard offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// `serverInfo`, a JSON object.
    pub server_info: String,
    /// The revision agreed on, as the shard wrote it.
    pub revision: String,
    /// Whether that revision is modern.
    pub modern: bool,
    /// `capabilities`, a JSON object.
    pub capabilities: String,
    /// `instructions`, if there are any.
    pub instructions: Option<String>,
    /// What each list holds, in the order of [`List::ALL`].
    pub lists: [Arc<Offered>; 4],
}

impl Roster {
    /// The era that the shard speaks.
    pub fn era(&self) -> Era {
        if self.modern { Era::Modern } else { Era::Legacy }
    }

    /// Whether both would be written to disk alike: how often a list was fetched is nothing to remember.
    pub fn is_kept_as(&self, other: &Self) -> bool {
        let whole = |roster: &Self| Self { lists: Default::default(), ..roster.clone() };
        let kept = |(one, other): (&Arc<Offered>, &Arc<Offered>)| {
            Arc::ptr_eq(one, other)
                || (&one.items, one.ttl_ms, one.public) == (&other.items, other.ttl_ms, other.public)
        };
        whole(self) == whole(other) && self.lists.iter().zip(&other.lists).all(kept)
    }

    /// The items of one kind.
    pub fn list(&self, list: List) -> &Arc<Offered> {
        &self.lists[list as usize]
    }

    /// Whether the shard declared the server capability `name` with `member`, which is true or false.
    pub fn declares_that(&self, name: &str, member: &str) -> bool {
        let capabilities = Raw::parse(self.capabilities.as_bytes()).ok();
        let value = capabilities.and_then(|capabilities| capabilities.get(name)?.get(member));
        value.is_some_and(|value| value.as_str() == "true")
    }

    /// Whether the shard declared the server capability `name`.
    pub fn declares(&self, name: &str) -> bool {
        Raw::parse(self.capabilities.as_bytes()).ok().and_then(|capabilities| capabilities.get(name)).is_some()
    }
}
