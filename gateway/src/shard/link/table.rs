//! The calls of one link and what waits to be written.
//!
//! Invariant: an entry is `sent` from the moment the writer takes its line, so that a cancellation, which goes by the
//! control lane, is only ever queued behind its request.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::mailbox::Mailbox;
use super::{Caller, Refused, WAITING};
use crate::shard::quota::Quota;
use crate::shard::roster::List;
use crate::wire::{Capabilities, Level};

/// How many bytes may wait in the control lane of a child that does not read.
const CONTROL_BYTES: usize = 4 * 1024 * 1024;
/// How many bytes of calls may wait, but for a single longer one.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// How much the writer takes at once, but for a single longer message.
const BATCH: usize = 128 * 1024;

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
    changed: [bool; 4],
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
            changed: [false; 4],
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
        if self.refusing {
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
        match (out.is_empty(), self.refusing && self.calls.is_empty()) {
            (false, _) => Batch::Write,
            (true, false) => Batch::Wait,
            (true, true) => Batch::End,
        }
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
        entry.sent
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

    /// The number of the only call that the shard has, if it has exactly one.
    pub(crate) fn only_sent(&self) -> Option<u64> {
        let mut sent = self.calls.iter().filter(|(_, entry)| entry.sent).map(|(number, _)| *number);
        sent.next().filter(|_| sent.next().is_none())
    }

    pub(crate) fn progress(&self, token: u64) -> Option<&Arc<Mailbox>> {
        self.calls.get(&token).filter(|entry| entry.sent && entry.caller.progress).map(|entry| &entry.mailbox)
    }

    /// The caller that a log message of this level can only be for.
    pub(crate) fn log_candidate(&self, level: Level) -> Option<&Entry> {
        self.only_client(|caller| caller.level.is_some_and(|least| level >= least))
    }

    /// The caller that a request of the shard can only be for.
    pub(crate) fn ask_candidate(&self, needed: Capabilities) -> Option<&Entry> {
        self.only_client(|caller| caller.asks.has(needed))
    }

    /// The oldest call of the only client that has any here, if that client hears what is no answer.
    pub(crate) fn only_listener(&self) -> Option<Arc<Mailbox>> {
        let only = self.only_client(|caller| !caller.is_gateway())?;
        only.caller.level.is_some().then(|| Arc::clone(&only.mailbox))
    }

    /// DESIGN D2: if exactly one client among those with a call at the shard fits, its oldest call; never a guess.
    fn only_client(&self, fits: impl Fn(&Caller) -> bool) -> Option<&Entry> {
        let mut oldest: Option<(u64, &Entry)> = None;
        for (number, entry) in self.calls.iter().filter(|(_, entry)| entry.sent && fits(&entry.caller)) {
            match oldest {
                Some((_, other)) if other.caller.client != entry.caller.client => return None,
                Some((first, _)) if first < *number => {}
                _ => oldest = Some((*number, entry)),
            }
        }
        oldest.map(|(_, entry)| entry)
    }

    pub(crate) fn in_flight(&self) -> (usize, usize) {
        (self.sent, self.waiting.len())
    }

    /// Since when no client has a call here; `None` while one has.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (self.sent == 0 && self.waiting.is_empty()).then_some(self.called)
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
        self.sent = 0;
        self.waiting_bytes = 0;
        let mut unsent: HashMap<u64, Vec<u8>> = self.own.drain(..).chain(self.waiting.drain(..)).collect();
        self.calls.drain().map(|(number, entry)| (entry, unsent.remove(&number))).collect()
    }

    pub(crate) fn mark_changed(&mut self, list: List) {
        self.changed[list as usize] = true;
    }

    pub(crate) fn take_changed(&mut self) -> Vec<List> {
        let changed = std::mem::take(&mut self.changed);
        List::ALL.into_iter().filter(|list| changed[*list as usize]).collect()
    }
}

fn append(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(client: u128, level: Option<Level>) -> Entry {
        let caller = Caller { client, level, progress: false, asks: Capabilities::SAMPLING };
        Entry { mailbox: Arc::new(Mailbox::new(Instant::now())), caller, sent: false }
    }

    fn table(clients: &[u128]) -> Table {
        let mut table = Table::new();
        for (number, client) in (1..).zip(clients) {
            table.enqueue(number, vec![b'c'], entry(*client, Some(Level::Info)), 64).unwrap();
        }
        table
    }

    #[test]
    fn only_what_was_sent_is_cancelled_at_the_shard() {
        let mut table = table(&[1, 1]);
        let mut out = Vec::new();
        assert!(!table.remove(1), "an unsent call needs no cancellation");
        assert_eq!(table.take_batch(64, &mut out), Batch::Write);
        assert_eq!(out, b"c\n");
        table.withdraw(2);
        assert!(table.remove(2), "what was sent cannot be taken back");
        table.enqueue(3, vec![b'c'], entry(1, None), 64).unwrap();
        table.withdraw(3);
        assert_eq!(table.take_batch(64, &mut Vec::new()), Batch::Wait);
        assert_eq!(table.in_flight(), (0, 0));
    }

    #[test]
    fn calls_above_the_limit_wait_and_then_are_refused() {
        let mut table = table(&[1; 3]);
        let mut out = Vec::new();
        table.take_batch(2, &mut out);
        assert_eq!(table.in_flight(), (2, 1));
        for number in 100..99 + WAITING as u64 {
            table.enqueue(number, Vec::new(), entry(1, None), 2).unwrap();
        }
        let full = table.enqueue(999, Vec::new(), entry(1, None), 2).unwrap_err();
        assert_eq!(full, Refused::Full { in_flight: 2, waiting: WAITING });
        table.answered(1).unwrap();
        out.clear();
        assert_eq!(table.take_batch(2, &mut out), Batch::Write);
        assert_eq!(table.in_flight(), (2, WAITING - 1));
    }

    #[test]
    fn calls_that_wait_are_bounded_in_bytes_too() {
        let mut table = table(&[]);
        let heavy = || vec![b' '; WAITING_BYTES / 2 + 1];
        table.enqueue(1, heavy(), entry(1, None), 1).unwrap();
        assert_eq!(table.enqueue(2, heavy(), entry(1, None), 1), Err(Refused::Heavy { waiting: WAITING_BYTES }));
        table.remove(1);
        table.enqueue(3, heavy(), entry(1, None), 1).unwrap();
        table.take_batch(1, &mut Vec::new());
        table.enqueue(4, heavy(), entry(1, None), 1).unwrap();
    }

    #[test]
    fn a_message_without_a_call_goes_to_the_only_client_that_fits() {
        let check = |clients: &[u128], expected: Option<u128>| {
            let mut table = table(clients);
            table.take_batch(64, &mut Vec::new());
            let found = table.ask_candidate(Capabilities::SAMPLING).map(|entry| entry.caller.client);
            assert_eq!(found, expected, "{clients:?}");
            assert_eq!(table.log_candidate(Level::Error).map(|entry| entry.caller.client), expected);
            assert!(table.log_candidate(Level::Debug).is_none());
            assert!(table.ask_candidate(Capabilities::ROOTS).is_none());
        };
        check(&[], None);
        check(&[7], Some(7));
        check(&[7, 7], Some(7));
        check(&[7, 8], None);
    }

    #[test]
    fn a_call_that_waits_is_no_candidate() {
        assert!(table(&[7]).ask_candidate(Capabilities::SAMPLING).is_none());
    }

    #[test]
    fn the_gateway_asks_its_own_questions_whatever_the_limit_is() {
        let own = || Entry { mailbox: entry(0, None).mailbox, caller: Caller::GATEWAY, sent: false };
        let mut table = Table::new();
        table.enqueue(1, b"call".to_vec(), entry(7, None), 1).unwrap();
        table.enqueue(2, b"discover".to_vec(), own(), 1).unwrap();
        table.enqueue(3, b"initialize".to_vec(), own(), 1).unwrap();
        let mut out = Vec::new();
        table.take_batch(1, &mut out);
        assert_eq!(out, b"discover\ninitialize\ncall\n");
        assert_eq!(table.in_flight(), (1, 0));
        assert!(table.answered(2).is_some() && table.remove(3));
        assert_eq!(table.in_flight(), (1, 0));
        assert!(!table.has_served, "the gateway's own questions prove nothing");
        table.answered(1).unwrap();
        assert_eq!(table.in_flight(), (0, 0));
        assert!(table.has_served);
    }

    #[test]
    fn the_control_lane_goes_first_and_is_bounded() {
        let mut table = table(&[1]);
        table.enqueue_control(b"first".to_vec()).unwrap();
        for is_first in [true, false, false] {
            assert_eq!(table.enqueue_control(vec![0; CONTROL_BYTES]), Err(Overrun { is_first }));
        }
        let mut out = Vec::new();
        table.take_batch(64, &mut out);
        assert_eq!(out, b"first\nc\n");
        table.refuse();
        out.clear();
        assert_eq!(table.take_batch(64, &mut out), Batch::Wait, "a call is still with the shard");
        table.drain();
        assert_eq!(table.take_batch(64, &mut out), Batch::End);
    }
}
