//! Traefik's documentation: from a topic to the right page and section.
//!
//! Nothing is fetched before the first question, and everything that is returned was read from the
//! configured site.

pub(crate) mod address;
mod aliases;
mod cache;
mod catalogue;
mod excerpt;
mod fetch;
mod library;
mod loader;
mod markdown;
mod page;
mod rank;
mod tabs;
mod text;
mod words;

pub(crate) use crate::docs::library::{Found, Library, Question, Reference, SectionName};
