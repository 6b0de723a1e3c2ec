//! Which file defines a router, and which files are managed.
//!
//! Of several files with one name the first in Traefik's order counts.

use std::collections::BTreeMap;

use super::Live;
use crate::backends::Protocol;
use crate::disk::Listing;
use crate::document::Kind;
use crate::tree::Tree;

/// The tree, with an index of its names.
pub(crate) struct Files {
    pub(crate) tree: Tree,
    /// File and line of every definition, in Traefik's order.
    places: BTreeMap<(Kind, String), Vec<(usize, u32)>>,
    /// Managed names by path.
    managed: BTreeMap<String, String>,
}

impl Files {
    /// `listing` is what lies in the managed place of the same directory.
    pub(crate) fn new(tree: Tree, listing: Listing) -> Self {
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, file) in tree.files.iter().enumerate() {
            for defined in &file.document.defined {
                places.entry((defined.kind, defined.name.clone())).or_default().push((index, defined.line));
            }
        }
        let managed = listing.managed.into_iter().map(|listed| (listed.file, listed.name.as_str().to_owned()));
        Self { tree, places, managed: managed.collect() }
    }

    /// The file that defines a router of the file provider.
    pub(super) fn of_router(&self, live: Live<'_>) -> Option<&str> {
        let whole = live.full.strip_suffix("@file")?;
        let kind = router_kind(live.protocol);
        // The name itself comes before the one without its entry point: a person may call a router `web-app`.
        let places = [whole, live.bare()].into_iter().find_map(|name| self.places.get(&(kind, name.to_owned())))?;
        let (index, _) = places.first()?;
        Some(&self.tree.files[*index].path)
    }

    /// The managed name of a file, if it is managed.
    pub(super) fn managed_name(&self, path: &str) -> Option<&str> {
        self.managed.get(path).map(String::as_str)
    }

    /// Names that more than one file defines, each with its places, sorted.
    pub(super) fn shadowed(&self) -> Vec<Shadowed<'_>> {
        let several = self.places.iter().filter(|(_, places)| places.len() > 1);
        let mut all: Vec<_> = several
            .map(|((kind, name), places)| {
                let place = |(index, line): &(usize, u32)| (self.tree.files[*index].path.as_str(), *line);
                (*kind, name.as_str(), places.iter().map(place).collect())
            })
            .collect();
        all.sort();
        all
    }
}

/// A name with all its places, file and line; the first counts.
type Shadowed<'a> = (Kind, &'a str, Vec<(&'a str, u32)>);

/// The kind of a router's definition.
pub(super) fn router_kind(protocol: Protocol) -> Kind {
    match protocol {
        Protocol::Http => Kind::HttpRouter,
        Protocol::Tcp => Kind::TcpRouter,
        Protocol::Udp => Kind::UdpRouter,
    }
}
