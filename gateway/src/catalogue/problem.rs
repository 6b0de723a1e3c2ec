//! What could not be offered, or not to all clients, and why.
//!
//! Invariant: each item that a shard lists and its file does not hide is in the catalogue, or in one of these, or in both if
//! some clients do not take it.

use std::sync::Arc;

use crate::catalogue::{BadMark, Dropped, Unfit};
use crate::shard::roster::List;

/// One item that not all clients see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{key}` of shard `{shard}` {fate}: {reason}{}", way_round(shard, reason), what = noun(*list), fate = reason.fate())]
pub struct Problem {
    /// Whose item it is.
    pub shard: Arc<str>,
    /// Where the shard lists it.
    pub list: List,
    /// The item's own name, uri or template.
    pub key: String,
    /// Why it is so.
    pub reason: Reason,
}

/// Why not all clients see an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Its text cannot be relayed.
    #[error("{0}")]
    Unreadable(String),
    /// Its arguments are not described as an object.
    #[error(transparent)]
    Schema(#[from] Unfit),
    /// HTTP clients of the modern era refuse it for its headers, or cannot write them all; others can use it.
    #[error(transparent)]
    Mark(#[from] BadMark),
    /// Its name meets others of the same shard.
    #[error(transparent)]
    Name(#[from] Dropped),
    /// Another shard has the exposed name.
    #[error("shard `{holder}` has the name `{exposed}`; give one of the two a prefix")]
    NameHeld {
        /// The name that both come to.
        exposed: Arc<str>,
        /// Who keeps it.
        holder: Arc<str>,
    },
    /// Another shard has the uri or template.
    #[error("shard `{holder}` lists it too and keeps it")]
    UriHeld {
        /// Who keeps it.
        holder: Arc<str>,
    },
}

impl Reason {
    fn fate(&self) -> &'static str {
        match self {
            Self::Mark(BadMark::TooMany(_)) => "has headers that are not compared with its arguments",
            Self::Mark(_) => "is not seen by HTTP clients of revision 2026-07-28",
            _ => "is left out",
        }
    }
}

/// Where those find it who need it all the same.
fn way_round(shard: &str, reason: &Reason) -> String {
    match reason {
        Reason::NameHeld { .. } | Reason::UriHeld { .. } => format!("; `/mcp/{shard}` has it"),
        Reason::Unreadable(_) | Reason::Schema(_) | Reason::Mark(_) | Reason::Name(_) => String::new(),
    }
}

fn noun(list: List) -> &'static str {
    match list {
        List::Tools => "tool",
        List::Prompts => "prompt",
        List::Resources => "resource",
        List::Templates => "resource template",
    }
}
