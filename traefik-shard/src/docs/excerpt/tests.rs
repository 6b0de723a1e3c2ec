//! Parts of a text, and the sections of an article.

use super::*;

fn heading(id: &str, title: &str, level: u8, at: usize) -> Heading {
    Heading { id: id.to_owned(), title: title.to_owned(), level, at }
}

fn article() -> Article {
    let markdown = "# T\n\n## One\n\na\n\n### Inner part\n\nb\n\n## Two\n\nc".to_owned();
    let at = |text: &str| markdown.find(text).unwrap();
    let headings = vec![
        heading("", "T", 1, 0),
        heading("one", "One", 2, at("## One")),
        heading("inner-part", "Inner part", 3, at("### Inner")),
        heading("two", "Two", 2, at("## Two")),
    ];
    let anchors = vec![("opt-depth-max".to_owned(), at("b"))];
    Article { markdown, headings, anchors, ..Article::default() }
}

#[test]
fn a_section_holds_its_subsections_and_ends_before_the_next() {
    let article = article();
    assert_eq!(article.section("one").unwrap().text, "## One\n\na\n\n### Inner part\n\nb");
    assert_eq!(article.section("#two").unwrap().text, "## Two\n\nc");
}

#[test]
fn a_section_is_found_by_id_heading_or_option() {
    let article = article();
    for name in ["inner-part", "Inner Part", "INNER-PART", "opt-depth-max", "max", "depth.max", "inner"] {
        assert_eq!(article.section(name).unwrap().heading.id, "inner-part", "{name}");
    }
    assert_eq!(article.section("three"), None);
}

#[test]
fn the_parts_of_a_text_are_the_text() {
    let text = (0..60).map(|n| format!("Paragraph {n} über Fische.\nSecond line")).collect::<Vec<_>>().join("\n\n");
    let (mut offset, mut parts) = (0, Vec::new());
    loop {
        let part = cut(&text, offset, 300).unwrap();
        assert!(part.text.chars().count() <= 300);
        parts.push(part.text);
        match part.next {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert!(parts.len() > 5);
    assert_eq!(parts.join("\n\n"), text);
}

#[test]
fn a_cut_through_code_closes_and_opens_the_fence() {
    let code = (0..100).map(|n| format!("line-{n}")).collect::<Vec<_>>().join("\n");
    let text = format!("Before\n\n```yaml\n{code}\n```\n\nAfter");
    let first = cut(&text, 0, 300).unwrap();
    assert!(first.text.starts_with("Before\n\n```yaml\nline-0\n") && first.text.ends_with("\n```"), "{}", first.text);
    let second = cut(&text, first.next.unwrap(), 5000).unwrap();
    assert!(second.text.starts_with("```yaml\nline-") && second.text.ends_with("```\n\nAfter"), "{}", second.text);
    assert_eq!(second.next, None);
}

#[test]
fn an_offset_behind_the_end_is_refused_and_an_empty_text_is_whole() {
    assert_eq!(cut("abc", 3, 10), None);
    assert_eq!(cut("", 0, 10), Some(Excerpt { text: String::new(), next: None }));
    assert_eq!(cut("äöü", 1, 1), Some(Excerpt { text: "ö".to_owned(), next: Some(2) }));
}
