//! The calls of one link and what waits to be written.
//!
//! Invariant: an entry is `sent` from the moment the writer takes its line, so that a cancellation, which goes by the
//! control lane, is only ever queued behind its request.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::mailbox::Mailbox;
use super::tasks::Tasks;
use super::{Caller, Purpose, Refused, WAITING};
use crate::shard::Ended;
use crate::shard::quota::Quota;
use crate::wire::{Capabilities, Level};

/// How many bytes may wait in the control lane of a child that does not read.
const CONTROL_BYTES: usize = 4 * 1024 * 1024;
/// How many bytes of calls may wait, but for a single longer one.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// How much the writer takes at once, but for a single longer message.
const BATCH: usize = 128 * 1024;
/// How many calls that were given up are remembered by their numbers.
const OWED: usize = 64;
/// How many of the latest of them stand in the way of others that could be asked.
const GHOSTS: usize = 256;
/// The child may still ask for a call that was given up, for so long: that question is nobody else's.
const GHOST: Duration = Duration::from_secs(2);
/// Stands for those beyond; no call has this number, so that they are never answered.
const UNCOUNTED: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Table {
    calls: HashMap<u64, Entry>,
    control: VecDeque<Vec<u8>>,
    control_bytes: usize,
    /// It has been said that the shard does not read.
    overrun: bool,
    /// The gateway's own requests. They count nowhere: whatever `limits.in_flight` says, a shard must be asked what it is
    /// while an earlier question is still open.
    own: VecDeque<(u64, Vec<u8>)>,
    waiting: VecDeque<(u64, Vec<u8>)>,
    waiting_bytes: usize,
    /// How many calls of clients the shard has.
    sent: usize,
    /// It has answered a client.
    pub(crate) has_served: bool,
    refusing: bool,
    /// Nothing is written any more.
    closed: bool,
    /// How the child has ended.
    pub(crate) ended: Option<Arc<Ended>>,
    /// What it runs for clients beyond their calls.
    pub(crate) tasks: Tasks,
    /// The calls that were given up and that the child has not answered.
    owed: HashSet<u64>,
    /// Those of clients that were given up a moment ago, the oldest first.
    ghosts: VecDeque<Ghost>,
    /// When one of those that found no room had been given up. It may be anybody's.
    unknown_ghost: Option<Instant>,
    /// When the latest call of a client came or went.
    called: Instant,
    /// What the shard logs for nobody else.
    pub(crate) quota: Quota,
}

/// A message for which the control lane has no room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overrun {
    /// The first since the shard has read something.
    pub(crate) is_first: bool,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) caller: Caller,
    pub(crate) sent: bool,
}

/// A call that was given up, and for which its child may still speak.
#[derive(Debug)]
struct Ghost {
    number: u64,
    caller: Caller,
    since: Instant,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// Lines were appended.
    Write,
    /// There is nothing to write now.
    Wait,
    /// There will never be anything to write.
    End,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            calls: HashMap::new(),
            control: VecDeque::new(),
            control_bytes: 0,
            overrun: false,
            own: VecDeque::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            sent: 0,
            has_served: false,
            refusing: false,
            closed: false,
            ended: None,
            tasks: Tasks::default(),
            owed: HashSet::new(),
            ghosts: VecDeque::new(),
            unknown_ghost: None,
            called: Instant::now(),
            quota: Quota::default(),
        }
    }

    pub(crate) fn enqueue(
        &mut self,
        number: u64,
        line: Vec<u8>,
        entry: Entry,
        in_flight: usize,
    ) -> Result<(), Refused> {
        let follows_up = matches!(entry.caller.purpose, Purpose::FollowsUp | Purpose::Listens);
        if self.closed || (self.refusing && !follows_up) {
            return Err(Refused::Gone);
        }
        if entry.caller.is_gateway() {
            self.own.push_back((number, line));
        } else {
            if self.waiting.len() >= WAITING + in_flight.saturating_sub(self.sent) {
                return Err(Refused::Full { in_flight, waiting: WAITING });
            }
            if !self.waiting.is_empty() && self.waiting_bytes + line.len() > WAITING_BYTES {
                return Err(Refused::Heavy { waiting: WAITING_BYTES });
            }
            self.waiting_bytes += line.len();
            self.waiting.push_back((number, line));
            self.called = Instant::now();
        }
        self.calls.insert(number, entry);
        Ok(())
    }

    pub(crate) fn enqueue_control(&mut self, line: Vec<u8>) -> Result<(), Overrun> {
        if self.control_bytes + line.len() > CONTROL_BYTES {
            return Err(Overrun { is_first: !std::mem::replace(&mut self.overrun, true) });
        }
        self.control_bytes += line.len();
        self.control.push_back(line);
        Ok(())
    }

    /// Takes a notification of a client into the control lane; false if that is a quarter full.
    pub(crate) fn enqueue_passed(&mut self, line: Vec<u8>) -> bool {
        let has_room = self.control_bytes + line.len() <= CONTROL_BYTES / 4;
        if has_room {
            self.control_bytes += line.len();
            self.control.push_back(line);
        }
        has_room
    }

    /// Moves what may be written now to `out`, each message with its line break.
    pub(crate) fn take_batch(&mut self, in_flight: usize, out: &mut Vec<u8>) -> Batch {
        (self.control_bytes, self.overrun) = (0, false);
        for line in self.control.drain(..) {
            append(out, &line);
        }
        for (number, line) in self.own.drain(..) {
            if let Some(entry) = self.calls.get_mut(&number) {
                entry.sent = true;
                append(out, &line);
            }
        }
        while self.sent < in_flight && out.len() < BATCH {
            let Some((number, line)) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= line.len();
            if let Some(entry) = self.calls.get_mut(&number) {
                entry.sent = true;
                self.sent += 1;
                append(out, &line);
            }
        }
        self.closed |= out.is_empty() && self.refusing && !self.are_clients_waiting();
        match (out.is_empty(), self.closed) {
            (false, _) => Batch::Write,
            (true, false) => Batch::Wait,
            (true, true) => Batch::End,
        }
    }

    /// Whether a client waits for an answer or a task. What the gateway asks, nobody waits for once the child is to end.
    fn are_clients_waiting(&self) -> bool {
        self.tasks.are_awaited() || self.calls.values().any(|entry| !entry.caller.is_gateway())
    }

    /// Forgets a call; true if the shard has been sent it.
    pub(crate) fn remove(&mut self, number: u64) -> bool {
        let Some(entry) = self.calls.remove(&number) else { return false };
        if !entry.sent {
            self.own.retain(|(waiting, _)| *waiting != number);
            let place = self.waiting.iter().position(|(waiting, _)| *waiting == number);
            let line = place.and_then(|place| self.waiting.remove(place));
            self.waiting_bytes -= line.map_or(0, |(_, line)| line.len());
        }
        self.leave(&entry);
        if entry.sent && !entry.caller.is_gateway() {
            self.ghosts.retain(|ghost| ghost.since.elapsed() < GHOST);
            if self.ghosts.len() == GHOSTS {
                self.unknown_ghost = self.ghosts.pop_front().map(|ghost| ghost.since);
            }
            self.ghosts.push_back(Ghost { number, caller: entry.caller, since: Instant::now() });
        }
        entry.sent
    }

    /// Whether a client made this call, and not the gateway.
    pub(crate) fn is_clients(&self, number: u64) -> bool {
        self.calls.get(&number).is_some_and(|entry| !entry.caller.is_gateway())
    }

    fn leave(&mut self, entry: &Entry) {
        if !entry.caller.is_gateway() {
            self.sent -= usize::from(entry.sent);
            self.called = Instant::now();
        }
    }

    /// Forgets a call unless the shard has been sent it.
    pub(crate) fn withdraw(&mut self, number: u64) {
        if self.calls.get(&number).is_some_and(|entry| !entry.sent) {
            self.remove(number);
        }
    }

    /// Takes the entry that the shard has answered.
    pub(crate) fn answered(&mut self, number: u64) -> Option<Entry> {
        self.calls.get(&number).filter(|entry| entry.sent)?;
        let entry = self.calls.remove(&number)?;
        self.leave(&entry);
        self.has_served |= !entry.caller.is_gateway();
        Some(entry)
    }

    /// The number of the only call that the shard has to answer, if it has exactly one.
    pub(crate) fn only_sent(&self) -> Option<u64> {
        let sent = self.calls.iter().filter(|(_, entry)| entry.sent && entry.caller.purpose != Purpose::Listens);
        let mut sent = sent.map(|(number, _)| *number);
        sent.next().filter(|_| sent.next().is_none())
    }

    /// The open `subscriptions/listen` of this number.
    pub(crate) fn listening(&self, number: u64) -> Option<&Entry> {
        self.calls.get(&number).filter(|entry| entry.sent && entry.caller.purpose == Purpose::Listens)
    }

    pub(crate) fn progress(&self, token: u64) -> Option<&Arc<Mailbox>> {
        self.calls.get(&token).filter(|entry| entry.sent && entry.caller.progress).map(|entry| &entry.mailbox)
    }

    /// The caller that a log message of this level can only be for: among the calls of its `owner`, if that is known.
    pub(crate) fn log_candidate(&self, level: Level, owner: Option<u128>) -> Option<&Entry> {
        self.only_client(owner, |caller| caller.level.is_some_and(|least| level >= least))
    }

    /// The caller that a request of the shard can only be for: among the calls of its `owner`, if that is known.
    pub(crate) fn ask_candidate(&self, needed: Capabilities, owner: Option<u128>) -> Option<&Entry> {
        self.only_client(owner, |caller| caller.asks.has(needed))
    }

    /// The oldest call of the only client that has any here, if that client hears what is no answer.
    pub(crate) fn only_listener(&self) -> Option<Arc<Mailbox>> {
        let only = self.only_client(None, |caller| !caller.is_gateway())?;
        only.caller.level.is_some().then(|| Arc::clone(&only.mailbox))
    }

    /// DESIGN D2: if exactly one client among those with a call at the shard fits, its oldest call; never a guess. One whose
    /// call was just given up counts too: what the child says for that call may be on its way.
    fn only_client(&self, owner: Option<u128>, fits: impl Fn(&Caller) -> bool) -> Option<&Entry> {
        let may_be = |caller: &Caller| owner.is_none_or(|owner| owner == caller.client) && fits(caller);
        let mut oldest: Option<(u64, &Entry)> = None;
        for (number, entry) in self.calls.iter().filter(|(_, entry)| entry.sent && may_be(&entry.caller)) {
            match oldest {
                Some((_, other)) if other.caller.client != entry.caller.client => return None,
                Some((first, _)) if first < *number => {}
                _ => oldest = Some((*number, entry)),
            }
        }
        let (_, entry) = oldest?;
        let is_other = |ghost: &Ghost| {
            ghost.caller.client != entry.caller.client && may_be(&ghost.caller) && ghost.since.elapsed() < GHOST
        };
        let is_unknown = owner.is_none() && self.unknown_ghost.is_some_and(|since| since.elapsed() < GHOST);
        (!is_unknown && !self.ghosts.iter().any(is_other)).then_some(entry)
    }

    /// The oldest call of a client that the shard has.
    pub(crate) fn oldest_of(&self, client: u128) -> Option<&Entry> {
        self.only_client(Some(client), |_| true)
    }

    pub(crate) fn in_flight(&self) -> (usize, usize) {
        (self.sent, self.waiting.len())
    }

    /// Since when no client has a call here; `None` while one has.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (self.sent == 0 && self.waiting.is_empty() && !self.tasks.are_awaited()).then_some(self.called)
    }

    /// Nobody could call before now.
    pub(crate) fn open(&mut self) {
        self.called = Instant::now();
    }

    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing
    }

    pub(crate) fn refuse(&mut self) {
        self.refusing = true;
    }

    /// All that is left, each with its line if that was never sent.
    pub(crate) fn drain(&mut self) -> Vec<(Entry, Option<Vec<u8>>)> {
        self.refusing = true;
        // A writer that the child has left may have ended without a word.
        self.closed = true;
        self.tasks.clear();
        self.sent = 0;
        self.waiting_bytes = 0;
        let mut unsent: HashMap<u64, Vec<u8>> = self.own.drain(..).chain(self.waiting.drain(..)).collect();
        self.calls.drain().map(|(number, entry)| (entry, unsent.remove(&number))).collect()
    }

    /// The child, which has been sent this call, need not answer it any more, but may.
    pub(crate) fn owe(&mut self, number: u64) {
        self.owed.insert(if self.owed.len() < OWED { number } else { UNCOUNTED });
    }

    /// True if that was the last answer to a call that had been given up.
    pub(crate) fn pay(&mut self, number: u64) -> bool {
        self.ghosts.retain(|ghost| ghost.number != number);
        self.owed.remove(&number) && self.owed.is_empty()
    }

    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }
}

fn append(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
