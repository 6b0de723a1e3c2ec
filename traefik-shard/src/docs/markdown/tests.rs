//! Small pages of our own, and what a model reads of them.

use crate::docs::page::{Article, Parsed, parse};
use crate::docs::tabs::Wanted;
use url::Url;

fn article(body: &str) -> Article {
    about(body, "")
}

fn about(body: &str, question: &str) -> Article {
    let url = Url::parse("http://docs.test/traefik/a/b/").unwrap();
    let html = format!(r#"<body><nav>menu</nav><article class="md-content__inner md-typeset">{body}</article></body>"#);
    match parse(&html, &url, &Wanted::of(question)) {
        Parsed::Article(article) => article,
        other => panic!("{other:?}"),
    }
}

fn markdown(body: &str) -> String {
    article(body).markdown
}

#[test]
fn headings_paragraphs_and_inline_marks_come_through_without_buttons() {
    let page = article(
        r##"<a class="md-content__button" href="/edit">Edit</a><h1>Pond</h1>
        <p>A <strong>deep</strong> pond
           with <em>carp </em>and <code>a  b</code>.<br>New line</p>
        <h2 id="fish">Fish &amp; more<a class="headerlink" href="#fish">&para;</a></h2><p>Swim.</p>"##,
    );
    let wanted = "# Pond\n\nA **deep** pond with *carp* and `a  b`.\nNew line\n\n## Fish & more\n\nSwim.";
    assert_eq!(page.markdown, wanted);
    assert_eq!(page.title, "Pond");
    let heading = &page.headings[1];
    assert_eq!((heading.id.as_str(), heading.title.as_str(), heading.level), ("fish", "Fish & more", 2));
    assert!(page.markdown[heading.at..].starts_with("## Fish"));
}

#[test]
fn links_are_absolute_and_images_are_their_text() {
    assert_eq!(markdown(r#"<p><a href="../c/#x">see</a></p>"#), "[see](http://docs.test/traefik/a/c/#x)");
    assert_eq!(markdown(r#"<p><a href="/traefik/d/">d</a></p>"#), "[d](http://docs.test/traefik/d/)");
    assert_eq!(markdown(r#"<p><a href="javascript:alert(1)">run</a></p>"#), "run");
    assert_eq!(markdown(r##"<p><a id="opt-x" href="#opt-x"><code>x</code></a></p>"##), "`x`");
    assert_eq!(markdown(r#"<p><img src="a.png" alt="A  map"> <img src="b.png"></p>"#), "[image: A map]");
}

#[test]
fn lists_nest_and_hold_code() {
    let body = "<ul><li>one<ul><li>inner</li></ul></li><li><p>two</p><pre><code>x\ny</code></pre></li></ul>\
                <ol start=\"3\"><li>three</li><li>four</li></ol>";
    let wanted = "- one\n  - inner\n- two\n\n  ```\n  x\n  y\n  ```\n\n3. three\n4. four";
    assert_eq!(markdown(body), wanted);
}

#[test]
fn code_keeps_its_language_its_layout_and_its_fence() {
    let body = "<pre class=\"highlight\"><code class=\"language-yaml\">a:\n\n  - b &amp; c\n</code></pre>";
    assert_eq!(markdown(body), "```yaml\na:\n\n  - b & c\n```");
    assert_eq!(markdown("<pre><code>```\nx\n```</code></pre>"), "````\n```\nx\n```\n````");
    assert_eq!(markdown("<p><code>a`b</code></p>"), "``a`b``");
}

#[test]
fn a_cell_never_breaks_its_row() {
    let body = r##"<table><thead><tr><th>Name</th><th>Text</th></tr></thead><tbody>
        <tr><td><a id="opt-one" href="#opt-one"><code>one.</code><br /><code>two</code></a></td><td>a | b<br />c</td></tr>
        <tr><td><ul><li>x</li><li>y</li></ul></td></tr></tbody></table>"##;
    let page = article(body);
    let wanted = "| Name | Text |\n| --- | --- |\n| `one.two` | a \\| b<br>c |\n| - x<br>- y |  |";
    assert_eq!(page.markdown, wanted);
    assert!(page.anchors.contains(&("opt-one".to_owned(), 0)));
}

const TABS: &str = r#"<div class="tabbed-set" data-tabs="1:2">
    <input type="radio"><label>File (YAML)</label><div class="tabbed-content"><pre><code class="language-yaml">y: 1</code></pre></div>
    <input type="radio"><label>File (TOML)</label><div class="tabbed-content"><pre><code class="language-toml">t = 1</code></pre></div></div>"#;

#[test]
fn of_tabs_the_wanted_one_stays_with_its_label() {
    let page = article(TABS);
    assert_eq!(page.markdown, "**File (YAML)**\n\n```yaml\ny: 1\n```");
    assert_eq!(page.left_out, ["File (TOML)"]);
    assert_eq!(about(TABS, "pond in toml").markdown, "**File (TOML)**\n\n```toml\nt = 1\n```");
}

#[test]
fn tabs_in_blocks_beside_their_labels_are_read_too() {
    let body = r#"<div class="tabbed-set"><div class="tabbed-labels"><label>Carp</label><label>Tench</label></div>
        <div class="tabbed-content"><div class="tabbed-block"><p>big</p></div><div class="tabbed-block"><p>small</p></div></div></div>"#;
    assert_eq!(markdown(body), "**Carp**\n\nbig\n\n**Tench**\n\nsmall");
}

#[test]
fn admonitions_are_quoted_and_details_are_opened() {
    let body = r#"<div class="admonition warning"><p class="admonition-title">Thin ice</p><p>Stay off.</p></div>
        <div class="admonition note"><p class="admonition-title">Note</p><p>One</p><p>Two</p></div>
        <details class="example"><summary>Feeding</summary><p>Bread.</p></details>"#;
    let wanted = "> **Warning: Thin ice**\n>\n> Stay off.\n\n> **Note**\n>\n> One\n>\n> Two\n\n**Feeding**\n\nBread.";
    assert_eq!(markdown(body), wanted);
}

#[test]
fn adverts_and_hidden_text_are_dropped() {
    let body = r#"<p>Text</p><p hidden>secret</p><div style="display: none">gone</div><script>alert(1)</script>
        <p>a<span style="display:none">b</span>c</p><hr />
        <div class="admonition question"><p class="admonition-title">Production?</p>
        <p><a href="https://info.traefik.io/demo">Watch</a></p></div>"#;
    assert_eq!(markdown(body), "Text\n\nac");
    assert_eq!(markdown("<p>a\u{202e}b\u{200b}c\u{7}</p>"), "abc");
}

#[test]
fn very_deep_html_is_survived() {
    let deep = format!("{}x{}<p>after</p>", "<div>".repeat(900), "</div>".repeat(900));
    assert!(markdown(&deep).ends_with("after"));
    markdown(&"<ul><li>".repeat(450));
    markdown(&"<span>".repeat(900));
    markdown(&"<table><tr><td>".repeat(300));
}

#[test]
fn a_redirecting_page_names_its_target() {
    let url = Url::parse("http://docs.test/traefik/old/").unwrap();
    let html =
        r#"<html><head><meta http-equiv="Refresh" content="0; url=../new/page/#x"></head><body>moved</body></html>"#;
    match parse(html, &url, &Wanted::default()) {
        Parsed::Stub(target) => assert_eq!(target.as_str(), "http://docs.test/traefik/new/page/#x"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(parse("<p>hello</p>", &url, &Wanted::default()), Parsed::Nothing));
}
