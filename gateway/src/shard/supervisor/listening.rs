//! Keeps one `subscriptions/listen` open at a modern child, for its lists and for what clients follow of it.
//!
//! Invariant: a new one is acknowledged before the one that it replaces is taken back, so that no update falls between two. A
//! child that answers with an error is not asked again; one that ends it politely is, so often and no more; none of that costs
//! anything but that the child is not heard of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info};

use crate::shard::followed::Followed;
use crate::shard::link::{Call, Done, Event, Filter, Link, ListKind, Marks, Reply, Told};
use crate::shard::roster::Roster;
use crate::wire::{Fault, Raw};

/// How long a child may take to acknowledge before it counts as one that will not. Who does so later is heard all the same.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two requests at least: what clients follow may change often.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a start waits for the acknowledgement, so that no change falls between the lists and it.
const ACKNOWLEDGING: Duration = Duration::from_secs(1);
/// How often it is opened anew at one child that has ended it; the first time after [`AGAIN`], then after twice as long.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_secs(1);
/// One that was open for so long is no sign that the next one will be ended too.
const LASTING: Duration = Duration::from_mins(1);

/// What is listened to at one child.
#[derive(Debug)]
pub(super) struct Listening {
    link: Link,
    marks: Arc<Marks>,
    followed: watch::Receiver<Followed>,
    offered: Offered,
    /// What the child was asked for last, as far as it has not refused it.
    asked: Filter,
    /// What it has acknowledged.
    current: Option<Open>,
    /// What it has not.
    pending: Option<Open>,
    /// When the pending one counts as refused.
    patience: Option<Instant>,
    /// No request is made before.
    rest: Instant,
    /// How often it has been ended.
    ended: u32,
    /// Lists may have changed unheard.
    gap: bool,
}

/// On what a child can report.
#[derive(Debug)]
struct Offered {
    kinds: Vec<ListKind>,
    /// Also on single resources.
    resources: bool,
}

/// One request.
#[derive(Debug)]
struct Open {
    call: Call,
    since: Instant,
    filter: Filter,
    /// Of these it is not known what has become of them meanwhile.
    missed: BTreeSet<String>,
}

impl Offered {
    fn of(roster: &Roster) -> Self {
        let kinds = ListKind::ALL.into_iter().filter(|kind| roster.declares_that(kind.capability(), "listChanged"));
        Self { kinds: kinds.collect(), resources: roster.declares_that("resources", "subscribe") }
    }
}

impl Listening {
    /// Asks a modern child for what it offers and clients follow.
    pub(super) fn begin(link: &Link, roster: &Roster, marks: &Arc<Marks>) -> Self {
        let mut listening = Self {
            link: link.clone(),
            marks: Arc::clone(marks),
            followed: link.feed().followed.subscribe(),
            offered: Offered::of(roster),
            asked: Filter::default(),
            current: None,
            pending: None,
            patience: None,
            rest: Instant::now(),
            ended: 0,
            gap: false,
        };
        listening.review(Instant::now());
        listening
    }

    /// Waits for the answer to the first request, if there is one, but not for long. What is fetched after that is as new as
    /// what will be heard of; where the answer is still to come, it is fetched again then.
    pub(super) async fn begun(&mut self) {
        let until = Instant::now() + ACKNOWLEDGING;
        while self.pending.is_some() {
            tokio::select! {
                event = next(&mut self.pending) => self.take_pending(event),
                () = sleep_until(until) => break,
            }
        }
        self.gap = self.pending.is_some();
    }

    /// Whether resources are asked for.
    pub(super) fn follows(&self) -> bool {
        !self.asked.uris.is_empty()
    }

    /// Goes on for as long as the child lives. Never returns.
    pub(super) async fn keep(mut self) {
        loop {
            // One moment for both: what becomes due in between must still be waited for.
            let now = Instant::now();
            self.review(now);
            let due = [self.patience, Some(self.rest)].into_iter().flatten().filter(|due| *due > now).min();
            tokio::select! {
                changed = self.followed.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                event = next(&mut self.pending) => self.take_pending(event),
                event = next(&mut self.current) => self.take_current(&event),
                () = sleep_until(due.unwrap_or(now)), if due.is_some() => {}
            }
        }
    }

    /// Asks anew if something else is wanted than was asked for, or nothing is open.
    fn review(&mut self, now: Instant) {
        self.followed.mark_unchanged();
        if self.patience.is_some_and(|until| until <= now) {
            self.lose_patience();
        }
        if self.patience.is_some() || self.rest > now {
            return;
        }
        if self.ended > TRIES {
            return self.refuse_all();
        }
        let (wanted, missed) = self.wanted();
        if wanted == self.asked {
            return self.link.settle_told();
        }
        self.asked = wanted;
        self.rest = now + PAUSE;
        self.pending = None;
        if self.asked.is_empty() {
            self.current = None;
            return;
        }
        let Ok(call) = self.link.listen(&self.asked) else { return };
        self.pending = Some(Open { call, since: now, filter: self.asked.clone(), missed });
        self.patience = Some(now + PATIENCE);
    }

    fn wanted(&self) -> (Filter, BTreeSet<String>) {
        let (uris, mut missed) = self.link.followed();
        let kinds = self.offered.kinds.clone();
        if !self.offered.resources {
            self.link.refuse(&uris);
            return (Filter { kinds, uris: BTreeSet::new() }, BTreeSet::new());
        }
        if let Some(current) = &self.current {
            missed.retain(|uri| !current.filter.uris.contains(uri));
        }
        (Filter { kinds, uris }, missed)
    }

    fn take_pending(&mut self, event: Event) {
        match event {
            Event::Other { params, .. } => {
                if let Some(pending) = self.pending.take() {
                    self.acknowledged(pending, &Filter::acknowledged(&params.unwrap_or_default()));
                }
            }
            Event::Done(done) => {
                self.pending = None;
                match done {
                    Ok(Reply::Result(_)) if self.current.is_none() => self.end(),
                    done => self.refused(&done),
                }
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, mut pending: Open, honoured: &Filter) {
        pending.filter.uris.retain(|uri| honoured.uris.contains(uri));
        self.link.have_said(self.asked.uris.difference(&pending.filter.uris), Told::Refused);
        self.link.have_said(&pending.filter.uris, Told::Agreed);
        for uri in pending.missed.intersection(&pending.filter.uris) {
            self.link.touch(uri);
        }
        if std::mem::take(&mut self.gap) {
            pending.filter.kinds.iter().for_each(|kind| self.marks.set(kind.lists()));
        }
        self.asked.uris.clone_from(&pending.filter.uris);
        self.patience = None;
        self.link.settle_told();
        // Only now the one before it is taken back.
        self.current = Some(pending);
    }

    fn take_current(&mut self, event: &Event) {
        let Event::Done(done) = event else { return };
        let ended = self.current.take();
        if ended.is_some_and(|open| open.since.elapsed() >= LASTING) {
            self.ended = 0;
        }
        match done {
            Ok(Reply::Result(_)) => self.end(),
            done => self.refused(done),
        }
    }

    /// The child has ended it; it is opened again after a while.
    fn end(&mut self) {
        debug!(times = self.ended + 1, "the shard has ended `subscriptions/listen`");
        self.gap = true;
        match &mut self.pending {
            // That one stands in for it, and what has changed in between is not known.
            Some(pending) => pending.missed.clone_from(&pending.filter.uris),
            None => {
                self.rest = Instant::now() + AGAIN * 2_u32.pow(self.ended.min(TRIES));
                self.ended += 1;
                self.patience = None;
                self.asked = Filter::default();
            }
        }
    }

    /// The child does not do what it was asked for.
    fn refused(&mut self, done: &Done) {
        if let Ok(Reply::Error(error)) = done {
            let code = Raw::parse(error).ok().and_then(Fault::code_of);
            info!(code, "the shard does not serve `subscriptions/listen`");
        }
        if self.pending.is_none() {
            self.patience = None;
            self.give_up_pending();
        }
        if self.current.is_none() && self.pending.is_none() {
            self.ended = TRIES + 1;
        }
    }

    fn lose_patience(&mut self) {
        debug!("the shard does not acknowledge `subscriptions/listen`");
        self.patience = None;
        self.give_up_pending();
        if self.current.is_some() {
            self.pending = None;
        }
    }

    /// What was asked for beside what is acknowledged counts as refused.
    fn give_up_pending(&mut self) {
        let kept = self.current.as_ref().map(|current| current.filter.uris.clone()).unwrap_or_default();
        self.link.have_said(self.asked.uris.difference(&kept), Told::Refused);
        self.asked.uris = kept;
        self.link.settle_told();
    }

    /// Whatever is wished of it, it will not tell.
    fn refuse_all(&mut self) {
        let (uris, _) = self.link.followed();
        self.link.refuse(&uris);
        self.link.settle_told();
    }
}

/// What the request yields next; never if there is none. Safe to cancel.
async fn next(open: &mut Option<Open>) -> Event {
    match open {
        Some(open) => open.call.next().await,
        None => std::future::pending().await,
    }
}
