//! Answers a question about Traefik from its documentation site.
//!
//! A page that can be shown is shown: a missing search index, an old copy or a section that a page
//! no longer has become notes.

mod resolve;

use std::sync::Arc;

use anyhow::Context;
use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::docs::address::{Address, Site};
use crate::docs::cache::Content;
use crate::docs::catalogue::Catalogue;
use crate::docs::excerpt;
use crate::docs::fetch::{Fault, Fetcher, Kind};
use crate::docs::loader::{Loaded, Loader};
use crate::docs::page::{Article, Parsed, parse};
use crate::docs::rank;
use crate::docs::tabs::Wanted;
use crate::failure::{Code, Failure};
use crate::settings::Settings;

/// How many redirecting pages are followed.
const STUBS: usize = 4;
/// How many other pages, or nearest ones, are named.
const OTHERS: usize = 5;
/// How many sections of a page are named.
const SECTIONS: usize = 120;

/// What is asked; `page` or `topic` is given, or `list`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Question {
    pub(crate) topic: Option<String>,
    pub(crate) page: Option<String>,
    pub(crate) section: Option<String>,
    pub(crate) max_chars: usize,
    pub(crate) offset: usize,
}

/// A page to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Reference {
    pub(crate) title: String,
    pub(crate) url: String,
}

/// A section of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SectionName {
    pub(crate) id: String,
    pub(crate) title: String,
    /// 2 for a main section, 3 and more for those inside it.
    pub(crate) level: u8,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) section: Option<String>,
    pub(crate) markdown: String,
    pub(crate) sections: Vec<SectionName>,
    pub(crate) related: Vec<Reference>,
    pub(crate) source_version: Option<String>,
    pub(crate) from_cache: bool,
    pub(crate) stale: bool,
    pub(crate) fetched_at: String,
    pub(crate) next_offset: Option<usize>,
    pub(crate) notes: Vec<String>,
}

/// The documentation site, with what was read of it.
pub(crate) struct Library {
    site: Site,
    loader: Loader,
}

/// What is known of the site's pages.
struct Outlook {
    catalogue: Option<(Arc<Catalogue>, Loaded)>,
    /// Why the search index is not what it comes from.
    fault: Option<Fault>,
}

/// A page that was fetched and read.
struct Opened {
    article: Article,
    loaded: Loaded,
    /// A section that a redirect pointed at.
    section: Option<String>,
}

impl Library {
    /// Checks the settings; opens no connection.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let site = Site::new(&settings.docs_url).context("TRAEFIK_DOCS_URL (--docs-url)")?;
        // A page of the web takes longer than an answer of an API nearby.
        let fetcher = Fetcher::new(site.clone(), settings.request_timeout * 3)?;
        let bytes = usize::try_from(settings.docs_cache_mib).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        Ok(Self { site, loader: Loader::new(fetcher, settings.docs_ttl, bytes) })
    }

    /// The page and section that the question means. May be dropped at any time.
    pub(crate) async fn look_up(&self, question: &Question) -> Result<Found, Failure> {
        let outlook = self.outlook().await;
        let (opened, section) = self.resolve(question, &outlook).await?;
        self.show(question, &outlook, &opened, section)
    }

    /// The pages of the site; those that have to do with the topic, if there is one.
    pub(crate) async fn list(&self, question: &Question) -> Result<Found, Failure> {
        let outlook = self.outlook().await;
        let Some((catalogue, loaded)) = &outlook.catalogue else {
            let fault = outlook.fault.unwrap_or(Fault::NotFound);
            return Err(self.unreachable(&self.site.file("sitemap.xml"), &fault));
        };
        let pages: Vec<(&str, &str)> = match &question.topic {
            Some(topic) => rank::rank(catalogue, topic).into_iter().map(|found| (found.title, found.page)).collect(),
            None => catalogue.pages.iter().map(|page| (page.title.as_str(), page.path.as_str())).collect(),
        };
        let lines: Vec<String> = pages.iter().map(|(title, path)| format!("- {title}: `{path}`")).collect();
        let part = self.cut(&lines.join("\n"), question)?;
        let mut found = self.frame(loaded, part);
        found.title = format!("Pages of Traefik's documentation: {}", pages.len());
        found.url = self.site.base().to_string();
        found.notes.extend(outlook.note());
        Ok(found)
    }

    /// The search index, or the sitemap where there is none that can be read.
    async fn outlook(&self) -> Outlook {
        let index = self.loader.load(&self.site.file("search/search_index.json"), Kind::Index).await;
        let fault = match index {
            Ok(loaded) => return Outlook { catalogue: catalogue_of(loaded), fault: None },
            Err(fault) => fault,
        };
        let sitemap = self.loader.load(&self.site.file("sitemap.xml"), Kind::Sitemap).await;
        Outlook { catalogue: sitemap.ok().and_then(catalogue_of), fault: Some(fault) }
    }

    /// Fetches a page and follows the redirects that the site writes into pages.
    async fn open(&self, address: &Address, wanted: &Wanted) -> Result<Opened, (Url, Fault)> {
        let mut url = address.url.clone();
        let mut section = address.section.clone();
        let mut seen = Vec::new();
        while seen.len() <= STUBS && !seen.contains(&url) {
            if !self.site.may_ask(&url) {
                return Err((address.url.clone(), Fault::OffSite(url.to_string())));
            }
            let loaded = self.loader.load(&url, Kind::Page).await.map_err(|fault| (url.clone(), fault))?;
            match read(&loaded, wanted).await {
                Parsed::Article(article) => return Ok(Opened { article, loaded, section }),
                Parsed::Stub(mut target) => {
                    section = section.or_else(|| target.fragment().map(str::to_owned));
                    target.set_fragment(None);
                    seen.push(std::mem::replace(&mut url, target));
                }
                Parsed::Nothing => {
                    return Err((url, Fault::Malformed("it is no page of the documentation".to_owned())));
                }
            }
        }
        Err((address.url.clone(), Fault::Redirects))
    }

    fn show(
        &self,
        question: &Question,
        outlook: &Outlook,
        opened: &Opened,
        section: Option<String>,
    ) -> Result<Found, Failure> {
        let article = &opened.article;
        let chosen = section.or_else(|| opened.section.clone()).and_then(|wanted| article.section(&wanted));
        let chosen = match &question.section {
            Some(wanted) => Some(article.section(wanted).ok_or_else(|| self.no_section(opened, wanted))?),
            None => chosen.filter(|section| section.heading.level > 1),
        };
        let text = chosen.as_ref().map_or(article.markdown.as_str(), |section| section.text);
        let mut found = self.frame(&opened.loaded, self.cut(text, question)?);
        let path = self.site.path_of(&opened.loaded.kept.url).unwrap_or_default();
        let page = outlook.catalogue.as_ref().and_then(|(catalogue, _)| catalogue.page(path));
        found.title.clone_from(&article.title);
        found.url = opened.loaded.kept.url.to_string();
        if let Some(section) = &chosen {
            found.section = Some(section.heading.title.clone());
            found.url = format!("{}#{}", found.url, section.heading.id);
        }
        found.sections = sections(article);
        found.related = self.related(question, outlook, &article.title, path);
        if page.is_some_and(|page| page.hub) {
            found.notes.push("this is about a feature of the commercial Traefik Hub only".to_owned());
        }
        if !article.left_out.is_empty() {
            let labels = article.left_out.join(", ");
            found.notes.push(format!("tabs left out of this page: {labels}; name one of them in `topic` to see it"));
        }
        found.notes.extend(outlook.note());
        Ok(found)
    }

    /// What is the same for a page and for a list.
    fn frame(&self, loaded: &Loaded, part: excerpt::Excerpt) -> Found {
        let fetched_at = written(loaded.kept.fetched_at);
        let stale = loaded.stale.as_ref();
        let note = stale.map(|fault| format!("a copy of {fetched_at}: it cannot be renewed, {fault}"));
        Found {
            title: String::new(),
            url: String::new(),
            section: None,
            markdown: part.text,
            sections: Vec::new(),
            related: Vec::new(),
            source_version: self.site.version(),
            from_cache: loaded.from_cache,
            stale: stale.is_some(),
            fetched_at,
            next_offset: part.next,
            notes: note.into_iter().collect(),
        }
    }

    fn cut(&self, text: &str, question: &Question) -> Result<excerpt::Excerpt, Failure> {
        excerpt::cut(text, question.offset, question.max_chars).ok_or_else(|| {
            let message = format!("`offset` {} lies behind the end of the text", question.offset);
            let hint = "pass the `next_offset` of the call before, with its other arguments unchanged";
            Failure::new(Code::InvalidInput, message, hint).with("characters", text.chars().count())
        })
    }

    fn related(&self, question: &Question, outlook: &Outlook, title: &str, path: &str) -> Vec<Reference> {
        let Some((catalogue, _)) = &outlook.catalogue else { return Vec::new() };
        let ranked = rank::rank(catalogue, question.topic.as_deref().unwrap_or(title));
        let others = ranked.into_iter().filter(|found| found.page != path).take(OTHERS);
        others.map(|found| self.reference(found.title, found.page)).collect()
    }

    fn reference(&self, title: &str, path: &str) -> Reference {
        Reference { title: title.to_owned(), url: self.site.file(path).to_string() }
    }

    fn no_section(&self, opened: &Opened, wanted: &str) -> Failure {
        let names = sections(&opened.article);
        let titles: Vec<&str> = names.iter().take(12).map(|section| section.title.as_str()).collect();
        let message = format!("`{}` has no section `{}`", opened.loaded.kept.url, super::text::plain(wanted));
        let hint = format!("take one of: {}", titles.join(", "));
        Failure::new(Code::DocsNotFound, message, hint).with("sections", &names)
    }

    fn unreachable(&self, url: &Url, fault: &Fault) -> Failure {
        let message = format!("cannot fetch `{url}`: {fault}");
        let hint =
            "check that this machine reaches the site, or set TRAEFIK_DOCS_URL (--docs-url) to a copy that it reaches";
        Failure::new(Code::DocsUnreachable, message, hint).with("url", url.as_str())
    }
}

impl Outlook {
    /// What a reader should know of it.
    fn note(&self) -> Option<String> {
        if let Some(fault) = &self.fault {
            return Some(format!(
                "topics are matched by the addresses of the pages alone: the search index cannot be used, {fault}"
            ));
        }
        None
    }
}

fn catalogue_of(loaded: Loaded) -> Option<(Arc<Catalogue>, Loaded)> {
    match &loaded.kept.content {
        Content::Catalogue(catalogue) => Some((Arc::clone(catalogue), loaded)),
        Content::Page(_) => None,
    }
}

/// Reads a page where it holds nobody up.
async fn read(loaded: &Loaded, wanted: &Wanted) -> Parsed {
    let Content::Page(html) = loaded.kept.content.clone() else { return Parsed::Nothing };
    let (url, wanted) = (loaded.kept.url.clone(), wanted.clone());
    tokio::task::spawn_blocking(move || parse(&html, &url, &wanted)).await.unwrap_or(Parsed::Nothing)
}

fn sections(article: &Article) -> Vec<SectionName> {
    let below = article.headings.iter().filter(|heading| heading.level > 1 && !heading.id.is_empty()).take(SECTIONS);
    below.map(|h| SectionName { id: h.id.clone(), title: h.title.clone(), level: h.level }).collect()
}

fn written(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).expect("a time of our own has a year of four digits")
}
