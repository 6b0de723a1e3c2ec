//! From what was asked to the page that answers it.
//!
//! What names a page outright comes first, then the aliases, then the search. A page that the site
//! no longer has is passed over.

use crate::docs::address::{Address, NotHere};
use crate::docs::catalogue::Catalogue;
use crate::docs::fetch::Fault;
use crate::docs::library::{Library, OTHERS, Opened, Outlook, Question};
use crate::docs::tabs::Wanted;
use crate::docs::{aliases, rank, text, words};
use crate::failure::{Code, Failure};

/// How many addresses are tried for one question.
const TRIES: usize = 4;

impl Library {
    /// The page, and the section that the question means by itself.
    pub(super) async fn resolve(
        &self,
        question: &Question,
        outlook: &Outlook,
    ) -> Result<(Opened, Option<String>), Failure> {
        let topic = question.topic.as_deref().unwrap_or_default();
        let wanted = Wanted::of(topic);
        let addresses = match &question.page {
            Some(page) => self.pages_named(page, outlook)?,
            None => self.pages_about(topic, outlook)?,
        };
        for address in addresses.iter().take(TRIES) {
            match self.open(address, &wanted).await {
                Ok(opened) => {
                    let section = self.section_about(topic, &opened, outlook);
                    return Ok((opened, section));
                }
                Err((_, Fault::NotFound)) => {}
                Err((url, fault)) => return Err(self.unreachable(&url, &fault)),
            }
        }
        Err(self.not_found(question, outlook))
    }

    /// For `page`: the address itself, then the page of that name. A bare word may as well be a topic.
    fn pages_named(&self, page: &str, outlook: &Outlook) -> Result<Vec<Address>, Failure> {
        let address = self.site.page(page).map_err(|fault| self.not_here(&fault))?;
        let name = page.split('#').next().unwrap_or_default().trim_end_matches('/');
        let last = name.rsplit('/').next().unwrap_or_default();
        let slug = words::key(last);
        let same_name = outlook.catalogue.iter().flat_map(|(catalogue, _)| {
            let ranked = rank::rank(catalogue, last).into_iter();
            ranked.filter(|found| catalogue.page(found.page).is_some_and(|page| page.slug == slug))
        });
        let mut paths: Vec<String> = same_name.take(1).map(|found| found.page.to_owned()).collect();
        paths.extend(if name.contains('/') { Vec::new() } else { self.paths_about(name, outlook) });
        let section = address.section.clone();
        let mut addresses = vec![address];
        for found in paths.iter().filter_map(|path| self.site.page(path).ok()) {
            addresses.push(Address { section: section.clone().or(found.section), url: found.url });
        }
        Ok(addresses)
    }

    /// For `topic`: a path, an alias, the best of the search.
    fn pages_about(&self, topic: &str, outlook: &Outlook) -> Result<Vec<Address>, Failure> {
        let topic = topic.trim();
        if topic.contains("://") {
            return self.pages_named(topic, outlook);
        }
        let mut addresses = Vec::new();
        if topic.contains('/') && !topic.contains(char::is_whitespace) {
            addresses.extend(self.site.page(topic));
        }
        let paths = self.paths_about(topic, outlook);
        addresses.extend(paths.iter().filter_map(|path| self.site.page(path).ok()));
        Ok(addresses)
    }

    /// The aliases of a topic, then the best of the search, as `path/` or `path/#section`.
    fn paths_about(&self, topic: &str, outlook: &Outlook) -> Vec<String> {
        let mut paths = self.known_aliases(topic, outlook);
        if let Some((catalogue, _)) = &outlook.catalogue {
            let ranked = rank::rank(catalogue, topic).into_iter().take(2);
            paths.extend(ranked.map(|found| match found.section {
                Some(section) => format!("{}#{section}", found.page),
                None => found.page.to_owned(),
            }));
        }
        paths
    }

    /// The alias's pages that the site has; all of them where nothing is known of the site.
    fn known_aliases(&self, topic: &str, outlook: &Outlook) -> Vec<String> {
        let mut pages = aliases::pages(topic);
        if let Some((catalogue, _)) = &outlook.catalogue {
            pages.retain(|page| catalogue.page(path_in(page)).is_some());
        }
        pages
    }

    /// Where the page was named, the topic may still name a section of it.
    fn section_about(&self, topic: &str, opened: &Opened, outlook: &Outlook) -> Option<String> {
        if opened.section.is_some() || topic.is_empty() {
            return opened.section.clone();
        }
        let (catalogue, _) = outlook.catalogue.as_ref()?;
        let path = self.site.path_of(&opened.loaded.kept.url)?;
        let says_nothing = Wanted::is_all_of(topic) || topic.contains('/') || !aliases::pages(topic).is_empty();
        if says_nothing {
            return None;
        }
        let ranked = rank::rank(catalogue, topic);
        ranked.iter().find(|found| found.page == path)?.section.map(str::to_owned)
    }

    fn not_found(&self, question: &Question, outlook: &Outlook) -> Failure {
        let asked = question.page.as_deref().or(question.topic.as_deref()).unwrap_or_default();
        let Some((catalogue, _)) = &outlook.catalogue else {
            let fault = outlook.fault.clone().unwrap_or(Fault::NotFound);
            return self.unreachable(&self.site.file("search/search_index.json"), &fault);
        };
        let nearest: Vec<_> = self.nearest(catalogue, asked);
        let names: Vec<String> = nearest.iter().map(|near| format!("{} (`{}`)", near.0, near.1)).collect();
        let message = format!("nothing in Traefik's documentation answers to `{}`", text::plain(asked));
        let hint = format!("try one of these pages, other words, or `list`: {}", names.join(", "));
        let pages: Vec<_> = nearest.iter().map(|(title, path)| self.reference(title, path)).collect();
        Failure::new(Code::DocsNotFound, message, hint).with("nearest", pages)
    }

    /// The five pages that were perhaps meant: `(title, path)`.
    fn nearest<'a>(&self, catalogue: &'a Catalogue, asked: &str) -> Vec<(&'a str, &'a str)> {
        let near = rank::nearest(catalogue, asked, OTHERS);
        near.into_iter().map(|page| (page.title.as_str(), page.path.as_str())).collect()
    }

    fn not_here(&self, fault: &NotHere) -> Failure {
        let hint = format!("give a path such as `routing/routers`, or a URL below `{}`", self.site.base());
        Failure::new(Code::InvalidInput, fault.to_string(), hint)
    }
}

/// The path of `path/#section`.
fn path_in(page: &str) -> &str {
    page.split('#').next().unwrap_or(page)
}
