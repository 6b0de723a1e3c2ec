//! What waits for one caller.
//!
//! Invariant (DESIGN D7): a result has its own slot and is never dropped; progress is bounded and the newest replaces the
//! last; logs are bounded and what is dropped is counted. The reader that fills a mailbox never waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::{Ask, Done, Event};
use crate::tasks::wait_in;

/// How many progress notifications, and how many logs, wait for one caller.
pub(crate) const DEPTH: usize = 64;
/// From so many events on, a question that is taken back unread leaves no trace.
const CROWDED: usize = 4 * DEPTH;

#[derive(Debug)]
pub(crate) struct Mailbox(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    events: VecDeque<Event>,
    progress: usize,
    logs: usize,
    dropped: u64,
    done: Option<Done>,
    heard: Instant,
    /// How many questions of the shard wait for an answer.
    asks: usize,
    /// Nobody will read it any more.
    is_closed: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Inner {
            events: VecDeque::new(),
            progress: 0,
            logs: 0,
            dropped: 0,
            done: None,
            heard: now,
            asks: 0,
            is_closed: false,
            waker: None,
        }))
    }

    pub(crate) fn push(&self, event: Event) {
        let mut inner = self.lock();
        match &event {
            Event::Progress(_) => {
                inner.heard = Instant::now();
                if inner.progress == DEPTH {
                    let last = inner.events.iter_mut().rev().find(|event| matches!(event, Event::Progress(_)));
                    *last.expect("the deque holds as many as are counted") = event;
                    return inner.wake();
                }
                inner.progress += 1;
            }
            Event::Log(_) | Event::Other { .. } if inner.logs == DEPTH => {
                inner.dropped += 1;
                return;
            }
            Event::Log(_) | Event::Other { .. } => inner.logs += 1,
            // Where much waits, what the caller has not heard of need not be taken back: else a shard that asks and takes
            // back without end would fill the mailbox of a caller that does not read.
            Event::AskCancelled { key, .. } if inner.events.len() >= CROWDED => {
                let is_it = |event: &Event| matches!(event, Event::Ask(ask) if ask.key == *key);
                if let Some(unheard) = inner.events.iter().rposition(is_it) {
                    inner.events.remove(unheard);
                    return;
                }
            }
            Event::Ask(_) | Event::AskCancelled { .. } | Event::LogsDropped(_) | Event::Done(_) => {}
        }
        inner.events.push_back(event);
        inner.wake();
    }

    /// Puts a question to the caller; it comes back if the caller has gone meanwhile.
    pub(crate) fn put(&self, ask: Ask) -> Result<(), Ask> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(ask);
        }
        inner.events.push_back(Event::Ask(ask));
        inner.wake();
        Ok(())
    }

    /// The first outcome stays; a second answer is not the caller's business.
    pub(crate) fn finish(&self, done: Done) {
        let mut inner = self.lock();
        inner.done.get_or_insert(done);
        inner.wake();
    }

    /// Progress has arrived that is not kept.
    pub(crate) fn hear(&self) {
        self.lock().heard = Instant::now();
    }

    /// The shard waits for an answer of the caller.
    pub(crate) fn ask(&self) {
        self.lock().asks += 1;
    }

    /// It waits for one less.
    pub(crate) fn settle(&self) {
        let mut inner = self.lock();
        inner.asks -= 1;
        inner.heard = Instant::now();
        inner.wake();
    }

    /// When the call was made, or the shard was heard of last; `None` while the shard waits for the caller.
    pub(crate) fn heard(&self) -> Option<Instant> {
        let inner = self.lock();
        (inner.asks == 0).then_some(inner.heard)
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Event> {
        let mut inner = self.lock();
        if let Some(event) = inner.events.pop_front() {
            match event {
                Event::Progress(_) => inner.progress -= 1,
                Event::Log(_) | Event::Other { .. } => inner.logs -= 1,
                _ => {}
            }
            return Poll::Ready(event);
        }
        if inner.dropped > 0 {
            return Poll::Ready(Event::LogsDropped(std::mem::take(&mut inner.dropped)));
        }
        if let Some(done) = inner.done.take() {
            return Poll::Ready(Event::Done(done));
        }
        wait_in(&mut inner.waker, context);
        Poll::Pending
    }

    /// Ready when the end is there; nothing is taken.
    pub(crate) fn poll_over(&self, context: &Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        if inner.done.is_some() {
            return Poll::Ready(());
        }
        wait_in(&mut inner.waker, context);
        Poll::Pending
    }

    /// Takes the questions that the caller has not heard of.
    pub(crate) fn take_asks(&self) -> Vec<Ask> {
        let mut inner = self.lock();
        let events = std::mem::take(&mut inner.events);
        let mut asks = Vec::new();
        for event in events {
            match event {
                Event::Ask(ask) => asks.push(ask),
                event => inner.events.push_back(event),
            }
        }
        asks
    }

    /// The caller is gone, and takes no question from now on.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no code that can panic runs under this lock")
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::shard::link::Reply;

    fn read_all(mailbox: &Mailbox) -> Vec<String> {
        let context = Context::from_waker(Waker::noop());
        let mut seen = Vec::new();
        while let Poll::Ready(event) = mailbox.poll(&context) {
            seen.push(match event {
                Event::Progress(params) => format!("progress {}", String::from_utf8_lossy(&params)),
                Event::Log(params) => format!("log {}", String::from_utf8_lossy(&params)),
                Event::Other { method, .. } => method.into(),
                Event::LogsDropped(count) => format!("{count} logs dropped"),
                Event::Ask(ask) => format!("ask {}", ask.method),
                Event::AskCancelled { key, .. } => format!("{key} taken back"),
                Event::Done(_) => "done".into(),
            });
        }
        seen
    }

    #[test]
    fn a_flood_keeps_the_first_and_the_newest_progress_and_counts_lost_logs() {
        let mailbox = Mailbox::new(Instant::now());
        for number in 0..100 {
            mailbox.push(Event::Progress(Bytes::from(number.to_string())));
            mailbox.push(Event::Log(Bytes::from(number.to_string())));
        }
        mailbox.finish(Ok(Reply::Result(Bytes::from_static(b"{}"))));
        mailbox.finish(Ok(Reply::Error(Bytes::from_static(b"{}"))));
        let seen = read_all(&mailbox);
        assert_eq!(seen.len(), 2 * DEPTH + 2);
        assert_eq!(seen[0], "progress 0");
        assert!(seen.contains(&"progress 99".into()) && !seen.contains(&"progress 98".into()));
        assert_eq!(seen[2 * DEPTH..], ["36 logs dropped", "done"]);
    }

    #[test]
    fn only_questions_are_taken_out_of_turn() {
        let mailbox = Mailbox::new(Instant::now());
        let context = Context::from_waker(Waker::noop());
        let ask = Ask { id: "1".into(), key: "1".into(), method: "m".into(), params: None, client: 1 };
        mailbox.push(Event::Progress(Bytes::from_static(b"1")));
        mailbox.push(Event::Ask(ask));
        mailbox.push(Event::Log(Bytes::from_static(b"2")));
        assert!(mailbox.poll_over(&context).is_pending());
        mailbox.finish(Ok(Reply::Result(Bytes::from_static(b"{}"))));
        assert!(mailbox.poll_over(&context).is_ready());
        assert_eq!(mailbox.take_asks().len(), 1);
        assert_eq!(read_all(&mailbox), ["progress 1", "log 2", "done"]);
    }

    #[test]
    fn a_question_that_finds_its_caller_gone_comes_back() {
        let mailbox = Mailbox::new(Instant::now());
        let ask = Ask { id: "1".into(), key: "1".into(), method: "m".into(), params: None, client: 1 };
        assert!(mailbox.put(ask.clone()).is_ok());
        mailbox.close();
        assert_eq!(mailbox.take_asks().len(), 1, "what came before is still to be answered");
        assert_eq!(mailbox.put(ask).unwrap_err().method, "m".into());
        assert!(mailbox.take_asks().is_empty());
    }

    #[test]
    fn questions_that_are_taken_back_unread_take_bounded_room() {
        let mailbox = Mailbox::new(Instant::now());
        let ask = |key: &str| {
            Event::Ask(Ask { id: key.into(), key: key.into(), method: "m".into(), params: None, client: 1 })
        };
        let take_back = |key: &str| Event::AskCancelled { key: key.into(), reason: None };
        mailbox.push(ask("read"));
        assert_eq!(read_all(&mailbox), ["ask m"]);
        for _ in 0..1000 {
            mailbox.push(ask("unread"));
            mailbox.push(take_back("unread"));
        }
        mailbox.push(ask("kept"));
        mailbox.push(take_back("read"));
        let seen = read_all(&mailbox);
        assert_eq!(seen.len(), CROWDED + 2);
        assert_eq!(seen[..2], ["ask m", "unread taken back"]);
        assert_eq!(seen[CROWDED..], ["ask m", "read taken back"]);
    }
}
