//! The part of an article that is shown at once.
//!
//! All parts together hold the whole text. A part that ends or begins inside a block of code closes
//! or opens its fence, so that each reads well alone.

use crate::docs::page::{Article, Heading};
use crate::docs::words;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Where the next part begins, in characters; none at the end.
    pub(crate) next: Option<usize>,
}

/// A section of an article, with its subsections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    pub(crate) heading: &'a Heading,
    pub(crate) text: &'a str,
}

impl Article {
    /// The section of that id or heading, in this order; also the one that holds an option of that name.
    pub(crate) fn section(&self, wanted: &str) -> Option<Section<'_>> {
        let wanted = wanted.trim().trim_start_matches('#');
        let key = words::key(wanted);
        let option = format!("-{}", wanted.replace('.', "-").to_lowercase());
        let found = self.headings.iter().position(|heading| heading.id == wanted);
        let found = found.or_else(|| self.headings.iter().position(|h| h.id.eq_ignore_ascii_case(wanted)));
        let found = found.or_else(|| self.headings.iter().position(|h| words::key(&h.title) == key));
        let found = found.or_else(|| {
            self.around(|id| {
                id.eq_ignore_ascii_case(wanted) || (id.starts_with("opt-") && id.to_lowercase().ends_with(&option))
            })
        });
        let index = found.or_else(|| self.headings.iter().position(|h| words::key(&h.title).contains(&key)))?;
        Some(Section { heading: &self.headings[index], text: self.text_of(index) })
    }

    /// The heading before the first anchor that is wanted.
    fn around(&self, wanted: impl Fn(&str) -> bool) -> Option<usize> {
        let (_, at) = self.anchors.iter().find(|(id, _)| wanted(id))?;
        self.headings.iter().rposition(|heading| heading.at <= *at)
    }

    fn text_of(&self, index: usize) -> &str {
        let heading = &self.headings[index];
        let after = self.headings[index + 1..].iter().find(|next| next.level <= heading.level);
        let end = after.map_or(self.markdown.len(), |next| next.at);
        self.markdown[heading.at.min(end)..end].trim_end()
    }
}

/// At most about `limit` characters from `offset` on; none if the text ends before it.
pub(crate) fn cut(text: &str, offset: usize, limit: usize) -> Option<Excerpt> {
    let start = match text.char_indices().nth(offset) {
        Some((start, _)) => start,
        None if offset == 0 => return Some(Excerpt { text: String::new(), next: None }),
        None => return None,
    };
    let end = text[start..].char_indices().nth(limit).map_or(text.len(), |(end, _)| start + end);
    let end = if end == text.len() { end } else { good_end(text, start, end) };
    let mut part = text[start..end].trim_end().to_owned();
    if let Some(fence) = fence_at(text, start) {
        part = format!("{fence}\n{part}");
    }
    if let Some(fence) = fence_at(text, end) {
        part.push('\n');
        part.push_str(&ticks(&fence));
    }
    let rest = text[end..].trim_start_matches('\n').len();
    let next = (rest > 0).then(|| text[..text.len() - rest].chars().count());
    Some(Excerpt { text: part, next })
}

/// The last place before `end` to stop at: after a block, else after a line, else right there.
fn good_end(text: &str, start: usize, end: usize) -> usize {
    let window = &text[start..end];
    let half = start + window.len() / 2;
    let blocks = window.rmatch_indices("\n\n").map(|(at, _)| start + at).take_while(|at| *at > half);
    let block = blocks.into_iter().find(|at| fence_at(text, *at + 1).is_none());
    block.or_else(|| window.rfind('\n').map(|at| start + at).filter(|at| *at > half)).unwrap_or(end)
}

/// The line that opened the block of code in which `at` lies.
fn fence_at(text: &str, at: usize) -> Option<String> {
    let mut open: Option<String> = None;
    for line in text[..at].lines() {
        let bare = line.trim_start_matches(['>', ' ']);
        if !bare.starts_with("```") {
            continue;
        }
        open = match open {
            Some(fence) if bare.trim_end() == ticks(&fence) => None,
            Some(fence) => Some(fence),
            None => Some(bare.to_owned()),
        };
    }
    open
}

fn ticks(fence: &str) -> String {
    fence.chars().take_while(|c| *c == '`').collect()
}

#[cfg(test)]
mod tests;
