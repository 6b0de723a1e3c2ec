//! Search indexes and sitemaps, good and odd.

use serde_json::json;

use super::*;

fn index(docs: &serde_json::Value) -> Result<Catalogue, String> {
    of_index(&json!({"config": {"lang": ["en"]}, "docs": docs}).to_string())
}

#[test]
fn pages_and_sections_are_told_apart_and_titles_are_unescaped() {
    let catalogue = index(&json!([
        {"location": "", "title": "Start", "text": "welcome"},
        {"location": "a/pond/", "title": "Carp &amp; Tench", "text": "deep water"},
        {"location": "a/pond/#depth", "title": "Depth", "text": "deep"},
        {"location": "lost/#x", "title": "No page", "text": ""},
        {"location": "a/locks/", "title": "&lt;span class=\"icon\"&gt;Locks&lt;/span&gt;", "text": ""},
    ]))
    .unwrap();
    assert_eq!(catalogue.pages.len(), 3);
    assert_eq!(catalogue.entries.len(), 4);
    assert_eq!(catalogue.page("a/pond/").unwrap().title, "Carp & Tench");
    let locks = catalogue.page("a/locks/").unwrap();
    assert_eq!((locks.title.as_str(), locks.hub), ("Locks", true));
}

#[test]
fn pages_of_one_title_get_their_place() {
    let page = |location: &str| json!({"location": location, "title": "Overview", "text": ""});
    let catalogue = index(&json!([page("ref/http/tls/overview/"), page("ref/tcp/tls/overview/")])).unwrap();
    let titles: Vec<&str> = catalogue.pages.iter().map(|page| page.title.as_str()).collect();
    assert_eq!(titles, ["Overview (http/tls)", "Overview (tcp/tls)"]);
}

#[test]
fn another_shape_is_refused_with_a_reason() {
    for json in ["", "[]", "{}", r#"{"docs": 1}"#, r#"{"docs": []}"#, r#"{"docs": [{"title": "x"}]}"#, "<html>"] {
        assert!(!of_index(json).unwrap_err().is_empty(), "{json}");
    }
}

#[test]
fn a_sitemap_is_read_relative_to_its_own_root() {
    let xml = "<urlset><url><loc>https://public.test/docs/</loc></url>\
               <url><loc> https://public.test/docs/a/rate-limit/ </loc></url><url><loc>https://else.test/x/</loc></url>\
               <url><loc>not a url</loc></url></urlset>";
    let catalogue = of_sitemap(xml).unwrap();
    let paths: Vec<&str> = catalogue.pages.iter().map(|page| page.path.as_str()).collect();
    assert_eq!(paths, ["", "a/rate-limit/"]);
    assert_eq!(catalogue.page("a/rate-limit/").unwrap().title, "rate limit");
    assert!(of_sitemap("<urlset></urlset>").is_err());
}
