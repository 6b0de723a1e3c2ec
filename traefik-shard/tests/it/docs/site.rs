//! A small documentation site of our own, with the structure of the real one.
//!
//! Its pages, search index, sitemap, redirecting pages and 404 come from one table, so that they
//! agree. The words are ours; only paths and headings are those that people ask for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pages::{PAGES, STUBS};
use super::server::Answer;

/// All files of the site by path.
pub(super) fn files() -> BTreeMap<String, Answer> {
    let mut files = BTreeMap::new();
    for (path, title, text, sections) in PAGES {
        files.insert((*path).to_owned(), page(&html(title, text, sections)));
    }
    for (path, target) in STUBS {
        files.insert((*path).to_owned(), page(&stub(path, target)));
    }
    files.insert("search/search_index.json".to_owned(), Answer::File("application/json", index(), None));
    files.insert("sitemap.xml".to_owned(), Answer::File("application/xml", sitemap(), None));
    files
}

/// An HTML page whose ETag follows its text.
pub(super) fn page(html: &str) -> Answer {
    let sum = html.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    Answer::File("text/html; charset=utf-8", html.as_bytes().to_vec(), Some(format!("\"{sum:x}\"")))
}

/// A page around an article of that HTML.
pub(super) fn around(article: &str) -> String {
    format!(
        "<!doctype html><html><head><title>Docs</title></head><body><nav><a href=\"x/\">menu</a></nav>\
         <div class=\"md-content\"><article class=\"md-content__inner md-typeset\">\
         <a class=\"md-content__button\" href=\"/edit\">Edit</a>{article}\
         <hr /><div class=\"admonition question\"><p class=\"admonition-title\">In production?</p>\
         <p><a href=\"https://info.traefik.io/x\">Buy</a></p></div></article></div></body></html>"
    )
}

fn html(title: &str, text: &str, sections: &[(&str, &str)]) -> String {
    let mut article = format!("<h1>{}</h1><p>{text}</p>", escaped(title));
    for (heading, text) in sections {
        let id = id(heading);
        article.push_str(&format!(
            "<h2 id=\"{id}\">{}<a class=\"headerlink\" href=\"#{id}\">&para;</a></h2><p>{text}</p>{TABS}",
            escaped(heading)
        ));
    }
    around(&article)
}

const TABS: &str = "<div class=\"tabbed-set\"><input type=\"radio\" /><label>Structured (YAML)</label>\
    <div class=\"tabbed-content\"><pre class=\"highlight\"><code class=\"language-yaml\">pond:\n  carp: 2</code></pre></div>\
    <input type=\"radio\" /><label>Structured (TOML)</label><div class=\"tabbed-content\">\
    <pre class=\"highlight\"><code class=\"language-toml\">[pond]\ncarp = 2</code></pre></div></div>";

fn stub(path: &str, target: &str) -> String {
    let up = "../".repeat(path.matches('/').count());
    format!(
        "<!doctype html><html><head><meta http-equiv=\"refresh\" content=\"0; url={up}{target}\">\
         <link rel=\"canonical\" href=\"{up}{target}\"></head><body>moved</body></html>"
    )
}

fn index() -> Vec<u8> {
    let mut docs: Vec<Value> = Vec::new();
    for (path, title, text, sections) in PAGES {
        let whole: Vec<&str> = sections.iter().flat_map(|(heading, text)| [*heading, *text]).collect();
        docs.push(json!({"location": path, "title": escaped(title), "text": format!("{text} {}", whole.join(" "))}));
        for (heading, text) in *sections {
            let location = format!("{path}#{}", id(heading));
            docs.push(json!({"location": location, "title": escaped(heading), "text": text}));
        }
    }
    json!({"config": {"lang": ["en"], "separator": "[\\s\\-]+"}, "docs": docs}).to_string().into_bytes()
}

fn sitemap() -> Vec<u8> {
    let urls: Vec<String> =
        PAGES.iter().map(|(path, ..)| format!("<url><loc>https://public.test/traefik/{path}</loc></url>")).collect();
    format!("<?xml version=\"1.0\"?><urlset>{}</urlset>", urls.concat()).into_bytes()
}

/// The id that the generator of the real site gives to a heading.
pub(super) fn id(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric() && c != ' ' && c != '-', "");
    kept.split([' ', '-']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
