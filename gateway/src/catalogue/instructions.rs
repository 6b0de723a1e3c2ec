//! The instructions of all shards as one text.
//!
//! Invariant: the text is at most [`LONGEST`] bytes, and it says where something was cut.

use std::fmt::Write;

/// The most that clients put into the context of each chat.
const LONGEST: usize = 64 * 1024;
/// Room for a heading's marks, a note and the empty lines around them.
const AROUND: usize = 128;

/// Joins `sections` (shard and its instructions) under headings. A long one is cut before a short one is.
pub(crate) fn join(sections: &[(&str, &str)]) -> Option<String> {
    let sections: Vec<_> =
        sections.iter().map(|(shard, text)| (*shard, text.trim())).filter(|(_, text)| !text.is_empty()).collect();
    let around: usize = sections.iter().map(|(shard, _)| shard.len() + AROUND).sum();
    let share =
        fair_share(sections.iter().map(|(_, text)| text.len()).collect(), LONGEST.saturating_sub(around + AROUND));
    let mut joined = String::new();
    for (at, (shard, text)) in sections.iter().enumerate() {
        let cut = &text[..text.floor_char_boundary(share)];
        if joined.len() + shard.len() + cut.len() + 2 * AROUND > LONGEST {
            let left = sections.len() - at;
            write!(joined, "\n\n[The instructions of {left} more servers are left out.]").expect("a string takes all");
            break;
        }
        let gap = if joined.is_empty() { "" } else { "\n\n" };
        write!(joined, "{gap}# {shard}\n\n{cut}").expect("a string takes all");
        if cut.len() < text.len() {
            let (missing, whole) = (text.len() - cut.len(), text.len());
            write!(joined, "\n\n[{missing} of {whole} bytes are left out here.]").expect("a string takes all");
        }
    }
    (!joined.is_empty()).then_some(joined)
}

/// The text of one shard for those who see no other: without a heading.
pub(crate) fn alone(text: &str) -> Option<String> {
    let text = text.trim();
    let cut = &text[..text.floor_char_boundary(LONGEST - AROUND)];
    let note = match text.len() - cut.len() {
        0 => String::new(),
        missing => format!("\n\n[{missing} of {whole} bytes are left out here.]", whole = text.len()),
    };
    (!text.is_empty()).then(|| format!("{cut}{note}"))
}

/// The length up to which every text is kept whole so that all together keep to `budget`.
fn fair_share(mut lengths: Vec<usize>, mut budget: usize) -> usize {
    lengths.sort_unstable();
    for (at, length) in lengths.iter().enumerate() {
        let share = budget / (lengths.len() - at);
        if *length > share {
            return share;
        }
        budget -= length;
    }
    LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_with_instructions_has_a_heading() {
        let joined = join(&[("a", " Use a.\n"), ("b", "  "), ("c", "Use c.")]).unwrap();
        assert_eq!(joined, "# a\n\nUse a.\n\n# c\n\nUse c.");
        assert_eq!(join(&[("b", " ")]), None);
        assert_eq!(join(&[]), None);
    }

    #[test]
    fn a_long_text_is_cut_and_a_short_one_stays_whole() {
        let long = "é".repeat(100_000);
        let joined = join(&[("a", &long), ("b", "Use b.")]).unwrap();
        assert!(joined.len() <= LONGEST && joined.len() > LONGEST - 1024, "{}", joined.len());
        let (first, second) = joined.split_once("\n\n# b\n\n").unwrap();
        assert_eq!(second, "Use b.");
        assert!(first.ends_with(" of 200000 bytes are left out here.]"), "{}", &first[first.len() - 60..]);
    }

    #[test]
    fn any_number_of_shards_keeps_to_the_limit() {
        let name = "n".repeat(200);
        let joined = join(&vec![(name.as_str(), "Use it."); 1000]).unwrap();
        assert!(joined.len() <= LONGEST, "{}", joined.len());
        assert!(joined.ends_with(" more servers are left out.]"));
    }
}
