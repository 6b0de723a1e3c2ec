//! Text inside a block: code, emphasis, links, images.
//!
//! White space is collapsed at the end and never before, so that words are not glued together.

use scraper::ElementRef;
use scraper::node::Node;

use crate::docs::markdown::{DEPTH, Writer, is_left_out};
use crate::docs::text;

/// Stands for a line break until white space has been collapsed.
const BREAK: char = '\u{1}';
/// Stands for a space inside code that must not be collapsed.
const HARD_SPACE: char = '\u{2}';

impl Writer<'_> {
    /// The children of an element as one run of text.
    pub(super) fn inline(&mut self, element: ElementRef) -> String {
        let mut run = String::new();
        if self.depth >= DEPTH {
            return run;
        }
        self.depth += 1;
        for node in element.children() {
            match (ElementRef::wrap(node), node.value()) {
                (Some(child), _) => run.push_str(&self.inline_element(child)),
                (None, Node::Text(text)) => run.push_str(text),
                (None, _) => {}
            }
        }
        self.depth -= 1;
        run
    }

    /// One element inside a run of text.
    pub(super) fn inline_element(&mut self, element: ElementRef) -> String {
        if is_left_out(element) {
            return String::new();
        }
        match element.value().name() {
            "br" => BREAK.to_string(),
            "code" | "kbd" | "samp" => code(&element.text().collect::<String>()),
            "strong" | "b" => wrapped("**", &self.inline(element)),
            "em" | "i" => wrapped("*", &self.inline(element)),
            "del" | "s" => wrapped("~~", &self.inline(element)),
            "img" => image(element),
            "a" => self.link(element),
            _ => self.inline(element),
        }
    }

    /// A link with its whole address; one to a place of its own, or to no page, is only its text.
    fn link(&mut self, element: ElementRef) -> String {
        let text = self.inline(element);
        let Some(href) = element.attr("href") else { return text };
        let own = element.attr("id").is_some_and(|id| href.strip_prefix('#') == Some(id));
        let Ok(url) = self.url.join(href.trim()) else { return text };
        if own || text.trim().is_empty() || !matches!(url.scheme(), "http" | "https" | "mailto") {
            return text;
        }
        let address = url.as_str().replace('(', "%28").replace(')', "%29");
        wrapped_in("[", &text, &format!("]({address})"))
    }
}

/// The text of an element alone, on one line.
pub(super) fn plain(element: ElementRef) -> String {
    let mut run = String::new();
    gather(element, &mut run, 0);
    text::plain(&run)
}

fn gather(element: ElementRef, run: &mut String, depth: usize) {
    if depth >= DEPTH {
        return;
    }
    for node in element.children() {
        match (ElementRef::wrap(node), node.value()) {
            (Some(child), _) if !is_left_out(child) => gather(child, run, depth + 1),
            (None, Node::Text(text)) => run.push_str(text),
            _ => {}
        }
    }
}

/// One space for each run of white space; line breaks stay.
pub(super) fn collapse(run: &str) -> String {
    let lines = run.split(BREAK).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ").replace(HARD_SPACE, " ")
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_whitespace() { HARD_SPACE } else { c }).collect();
    if text.is_empty() {
        return text;
    }
    let mut ticks = "`".to_owned();
    while text.contains(&ticks) {
        ticks.push('`');
    }
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

fn image(element: ElementRef) -> String {
    let alt = text::plain(element.attr("alt").unwrap_or_default());
    if alt.is_empty() { alt } else { format!("[image: {alt}]") }
}

fn wrapped(mark: &str, text: &str) -> String {
    wrapped_in(mark, text, mark)
}

/// The marks go to the words; spaces at the ends stay outside, as Markdown wants it.
fn wrapped_in(before: &str, text: &str, after: &str) -> String {
    let inner = text.trim();
    if inner.is_empty() {
        return text.to_owned();
    }
    let start = text.len() - text.trim_start().len();
    let end = text.trim_end().len();
    format!("{}{before}{inner}{after}{}", &text[..start], &text[end..])
}
