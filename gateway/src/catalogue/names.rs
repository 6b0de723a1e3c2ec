//! Exposed names (DESIGN D5): what a tool or prompt of one shard is called in the catalogue.
//!
//! Invariant: a name that leaves here matches `^[A-Za-z0-9_-]{1,64}$`, is unique within its list, and does not depend on
//! the order of that list.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

/// The longest name that OpenAI-like providers take; a longer one makes them refuse the whole chat.
const LONGEST: usize = 64;
/// `_` and eight hex digits.
const HASH: usize = 9;

/// One name of a shard's list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'a> {
    /// As the shard calls it.
    pub(crate) own: &'a str,
    /// As its file renames it; the own name if it does not.
    pub(crate) wanted: &'a str,
}

/// Why a name is not exposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// The shard listed the same name before.
    #[error("listed twice; the first one stays")]
    Repeated,
    /// Even its hashed name belongs to another item of the same shard.
    #[error("its exposed name belongs to another item of the shard; rename one of them")]
    Clash,
}

/// How much a name differs from what the shard called it; the least changed one of several equal ones stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    None,
    Renamed,
    Replaced,
}

struct Wish {
    /// Prefix and name, with `_` for every character that may not stand in a name.
    plain: String,
    change: Change,
    must_hash: bool,
}

impl Wish {
    fn new(prefix: &str, name: Name<'_>) -> Self {
        let whole = if prefix.is_empty() {
            name.wanted.to_owned()
        } else {
            format!("{prefix}__{wanted}", wanted = name.wanted)
        };
        let change = match () {
            () if !name.wanted.chars().all(allowed) => Change::Replaced,
            () if name.wanted != name.own => Change::Renamed,
            () => Change::None,
        };
        let plain: String = whole.chars().map(|char| if allowed(char) { char } else { '_' }).collect();
        let must_hash = plain.is_empty() || plain.len() > LONGEST || !whole.is_ascii();
        Self { plain, change, must_hash }
    }

    fn hashed(&self, own: &str) -> String {
        let digest = Sha256::digest(own);
        let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let kept = self.plain.len().min(LONGEST - HASH);
        format!("{}_{hash:08x}", &self.plain[..kept])
    }
}

fn allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

/// The exposed name of each of `names`, which all belong to the same list of one shard, in their order.
pub(crate) fn expose(prefix: &str, names: &[Name<'_>]) -> Vec<Result<String, Dropped>> {
    let wishes: Vec<Wish> = names.iter().map(|name| Wish::new(prefix, *name)).collect();
    let mut seen = HashSet::new();
    let first: Vec<bool> = names.iter().map(|name| seen.insert(name.own)).collect();
    let mut siblings: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, wish) in wishes.iter().enumerate().filter(|(at, wish)| first[*at] && !wish.must_hash) {
        siblings.entry(&wish.plain).or_default().push(at);
    }

    let mut exposed = vec![Err(Dropped::Repeated); names.len()];
    let mut taken = HashSet::new();
    for (plain, meeting) in siblings {
        if let Some(keeper) = keeper(&meeting, &wishes) {
            taken.insert(plain.to_owned());
            exposed[keeper] = Ok(plain.to_owned());
        }
    }
    let mut rest: Vec<usize> = (0..names.len()).filter(|at| first[*at] && exposed[*at].is_err()).collect();
    rest.sort_unstable_by_key(|at| names[*at].own);
    for at in rest {
        let hashed = wishes[at].hashed(names[at].own);
        exposed[at] = if taken.insert(hashed.clone()) { Ok(hashed) } else { Err(Dropped::Clash) };
    }
    exposed
}

/// Which of the names that come to the same one stays as it is.
fn keeper(meeting: &[usize], wishes: &[Wish]) -> Option<usize> {
    if let [alone] = meeting {
        return Some(*alone);
    }
    let least = meeting.iter().map(|at| wishes[*at].change).min()?;
    let mut least_changed = meeting.iter().filter(|at| wishes[**at].change == least);
    match (least_changed.next(), least_changed.next()) {
        (Some(one), None) if least < Change::Replaced => Some(*one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(prefix: &str, names: &[(&str, &str)], expected: &[&str]) {
        let names: Vec<Name<'_>> = names.iter().map(|(own, wanted)| Name { own, wanted }).collect();
        let exposed: Vec<String> = expose(prefix, &names)
            .into_iter()
            .map(|name| name.unwrap_or_else(|dropped| format!("{dropped:?}")))
            .collect();
        assert_eq!(exposed, expected, "{prefix:?} {names:?}");
    }

    #[test]
    fn a_name_is_its_prefix_and_itself() {
        check("web", &[("search", "search")], &["web__search"]);
        check("", &[("search", "search")], &["search"]);
        check("web", &[("search", "find")], &["web__find"]);
        check("web", &[("a.b/c d", "a.b/c d")], &["web__a_b_c_d"]);
    }

    #[test]
    fn a_name_that_lost_something_ends_in_a_hash() {
        check("", &[("größe", "größe")], &["gr__e_d353a267"]);
        let long = "x".repeat(100);
        check("p", &[(&long, &long)], &[&format!("p__{}_09ecb6eb", "x".repeat(52))]);
        let fits = "x".repeat(61);
        check("p", &[(&fits, &fits)], &[&format!("p__{fits}")]);
    }

    #[test]
    fn of_siblings_the_one_that_needed_no_replacing_stays() {
        check("", &[("a.b", "a.b"), ("a_b", "a_b")], &["a_b_2e7336dc", "a_b"]);
        check("", &[("a.b", "a.b"), ("a/b", "a/b")], &["a_b_2e7336dc", "a_b_c14cddc0"]);
        check("", &[("old", "new"), ("new", "new")], &["new_cba06b57", "new"]);
        check("", &[("one", "new"), ("two", "new")], &["new_7692c3ad", "new_3fc4ccfe"]);
        check("", &[("one", "new"), ("n.w", "n.w")], &["new", "n_w"]);
    }

    #[test]
    fn what_cannot_be_told_apart_is_dropped() {
        check("", &[("a", "a"), ("a", "a")], &["a", "Repeated"]);
        check(
            "",
            &[("a_b_2e7336dc", "a_b_2e7336dc"), ("a.b", "a.b"), ("a_b", "a_b")],
            &["a_b_2e7336dc", "Clash", "a_b"],
        );
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_providers_take_and_no_two_are_equal(
            prefix in "[a-z]{0,3}|[a-z_.é]{0,70}",
            own in prop::collection::vec("[ab._é]{1,3}|.{1,80}", 0..12),
        ) {
            let mut names: Vec<Name<'_>> = own.iter().map(|own| Name { own, wanted: own }).collect();
            let exposed = expose(&prefix, &names);
            let good: Vec<&String> = exposed.iter().flatten().collect();
            for name in &good {
                prop_assert!((1..=64).contains(&name.len()) && name.chars().all(allowed), "{name}");
            }
            let distinct: HashSet<_> = good.iter().collect();
            prop_assert_eq!(distinct.len(), good.len());
            let own_names: HashSet<_> = own.iter().collect();
            let clashes = exposed.iter().filter(|name| **name == Err(Dropped::Clash)).count();
            prop_assert_eq!(own_names.len(), good.len() + clashes);

            let by_own: HashMap<_, _> = own.iter().zip(&exposed).rev().collect();
            names.reverse();
            for (name, again) in names.iter().zip(expose(&prefix, &names)) {
                prop_assert!(again == Err(Dropped::Repeated) || again == *by_own[&name.own.to_owned()]);
            }
        }
    }
}
