//! The progress of all rounds of a call, as one (2025-11-25, basic/utilities/progress): a shard that is called again may count
//! from the start, and under one token the client must only ever be told of more.
//!
//! Invariant: what rises anyway stays as the shard wrote it; else a round counts on from where the one before it ended.

use bytes::Bytes;

use crate::mux::rewrite::edited;
use crate::wire::{Edit, Raw, read_object};

/// How far the client has been told that its call is.
#[derive(Debug, Default)]
pub(super) struct Rising {
    told: f64,
    /// What is added to all that the shard says in this round.
    base: f64,
    /// Nothing has been heard in this round.
    is_new: bool,
}

impl Rising {
    /// The shard is called again.
    pub(super) fn go_round(&mut self) {
        (self.base, self.is_new) = (0.0, true);
    }

    /// What the shard says as the client is told it; `None` if it says no more than has been told.
    pub(super) fn told(&mut self, params: Bytes) -> Option<Bytes> {
        let Some((raw, progress, total)) = read(&params) else { return Some(params) };
        if std::mem::take(&mut self.is_new) && progress <= self.told {
            self.base = self.told;
        }
        let (before, now) = (self.told, self.base + progress);
        self.told = before.max(now);
        if self.base == 0.0 || !now.is_finite() {
            return Some(params);
        }
        let (now_text, total) = (now.to_string(), total.map(|total| (self.base + total).to_string()));
        let mut edits = vec![Edit::Set("progress", &now_text)];
        edits.extend(total.as_deref().map(|total| Edit::Set("total", total)));
        (now > before).then(|| edited(raw, &edits).into())
    }
}

/// How far the shard is, and of how much.
fn read(params: &Bytes) -> Option<(Raw<'_>, f64, Option<f64>)> {
    let raw = Raw::parse(params).ok()?;
    let [progress, total] = read_object(raw, &["progress", "total"]).ok()?;
    let number = |value: Raw<'_>| value.as_str().parse::<f64>().ok().filter(|number| number.is_finite());
    Some((raw, number(progress?)?, total.and_then(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client is told of what a shard says in each of its rounds.
    fn told(rounds: &[&[&str]]) -> Vec<String> {
        let mut rising = Rising::default();
        let mut told = Vec::new();
        for (at, round) in rounds.iter().enumerate() {
            if at > 0 {
                rising.go_round();
            }
            let said = round.iter().map(|said| Bytes::copy_from_slice(said.as_bytes()));
            let heard = said.filter_map(|said| rising.told(said));
            told.extend(heard.map(|heard| String::from_utf8(heard.to_vec()).unwrap()));
        }
        told
    }

    #[test]
    fn a_round_that_counts_from_the_start_counts_on() {
        let first = [r#"{"progress":1.50,"total":3}"#, r#"{"progress":2,"total":3}"#];
        let second =
            [r#"{"progress":0,"x":[ ],"total":3}"#, r#"{"x":[ ],"progress":1, "total":3}"#, r#"{"progress":2.5}"#];
        let expected =
            [first[0], first[1], r#"{"x":[ ],"progress":3, "total":5}"#, r#"{"progress":4.5}"#, r#"{"progress":5}"#];
        assert_eq!(told(&[&first, &second, &[r#"{"progress":0.5}"#]]), expected);
    }

    #[test]
    fn what_rises_anyway_or_cannot_be_read_stays_as_it_is() {
        let rounds: [&[&str]; 3] = [
            &[r#"{"progress":1e0}"#],
            &[r#"{"progress" : 2.0, "total":3.50}"#, r#"{"progress":3}"#],
            &[r#"{"progress":"?"}"#, "{}", r#"{"progress":7,"progress":8}"#, r#"{"progress":4.0}"#],
        ];
        assert_eq!(told(&rounds), rounds.concat());
        assert_eq!(told(&[&[], &[r#"{"progress":0.0}"#]]), [r#"{"progress":0.0}"#], "nothing has been told before");
    }
}
