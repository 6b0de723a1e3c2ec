//! Which pages and sections the site has, from its search index or else from its sitemap.
//!
//! A catalogue is never empty, and every path in it is relative to the site.

use std::collections::HashMap;

use scraper::Html;
use serde::Deserialize;
use url::Url;

use crate::docs::text;
use crate::docs::words;

/// The most entries that are read; the real index has about 1,600.
const ENTRIES: usize = 20_000;

/// A page or one of its sections.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Which page, as an index into `pages`.
    pub(crate) page: usize,
    /// The section's id; none for the page itself.
    pub(crate) anchor: Option<String>,
    /// The title as one word, see `words::key`.
    pub(crate) key: String,
    /// How many words its text has.
    pub(crate) length: u32,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Such as `reference/routing/`; empty for the first page.
    pub(crate) path: String,
    pub(crate) title: String,
    /// The last part of the path as one word.
    pub(crate) slug: String,
    /// It describes what only the commercial product has.
    pub(crate) hub: bool,
}

/// Where a word occurs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hit {
    pub(crate) entry: u32,
    pub(crate) in_text: u16,
    pub(crate) in_title: bool,
    pub(crate) in_path: bool,
}

/// The pages with all that is needed to search them.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) pages: Vec<Page>,
    pub(crate) entries: Vec<Entry>,
    /// By word, ordered by entry.
    pub(crate) hits: HashMap<String, Vec<Hit>>,
    /// The mean length of a text, at least 1.
    pub(crate) mean_length: f32,
    by_path: HashMap<String, usize>,
}

impl Catalogue {
    /// The page of that path, if the site has one.
    pub(crate) fn page(&self, path: &str) -> Option<&Page> {
        self.by_path.get(path).map(|&page| &self.pages[page])
    }

    /// Adds a page before its sections; the first of a path counts.
    fn add_page(&mut self, path: &str, title: &str, body: &str) {
        if self.by_path.contains_key(path) {
            return;
        }
        let page = self.pages.len();
        self.by_path.insert(path.to_owned(), page);
        let slug = words::key(path.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
        let hub = title.contains("span") || only_in_hub(path);
        let title = text::plain(&strip_tags(title));
        self.pages.push(Page { path: path.to_owned(), title: title.clone(), slug, hub });
        self.add_entry(page, None, &title, body);
    }

    fn add_section(&mut self, path: &str, anchor: &str, title: &str, body: &str) {
        if let Some(&page) = self.by_path.get(path) {
            self.add_entry(page, Some(anchor.to_owned()), &text::plain(&strip_tags(title)), body);
        }
    }

    fn add_entry(&mut self, page: usize, anchor: Option<String>, title: &str, body: &str) {
        let number = u32::try_from(self.entries.len()).expect("entries are bounded");
        let mut found: HashMap<String, Hit> = HashMap::new();
        let mut length = 0;
        for word in words::words(body) {
            length += 1;
            let hit = found.entry(word).or_default();
            hit.in_text = hit.in_text.saturating_add(1);
        }
        for word in words::words(title) {
            found.entry(word).or_default().in_title = true;
        }
        for word in words::words(&self.pages[page].path) {
            found.entry(word).or_default().in_path = true;
        }
        for (word, hit) in found {
            self.hits.entry(word).or_default().push(Hit { entry: number, ..hit });
        }
        let key = words::key(title);
        self.entries.push(Entry { page, anchor, key, length });
    }

    /// Pages of one title, such as `Overview`, get the place where they lie.
    fn tell_apart(&mut self) {
        let mut count: HashMap<String, usize> = HashMap::new();
        for page in &self.pages {
            *count.entry(page.title.clone()).or_default() += 1;
        }
        for page in &mut self.pages {
            let parts: Vec<&str> = page.path.trim_end_matches('/').split('/').collect();
            if count[&page.title] > 1 && parts.len() > 2 {
                page.title = format!("{} ({})", page.title, parts[parts.len() - 3..parts.len() - 1].join("/"));
            }
        }
    }

    fn finish(mut self) -> Result<Self, String> {
        if self.pages.is_empty() {
            return Err("it names no page".to_owned());
        }
        self.tell_apart();
        let words: f32 = self.entries.iter().map(|entry| entry.length as f32).sum();
        self.mean_length = (words / self.entries.len() as f32).max(1.0);
        Ok(self)
    }
}

/// Pages of the commercial product among the others, by the last part of their path.
fn only_in_hub(path: &str) -> bool {
    const SLUGS: [&str; 10] = [
        "apikey",
        "distributed-ratelimit",
        "hmac",
        "jwt",
        "ldap",
        "oauth2-client-credentials",
        "oauth2-token-introspection",
        "oidc",
        "opa",
        "waf",
    ];
    let slug = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    SLUGS.contains(&slug) || path.starts_with("secure/") || path == "govern/"
}

/// A title as a person sees it: the index escapes it, and some hold markup.
fn strip_tags(title: &str) -> String {
    let once = Html::parse_fragment(title).root_element().text().collect::<String>();
    if once.contains('<') { Html::parse_fragment(&once).root_element().text().collect() } else { once }
}

#[derive(Deserialize)]
struct Index {
    docs: Vec<Doc>,
}

#[derive(Deserialize)]
struct Doc {
    location: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    text: String,
}

/// Reads `search/search_index.json` of an MkDocs site.
pub(crate) fn of_index(json: &str) -> Result<Catalogue, String> {
    let index: Index = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let mut catalogue = Catalogue::default();
    for doc in index.docs.iter().take(ENTRIES) {
        let location = doc.location.trim_start_matches('/');
        match location.split_once('#') {
            None => catalogue.add_page(location, &doc.title, &doc.text),
            Some((path, anchor)) => catalogue.add_section(path, anchor, &doc.title, &doc.text),
        }
    }
    catalogue.finish()
}

/// Reads `sitemap.xml`. Its addresses carry the site's public name, which may not be ours: one of
/// them is the site itself, and the others are taken relative to it.
pub(crate) fn of_sitemap(xml: &str) -> Result<Catalogue, String> {
    let locations = xml.split("<loc>").skip(1).take(ENTRIES).filter_map(|rest| rest.split_once("</loc>"));
    let urls: Vec<Url> = locations.filter_map(|(location, _)| Url::parse(location.trim()).ok()).collect();
    let Some(root) = root(&urls) else {
        return Err("it names no page".to_owned());
    };
    let mut catalogue = Catalogue::default();
    for path in urls.iter().filter_map(|url| url.as_str().strip_prefix(root)) {
        let slug = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let title = if slug.is_empty() { "Start page".to_owned() } else { slug.replace('-', " ") };
        catalogue.add_page(path, &title, "");
    }
    catalogue.finish()
}

/// The address below which most of the others lie.
fn root(urls: &[Url]) -> Option<&str> {
    /// Only short addresses can be the root, and comparing all with all would take long.
    const CANDIDATES: usize = 20;
    let mut shortest: Vec<&str> = urls.iter().map(Url::as_str).collect();
    shortest.sort_by_key(|url| url.len());
    let below = |root: &str| urls.iter().filter(|url| url.as_str().starts_with(root)).count();
    // Of several that are as good the first, which is the shortest, is the last in reverse.
    shortest.into_iter().take(CANDIDATES).rev().max_by_key(|root| below(root))
}

#[cfg(test)]
mod tests;
