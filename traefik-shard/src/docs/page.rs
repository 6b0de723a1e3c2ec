//! A page of the site as HTML, read into its article or its redirect.
//!
//! Offsets in an article count bytes of its Markdown and always lie at the start of a block.

use scraper::{ElementRef, Html, Selector};
use url::Url;

use crate::docs::markdown::Writer;
use crate::docs::tabs::Wanted;
use crate::docs::text;

/// The parser's time grows with the square of this; real pages have some forty levels.
const NESTING: usize = 1_000;

/// What a page turned out to be.
#[derive(Debug)]
pub(crate) enum Parsed {
    Article(Article),
    /// An old path: a page without text that sends the reader to another.
    Stub(Url),
    /// Neither: not a page of the documentation.
    Nothing,
}

/// The text of a page.
#[derive(Debug, Default)]
pub(crate) struct Article {
    pub(crate) title: String,
    pub(crate) markdown: String,
    pub(crate) headings: Vec<Heading>,
    /// Places that have an id but are no heading, such as `opt-users` in a table of options.
    pub(crate) anchors: Vec<(String, usize)>,
    /// Labels of tabs that were left out, each once.
    pub(crate) left_out: Vec<String>,
}

/// A heading below the title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) id: String,
    pub(crate) title: String,
    /// 1 to 6.
    pub(crate) level: u8,
    pub(crate) at: usize,
}

/// Reads a page that lies at `url`; of tabs only the wanted ones.
pub(crate) fn parse(html: &str, url: &Url, wanted: &Wanted) -> Parsed {
    if is_tower(html) {
        return Parsed::Nothing;
    }
    let document = Html::parse_document(html);
    if let Some(article) = first(&document, "article.md-content__inner") {
        return Parsed::Article(read(article, url, wanted));
    }
    if let Some(target) = refresh(&document).and_then(|target| url.join(target.trim()).ok()) {
        return Parsed::Stub(target);
    }
    match first(&document, "article").or_else(|| first(&document, "main")) {
        Some(article) => Parsed::Article(read(article, url, wanted)),
        None => Parsed::Nothing,
    }
}

/// Whether far more elements are open at once than in any page for readers.
fn is_tower(html: &str) -> bool {
    const VOID: [&str; 9] = ["br", "hr", "img", "input", "link", "meta", "wbr", "path", "source"];
    let mut open = 0_usize;
    html.split('<').skip(1).any(|tag| {
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if tag.starts_with('/') {
            open = open.saturating_sub(1);
        } else if !name.is_empty() && !VOID.iter().any(|void| void.eq_ignore_ascii_case(name)) {
            open += 1;
        }
        open > NESTING
    })
}

fn read(article: ElementRef, url: &Url, wanted: &Wanted) -> Article {
    let mut writer = Writer::new(url, wanted);
    writer.article(article);
    let mut article = writer.finish();
    article.title = match article.headings.iter().find(|heading| heading.level == 1) {
        Some(heading) => heading.title.clone(),
        None => text::plain(url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default()),
    };
    article
}

/// The target of `<meta http-equiv="refresh" content="0; url=…">`.
fn refresh(document: &Html) -> Option<String> {
    let meta = document
        .select(&selector("meta[http-equiv]"))
        .find(|meta| meta.attr("http-equiv").is_some_and(|value| value.eq_ignore_ascii_case("refresh")))?;
    let content = meta.attr("content")?;
    let at = content.to_ascii_lowercase().find("url=")?;
    Some(content[at + 4..].trim().trim_matches(['"', '\'']).to_owned())
}

fn first<'a>(document: &'a Html, css: &str) -> Option<ElementRef<'a>> {
    document.select(&selector(css)).next()
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).expect("a selector of our own is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tower_of_elements_is_not_parsed_and_a_long_page_is() {
        let url = Url::parse("http://h/x/").unwrap();
        let page = |body: &str| parse(&format!("<article class=md-content__inner>{body}"), &url, &Wanted::default());
        assert!(matches!(page(&"<ul><li>x".repeat(10_000)), Parsed::Nothing));
        assert!(matches!(page(&"<p>a<br>b<img src=x></p>".repeat(5_000)), Parsed::Article(_)));
    }
}
