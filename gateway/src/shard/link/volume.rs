//! How much the child logs (2025-11-25, server/utilities/logging).
//!
//! Invariant: what the child was told last is known here, and who changes it sends the request under the same lock, so that
//! a call finds the level that its client wants to hear.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Call, Caller, Deadlines, Link};
use crate::wire::{Level, request};

/// For so long a child goes on logging as much as the last call wanted that named a level of its own.
pub(crate) const LINGER: Duration = Duration::from_mins(1);
/// How many levels the child may owe an answer to that nobody waits for.
const UNHEARD: usize = 8;

/// The level of one child.
#[derive(Debug, Default)]
pub(super) struct Volume(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How long the child may take to answer; `None` for one that has no levels.
    within: Option<Duration>,
    told: Option<Level>,
    /// The most verbose level that calls have named since there were none for [`LINGER`].
    raised: Option<Level>,
    /// How many such calls are under way, or since when there is none.
    calls: usize,
    calm: Option<Instant>,
    /// The latest questions whose answers nobody waits for.
    unheard: VecDeque<u64>,
}

/// Keeps a child as verbose as a call wants it. Dropped with the call.
#[derive(Debug)]
pub struct Raised(Link);

impl Link {
    /// The child takes levels, and answers within this time.
    pub(crate) fn takes_levels(&self, within: Duration) {
        self.volume().within = Some(within);
    }

    /// Tells the child the most verbose wish of all clients, unless it knows, or a call wants more. Without a wish any more
    /// it is told to log everything, as servers do whose client has not said.
    pub(crate) fn tell_level(&self, wish: Option<Level>) -> Option<Call> {
        let mut volume = self.volume();
        if volume.calm.is_some_and(|since| since.elapsed() >= LINGER) {
            (volume.raised, volume.calm) = (None, None);
        }
        let level = [wish, volume.raised].into_iter().flatten().min();
        let level = level.or(volume.told.map(|_| Level::Debug))?;
        self.ask_for(&mut volume, level)
    }

    /// Has the child log at least as much as `level` from before the next call on, as all clients together wish.
    pub fn tell_at_least(&self, level: Level) {
        let mut volume = self.volume();
        if volume.told.is_some_and(|told| told <= level) {
            return;
        }
        if let Some(asked) = self.ask_for(&mut volume, level) {
            // The call may be refused or given up, but the wish is the session's.
            volume.unheard.push_back(asked.let_go());
        }
        if volume.unheard.len() > UNHEARD
            && let Some(oldest) = volume.unheard.pop_front()
        {
            self.table().remove(oldest);
        }
    }

    /// The same for the time of one call, which names a level of its own.
    pub fn raise_level(&self, level: Level) -> Raised {
        self.tell_at_least(level);
        let mut volume = self.volume();
        volume.raised = Some(volume.raised.map_or(level, |raised| raised.min(level)));
        (volume.calls, volume.calm) = (volume.calls + 1, None);
        Raised(self.clone())
    }

    fn ask_for(&self, volume: &mut State, level: Level) -> Option<Call> {
        let within = volume.within.filter(|_| volume.told != Some(level))?;
        let params = json!({"level": level.as_str()}).to_string();
        let number = self.next_number();
        let line = request(number, "logging/setLevel", Some(params.as_bytes()));
        let asked = self.call(number, line, Caller::GATEWAY, Deadlines { call: within, max: within });
        volume.told = Some(level);
        asked.ok()
    }

    fn volume(&self) -> MutexGuard<'_, State> {
        self.0.volume.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        let mut volume = self.0.volume();
        volume.calls -= 1;
        if volume.calls == 0 {
            volume.calm = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::Heritage;
    use crate::shard::budget::Budget;
    use crate::shard::link::{Limits, Ties};

    fn link() -> Link {
        let link = Link::new(
            Limits::new(64, 1024, Budget::new(1024), crate::config::Mask::default()),
            Heritage::default(),
            Ties::default(),
        );
        link.takes_levels(Duration::from_secs(1));
        link
    }

    fn told(link: &Link) -> Option<Level> {
        link.volume().told
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_is_told_once_what_it_does_not_know() {
        let link = link();
        assert!(link.tell_level(None).is_none() && told(&link).is_none());
        assert!(link.tell_level(Some(Level::Error)).is_some());
        assert!(link.tell_level(Some(Level::Error)).is_none());
        link.tell_at_least(Level::Info);
        assert_eq!(told(&link), Some(Level::Info));
        link.tell_at_least(Level::Warning);
        assert_eq!(told(&link), Some(Level::Info));
        assert!(link.tell_level(None).is_some());
        assert_eq!(told(&link), Some(Level::Debug), "without a wish everything is logged again");
    }

    /// What the child would be sent now.
    fn lines(link: &Link) -> String {
        let mut lines = Vec::new();
        link.table().take_batch(64, &mut lines);
        String::from_utf8(lines).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_is_told_a_level_although_the_call_that_wanted_it_is_gone_at_once() {
        for level in [Level::Error, Level::Info, Level::Debug] {
            let link = link();
            link.tell_at_least(level);
            assert!(lines(&link).contains(&format!(r#""logging/setLevel","params":{{"level":"{}""#, level.as_str())));
            let other = self::link();
            drop(other.raise_level(level));
            assert!(lines(&other).contains("logging/setLevel"), "{level:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_that_answers_no_level_is_not_waited_for_and_takes_bounded_room() {
        let link = link();
        for _ in 0..2 * UNHEARD {
            for level in [Level::Error, Level::Debug] {
                // As if the child had been told less meanwhile.
                link.volume().told = None;
                link.tell_at_least(level);
            }
        }
        assert_eq!(lines(&link).lines().count(), UNHEARD);
        link.refuse_calls();
        assert_eq!(link.table().take_batch(64, &mut Vec::new()), crate::shard::link::table::Batch::End);
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_stays_as_verbose_as_calls_want_for_a_while_after_the_last() {
        let link = link();
        let _ = link.tell_level(Some(Level::Error));
        let (first, second) = (link.raise_level(Level::Info), link.raise_level(Level::Debug));
        drop(second);
        tokio::time::advance(LINGER).await;
        assert!(link.tell_level(Some(Level::Error)).is_none() && told(&link) == Some(Level::Debug), "one is under way");
        drop(first);
        tokio::time::advance(LINGER - Duration::from_millis(1)).await;
        assert!(link.tell_level(Some(Level::Error)).is_none());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(link.tell_level(Some(Level::Error)).is_some() && told(&link) == Some(Level::Error));
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_without_levels_is_told_none() {
        let link = Link::new(
            Limits::new(64, 1024, Budget::new(1024), crate::config::Mask::default()),
            Heritage::default(),
            Ties::default(),
        );
        assert!(link.tell_level(Some(Level::Error)).is_none() && told(&link).is_none());
        drop(link.raise_level(Level::Debug));
    }
}
