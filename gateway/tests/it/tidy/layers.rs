//! The layers of `gateway/src`: a module uses what stands left of it, never right.
//!
//! Invariant: a module that has no place in the order is a fault, so that none escapes the rule.

use super::rules::{Fault, line_of};
use super::source::Source;

/// `tasks` and `log` stand first: all may use them and they use none.
const LAYERS: &[&str] = &["tasks", "log", "wire", "config", "shard", "catalogue", "fleet", "mux", "door", "app", "cli"];

/// What `lib.rs` and `main.rs` use is not judged: they are the roots, above all layers.
pub(super) fn faults(source: &Source) -> Vec<Fault> {
    let Some(path) = source.path.strip_prefix("gateway/src/") else {
        return Vec::new();
    };
    let path = path.trim_end_matches(".rs");
    if !source.is_rust() || path == "lib" || path == "main" {
        return Vec::new();
    }
    let own = path.split('/').next().unwrap_or(path);
    let Some(level) = level(own) else {
        return vec![(1, format!("`{own}` has no place in the order"))];
    };
    let depth = path.split('/').count();
    let mut found: Vec<Fault> = used(&source.code, depth)
        .into_iter()
        .filter_map(|(at, module)| {
            let fault = match self::level(module) {
                Some(used) if used <= level => return None,
                Some(_) => format!("`{own}` uses `{module}`, which stands right of it"),
                None => format!("`{module}` has no place in the order"),
            };
            Some((line_of(&source.code, at), fault))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == module)
}

/// The top-level modules that the code names, with the place of each.
fn used(code: &str, depth: usize) -> Vec<(usize, &str)> {
    let rooted = starts_of(code, "crate::").flat_map(|at| heads(code, at + "crate::".len()));
    let up = "super::".repeat(depth);
    // Inside an inline module the same chain reaches less far, so only names of layers are taken.
    let climbed =
        starts_of(code, &up).flat_map(|at| heads(code, at + up.len())).filter(|(_, name)| level(name).is_some());
    rooted.chain(climbed).collect()
}

fn starts_of<'a>(code: &'a str, path: &str) -> impl Iterator<Item = usize> + use<'a> {
    let ends_in_a_name = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    code.match_indices(path)
        .map(|(at, _)| at)
        .filter(move |at| !ends_in_a_name(&code[..*at]))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The first names of the path or of the group `{a::b, c::{d, e}}` at `start`: here `a` and `c`.
fn heads(code: &str, start: usize) -> Vec<(usize, &str)> {
    if !code[start..].starts_with('{') {
        return vec![(start, name_at(code, start))];
    }
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    for (offset, c) in code[start..].char_indices() {
        let at = start + offset;
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 1 && (c == '{' || c == ',') {
            let gap = code[at + 1..].len() - code[at + 1..].trim_start().len();
            let name = name_at(code, at + 1 + gap);
            heads.push((at + 1 + gap, name));
        }
    }
    // A trailing comma has no name after it, and `self` is the root, which names no module.
    heads.retain(|(_, name)| !name.is_empty() && *name != "self");
    heads
}

fn name_at(code: &str, start: usize) -> &str {
    let rest = &code[start..];
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    &rest[..end.unwrap_or(rest.len())]
}
