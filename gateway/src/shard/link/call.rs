//! A call under way, as its caller holds it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::mailbox::Mailbox;
use super::{Deadlines, Event, Failure, Link};

/// A call under way. Dropping it before [`Event::Done`] cancels it at the shard.
#[derive(Debug)]
pub struct Call {
    link: Link,
    number: u64,
    mailbox: Arc<Mailbox>,
    deadlines: Deadlines,
    latest: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    finished: bool,
}

impl Call {
    pub(super) fn new(link: Link, number: u64, mailbox: Arc<Mailbox>, now: Instant, deadlines: Deadlines) -> Self {
        Self { link, number, mailbox, latest: now + deadlines.max, deadlines, timer: None, finished: false }
    }

    /// The link that carries the call, for answers to what the shard asks.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The next event; nothing follows [`Event::Done`]. Keeps the call's deadlines.
    ///
    /// Safe to cancel.
    pub async fn next(&mut self) -> Event {
        let event = poll_fn(|context| self.poll(context)).await;
        self.finished |= matches!(event, Event::Done(_));
        event
    }

    /// Waits for the end and takes nothing: the end, and what precedes it, is still to come. Keeps the call's deadlines.
    ///
    /// Safe to cancel.
    pub async fn over(&mut self) {
        poll_fn(|context| {
            if self.mailbox.poll_over(context).is_pending() {
                let failure = ready!(self.poll_deadlines(context));
                self.mailbox.finish(Err(failure));
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Answers what the caller has not heard of as if there were no client.
    pub fn decline_unheard(&self) {
        for ask in self.mailbox.take_asks() {
            self.link.decline(&ask);
        }
    }

    /// Waits for the end and passes over what precedes it.
    pub async fn done(mut self) -> super::Done {
        loop {
            if let Event::Done(done) = self.next().await {
                return done;
            }
        }
    }

    /// Gives it up; the shard is told why, if it was sent.
    pub fn cancel(mut self, reason: &str) {
        if !std::mem::replace(&mut self.finished, true) {
            self.link.cancel(self.number, reason);
        }
    }

    /// Nobody waits for the end any more, and it is not given up either. Gives its number.
    pub(super) fn let_go(mut self) -> u64 {
        self.finished = true;
        self.number
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(event) = self.mailbox.poll(context) {
            return Poll::Ready(event);
        }
        self.poll_deadlines(context).map(|failure| Event::Done(Err(failure)))
    }

    /// Ready when the call has taken too long, and the shard has been told so.
    fn poll_deadlines(&mut self, context: &mut Context<'_>) -> Poll<Failure> {
        loop {
            let due = self.due();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= self.due() {
                return Poll::Ready(self.time_out());
            }
        }
    }

    /// The earlier of both limits. Progress moves the first, and a person's time to answer does not count for it.
    fn due(&self) -> Instant {
        self.mailbox.heard().map_or(self.latest, |heard| (heard + self.deadlines.call).min(self.latest))
    }

    fn time_out(&self) -> Failure {
        let (setting, after) =
            if Instant::now() >= self.latest { ("max", self.deadlines.max) } else { ("call", self.deadlines.call) };
        self.link.cancel(self.number, &format!("timeouts.{setting} is over"));
        Failure::Deadline { setting, after }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Before what is there is declined: the reader may be about to put in one more.
        self.mailbox.close();
        self.decline_unheard();
        if !self.finished {
            self.link.cancel(self.number, "the caller is gone");
        }
    }
}
