//! Which processes are ours: those that we started, those that carry our marker, and what they started.
//!
//! Invariant: pure, and a process is taken only on proof. A number alone is none, because numbers are used again.

use std::collections::BTreeSet;

use crate::shard::os::table::{Id, Seen};

/// What proves that a process is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Children that we started, each the leader of its group, and others that were seen to be ours.
    pub(crate) known: Vec<Id>,
    pub(crate) marks: Marks,
}

/// The markers that are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marks {
    /// That of one child.
    Of(String),
    /// Those of all children of the gateway with this token.
    Token(String),
}

impl Marks {
    fn cover(&self, marker: &str) -> bool {
        match self {
            Self::Of(one) => marker == one,
            Self::Token(token) => marker.strip_prefix(&**token).is_some_and(|rest| rest.starts_with('.')),
        }
    }
}

impl Claim {
    /// Those of `all` that are ours and alive, with whatever is below them. A group is ours while its leader lives, or
    /// while one in it carries our marker.
    pub(crate) fn over<'a>(&self, all: &'a [Seen]) -> Vec<&'a Seen> {
        let proven = |seen: &&Seen| {
            self.known.contains(&seen.id) || seen.marker.as_ref().is_some_and(|marker| self.marks.cover(marker))
        };
        let mut ours: BTreeSet<u32> = all.iter().filter(proven).map(|seen| seen.id.pid).collect();
        loop {
            let is_ours = |seen: &&Seen| ours.contains(&seen.id.pid);
            let led = |group: &u32| self.known.iter().any(|known| known.pid == *group);
            let groups: BTreeSet<u32> = all.iter().filter(is_ours).map(|seen| seen.group).filter(led).collect();
            let belongs = |seen: &&Seen| ours.contains(&seen.parent) || groups.contains(&seen.group);
            let found: Vec<u32> =
                all.iter().filter(|seen| !is_ours(seen) && belongs(seen)).map(|seen| seen.id.pid).collect();
            if found.is_empty() {
                return all.iter().filter(|seen| is_ours(seen) && !seen.is_dead()).collect();
            }
            ours.extend(found);
        }
    }
}

/// The shard that a marker names.
pub(crate) fn shard_in(marker: &str) -> Option<&str> {
    marker.split('.').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(pid: u32) -> Id {
        Id { pid, started: 100 }
    }

    fn seen(pid: u32, parent: u32, group: u32, marker: &str) -> Seen {
        let marker = (!marker.is_empty()).then(|| marker.to_owned());
        Seen { id: id(pid), parent, group, state: 'S', pages: 1, name: "sh".into(), marker }
    }

    fn check(known: &[Id], marks: Marks, all: &[Seen], expected: &[u32]) {
        let claim = Claim { known: known.to_vec(), marks };
        let found: Vec<u32> = claim.over(all).iter().map(|seen| seen.id.pid).collect();
        assert_eq!(found, expected, "{claim:?}");
    }

    #[test]
    fn a_childs_group_its_descendants_and_those_that_carry_its_marker_are_ours() {
        let all = [
            seen(10, 1, 10, "t.a.1"),
            seen(11, 10, 10, ""),
            seen(12, 11, 12, ""),
            seen(13, 1, 13, "t.a.1"),
            seen(14, 13, 13, "other"),
            seen(15, 1, 10, ""),
            seen(20, 1, 20, "t.a.10"),
            seen(30, 1, 30, ""),
        ];
        check(&[id(10)], Marks::Of("t.a.1".into()), &all, &[10, 11, 12, 13, 14, 15]);
        check(&[], Marks::Of("t.a.1".into()), &all, &[10, 11, 12, 13, 14]);
        check(&[], Marks::Token("t".into()), &all, &[10, 11, 12, 13, 14, 20]);
    }

    #[test]
    fn a_number_that_was_given_away_proves_nothing() {
        let later = Seen { id: Id { pid: 10, started: 101 }, ..seen(10, 1, 10, "") };
        let all = [later, seen(11, 10, 10, ""), seen(12, 1, 10, "")];
        check(&[id(10)], Marks::Token("t".into()), &all, &[]);
    }

    #[test]
    fn a_group_without_its_leader_is_ours_only_while_a_marker_says_so() {
        let orphan = seen(11, 1, 10, "");
        check(&[id(10)], Marks::Token("t".into()), std::slice::from_ref(&orphan), &[]);
        check(&[id(10)], Marks::Token("t".into()), &[orphan.clone(), seen(12, 1, 10, "t.a.1")], &[11, 12]);
        check(&[id(10)], Marks::Token("t".into()), &[orphan, seen(12, 1, 10, "tt.a.1")], &[]);
    }

    #[test]
    fn the_dead_prove_their_group_and_are_not_listed() {
        let leader = Seen { state: 'Z', ..seen(10, 1, 10, "") };
        check(&[id(10)], Marks::Of("t.a.1".into()), &[leader, seen(11, 1, 10, "")], &[11]);
    }

    #[test]
    fn a_marker_names_its_shard() {
        assert_eq!(shard_in("0123abcd.git-hub.7"), Some("git-hub"));
        assert_eq!(shard_in("odd"), None);
    }
}
