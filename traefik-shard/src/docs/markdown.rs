//! The article of a page, written as Markdown.
//!
//! What a reader of the site sees comes through, and only that: no buttons, no adverts, no hidden
//! text. However deep the HTML is nested, the writer goes no deeper than `DEPTH`.

mod inline;
mod table;

use scraper::ElementRef;
use scraper::node::Node;
use url::Url;

use crate::docs::page::{Article, Heading};
use crate::docs::tabs::Wanted;
use crate::docs::text;

/// How deep elements are followed; the real pages need about 12.
const DEPTH: usize = 64;

/// Writes one article.
pub(crate) struct Writer<'a> {
    url: &'a Url,
    wanted: &'a Wanted,
    article: Article,
    depth: usize,
}

impl<'a> Writer<'a> {
    /// For a page at `url`, against which its links are resolved.
    pub(crate) fn new(url: &'a Url, wanted: &'a Wanted) -> Self {
        Self { url, wanted, article: Article::default(), depth: 0 }
    }

    /// Writes the children of the article and notes where its headings are.
    pub(crate) fn article(&mut self, element: ElementRef) {
        let mut run = String::new();
        for node in element.children() {
            match (ElementRef::wrap(node), node.value()) {
                (Some(child), _) if is_block(child) => {
                    self.push(&inline::collapse(&std::mem::take(&mut run)));
                    self.part(child);
                }
                (Some(child), _) => run.push_str(&self.inline_element(child)),
                (None, Node::Text(text)) => run.push_str(text),
                (None, _) => {}
            }
        }
        self.push(&inline::collapse(&run));
    }

    /// One block of the article, with the places in it that have a name.
    fn part(&mut self, element: ElementRef) {
        if is_wrapper(element) && self.depth < DEPTH {
            self.depth += 1;
            self.article(element);
            self.depth -= 1;
            return;
        }
        let at = self.start_of_next();
        if let Some(level) = heading_level(element.value().name()) {
            let title = inline::plain(element);
            let id = text::plain(element.attr("id").unwrap_or_default());
            self.article.headings.push(Heading { id, title, level, at });
        }
        for block in self.block(element) {
            self.push(&block);
        }
        let inner = element.descendent_elements().filter(|inner| *inner != element);
        self.article.anchors.extend(inner.filter_map(|inner| inner.attr("id")).map(|id| (text::plain(id), at)));
    }

    /// The article, without the rule that stood before the advert.
    pub(crate) fn finish(mut self) -> Article {
        let markdown = &mut self.article.markdown;
        while let Some(rest) = markdown.strip_suffix("\n\n---") {
            markdown.truncate(rest.len());
        }
        self.article
    }

    fn start_of_next(&self) -> usize {
        if self.article.markdown.is_empty() { 0 } else { self.article.markdown.len() + 2 }
    }

    fn push(&mut self, block: &str) {
        let block = text::visible(block);
        if block.trim().is_empty() {
            return;
        }
        if !self.article.markdown.is_empty() {
            self.article.markdown.push_str("\n\n");
        }
        self.article.markdown.push_str(block.trim_end());
    }

    /// The blocks inside an element: runs of text become paragraphs.
    fn flow(&mut self, element: ElementRef) -> Vec<String> {
        let mut blocks = Vec::new();
        if self.depth >= DEPTH {
            return blocks;
        }
        self.depth += 1;
        let mut run = String::new();
        for node in element.children() {
            match ElementRef::wrap(node) {
                Some(child) if is_block(child) => {
                    end_run(&mut run, &mut blocks);
                    blocks.extend(self.block(child));
                }
                Some(child) => run.push_str(&self.inline_element(child)),
                None => {
                    if let Node::Text(text) = node.value() {
                        run.push_str(text);
                    }
                }
            }
        }
        end_run(&mut run, &mut blocks);
        self.depth -= 1;
        blocks
    }

    /// One element of block level; it may give several blocks or none.
    fn block(&mut self, element: ElementRef) -> Vec<String> {
        if is_left_out(element) {
            return Vec::new();
        }
        let name = element.value().name();
        if let Some(level) = heading_level(name) {
            return vec![format!("{} {}", "#".repeat(level.into()), inline::plain(element))];
        }
        match name {
            "p" | "figcaption" | "dt" => some(self.paragraph(element)),
            "pre" => some(code_block(element)),
            "ul" | "ol" => some(self.list(element)),
            "table" => some(self.table(element)),
            "hr" => vec!["---".to_owned()],
            "details" => self.details(element),
            "blockquote" => some(quoted(&self.flow(element).join("\n\n"))),
            "div" if has_class(element, "tabbed-set") => self.tab_set(element),
            "div" if has_class(element, "admonition") => some(self.admonition(element)),
            _ if is_block(element) => self.flow(element),
            _ => some(inline::collapse(&self.inline_element(element))),
        }
    }

    fn paragraph(&mut self, element: ElementRef) -> String {
        inline::collapse(&self.inline(element))
    }

    fn list(&mut self, element: ElementRef) -> String {
        let ordered = element.value().name() == "ol";
        let mut number: u32 = element.attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
        let mut items = Vec::new();
        for item in element.child_elements().filter(|child| child.value().name() == "li") {
            let marker = if ordered { format!("{number}. ") } else { "- ".to_owned() };
            number = number.saturating_add(1);
            let mut body = String::new();
            for block in self.flow(item) {
                let list = block.starts_with("- ") || block.starts_with("1. ");
                body.push_str(if body.is_empty() {
                    ""
                } else if list {
                    "\n"
                } else {
                    "\n\n"
                });
                body.push_str(&block);
            }
            items.push(format!("{marker}{}", indented(&body, marker.len())));
        }
        items.join("\n")
    }

    fn details(&mut self, element: ElementRef) -> Vec<String> {
        let summary = element.child_elements().find(|child| child.value().name() == "summary");
        let title = summary.map(|summary| self.paragraph(summary)).filter(|title| !title.is_empty());
        let mut blocks: Vec<String> = title.map(|title| format!("**{title}**")).into_iter().collect();
        blocks.extend(self.flow(element));
        blocks
    }

    fn admonition(&mut self, element: ElementRef) -> String {
        let kind = element.value().classes().find(|class| *class != "admonition").unwrap_or("note");
        let mut letters = kind.chars();
        let kind: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        let title = element.child_elements().find(|child| has_class(*child, "admonition-title"));
        let title = title.map(|title| self.paragraph(title)).unwrap_or_default();
        let head =
            if title.is_empty() || title.eq_ignore_ascii_case(&kind) { kind } else { format!("{kind}: {title}") };
        let mut blocks = vec![format!("**{head}**")];
        blocks.extend(self.flow(element));
        quoted(&blocks.join("\n\n"))
    }

    /// Each tab that is kept as its label and its blocks.
    fn tab_set(&mut self, element: ElementRef) -> Vec<String> {
        let parts = || {
            element.child_elements().flat_map(|child| {
                let holds_more =
                    has_class(child, "tabbed-labels") || child.child_elements().any(|c| has_class(c, "tabbed-block"));
                if holds_more { child.child_elements().collect() } else { vec![child] }
            })
        };
        let labels: Vec<String> = parts().filter(|part| part.value().name() == "label").map(inline::plain).collect();
        let bodies = parts().filter(|part| has_class(*part, "tabbed-content") || has_class(*part, "tabbed-block"));
        let keep = self.wanted.keep(&labels);
        let mut blocks = Vec::new();
        for ((label, body), keep) in labels.into_iter().zip(bodies).zip(keep) {
            if keep {
                blocks.push(format!("**{label}**"));
                blocks.extend(self.flow(body));
            } else if !self.article.left_out.contains(&label) {
                self.article.left_out.push(label);
            }
        }
        blocks
    }
}

/// A block of code with its language, in a fence that the code does not hold.
fn code_block(element: ElementRef) -> String {
    let code = element.child_elements().find(|child| child.value().name() == "code").unwrap_or(element);
    let classes = code.value().classes().chain(element.value().classes());
    let language = classes.filter_map(|class| class.strip_prefix("language-")).next().unwrap_or_default();
    let language: String = language.chars().filter(|c| c.is_ascii_alphanumeric() || "-_+#".contains(*c)).collect();
    let code: String = code.text().collect();
    let mut fence = "```".to_owned();
    while code.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}{language}\n{}\n{fence}", code.trim_matches('\n').trim_end())
}

fn quoted(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// All lines but the first moved to the right, as Markdown wants them inside a list item.
fn indented(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(by))).replace(&format!("\n{}\n", " ".repeat(by)), "\n\n")
}

fn end_run(run: &mut String, blocks: &mut Vec<String>) {
    blocks.extend(some(inline::collapse(&std::mem::take(run))));
}

fn some(block: String) -> Vec<String> {
    if block.trim().is_empty() { Vec::new() } else { vec![block] }
}

fn heading_level(name: &str) -> Option<u8> {
    let digit = name.strip_prefix('h')?.parse().ok()?;
    (1..=6).contains(&digit).then_some(digit)
}

fn has_class(element: ElementRef, class: &str) -> bool {
    element.value().classes().any(|found| found == class)
}

/// An element that only groups: its headings are headings of the article.
fn is_wrapper(element: ElementRef) -> bool {
    let groups = matches!(element.value().name(), "div" | "section" | "main");
    groups
        && !has_class(element, "tabbed-set")
        && !has_class(element, "admonition")
        && !is_left_out(element)
        && element.child_elements().any(is_block)
}

fn is_block(element: ElementRef) -> bool {
    const BLOCKS: [&str; 23] = [
        "article",
        "aside",
        "blockquote",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "header",
        "hr",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
        "form",
        "fieldset",
    ];
    BLOCKS.contains(&element.value().name()) || heading_level(element.value().name()).is_some()
}

/// What is on the page but is not its text.
fn is_left_out(element: ElementRef) -> bool {
    let name = element.value().name();
    let class = ["headerlink", "md-content__button", "md-source-file", "admonition-title", "md-feedback"];
    let hidden = element.attr("hidden").is_some()
        || element.attr("style").is_some_and(|style| style.replace(' ', "").contains("display:none"));
    let dropped = [
        "script", "style", "template", "noscript", "svg", "input", "button", "label", "summary", "iframe", "form",
        "nav",
    ];
    hidden || dropped.contains(&name) || class.iter().any(|class| has_class(element, class)) || is_advert(element)
}

/// The box at the end of a page that offers the commercial product.
fn is_advert(element: ElementRef) -> bool {
    let offers = |link: ElementRef| link.attr("href").is_some_and(|href| href.contains("//info.traefik.io/"));
    has_class(element, "admonition") && has_class(element, "question") && element.descendent_elements().any(offers)
}

#[cfg(test)]
mod tests;
