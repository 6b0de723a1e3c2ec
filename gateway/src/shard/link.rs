//! The link to one child: who asked what, in which order it goes out, and to whom an answer belongs.
//!
//! Invariants (DESIGN D7, D13): one task writes and one reads; the reader never waits for a caller or for the child; a
//! cancellation never overtakes its request; nothing here calls upward.

mod asking;
mod call;
mod elicited;
mod following;
mod limits;
mod listening;
mod mailbox;
mod outcome;
mod reader;
mod table;
mod tasks;
mod ties;
mod volume;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use call::Call;
pub(crate) use elicited::Elicited;
pub(crate) use following::{Due, Told};
pub use limits::Limits;
pub(crate) use listening::{Filter, Kind as ListKind};
pub use outcome::{Done, Failure, Refused, Reply};
pub(crate) use reader::read;
#[cfg(test)]
pub(crate) use tasks::Begun;
pub(crate) use tasks::UNASKED;
pub(crate) use ties::Marks;
pub use ties::Ties;
pub(crate) use volume::LINGER;
pub use volume::Raised;
pub(crate) use writer::write;

use self::asking::Asking;
use self::elicited::OfChild;
use self::mailbox::Mailbox;
use self::table::{Entry, Table};
use self::volume::Volume;
use crate::shard::{Ended, Heritage};
use crate::wire::{self, Capabilities, Chunks, Era, Fault, Level};

/// Who makes a call, as far as the link must know: a plain value.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Equal for all calls of one client session, and 0 for the gateway alone.
    pub client: u128,
    /// The least severe log message that the caller hears on this call; `None` hears none.
    pub level: Option<Level>,
    /// Whether the request carries a progress token, which then is the call's number.
    pub progress: bool,
    /// What a shard may ask this caller mid-call.
    pub asks: Capabilities,
    /// What the call has to do with tasks.
    pub purpose: Purpose,
}

/// What a call has to do with tasks (2025-11-25, basic/utilities/tasks; 2026-07-28, the extension).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Nothing.
    #[default]
    Plain,
    /// Its answer may announce a task.
    MakesTask {
        /// By whose rules.
        era: Era,
        /// For so long at most the child is kept for the task.
        kept: Duration,
    },
    /// It follows up what this very child has begun, and is taken while the child finishes.
    FollowsUp,
    /// It is open for as long as the child lives, and its answer only says that it is over.
    Listens,
}

impl Caller {
    /// The gateway itself: hears neither logs nor progress, and nobody can be asked.
    pub const GATEWAY: Self =
        Self { client: 0, level: None, progress: false, asks: Capabilities::NONE, purpose: Purpose::Plain };

    pub(crate) fn is_gateway(&self) -> bool {
        self.client == Self::GATEWAY.client
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// From the request, or its latest progress, to the answer.
    pub call: Duration,
    /// From the request to the answer, whatever progress says.
    pub max: Duration,
}

/// What a call yields, in wire order; [`Event::Done`] is the last.
#[derive(Debug)]
pub enum Event {
    /// The `params` of a `notifications/progress` for this call.
    Progress(Bytes),
    /// The `params` of a `notifications/message` that can only belong to this caller.
    Log(Bytes),
    /// Another notification that can only belong to this caller.
    Other {
        /// The method.
        method: Box<str>,
        /// The parameters, JSON text.
        params: Option<Bytes>,
    },
    /// So many log messages, and others that are no progress, were dropped because the caller did not read.
    LogsDropped(u64),
    /// The shard asks this caller something; answer with [`Link::pass_on`] or [`Link::decline`].
    Ask(Ask),
    /// The shard needs no answer any more.
    AskCancelled {
        /// The [`Ask::key`] of what it had asked.
        key: Box<str>,
        /// Why, JSON text.
        reason: Option<Bytes>,
    },
    /// The end of the call.
    Done(Done),
}

/// A request of the shard to one caller.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The shard's id for it, JSON text.
    pub id: Box<str>,
    /// The same for all ways to write that id.
    pub key: Box<str>,
    /// The method.
    pub method: Box<str>,
    /// The parameters, JSON text.
    pub params: Option<Bytes>,
    /// The only client that may answer.
    pub client: u128,
}

/// How many calls wait above `in_flight` before they are refused.
pub(crate) const WAITING: usize = 256;

/// The link to one child. Cheap to clone; it lives as long as its reader and writer.
#[derive(Debug, Clone)]
pub struct Link(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    table: Mutex<Table>,
    /// Wakes the writer.
    outgoing: Notify,
    limits: Limits,
    heritage: Heritage,
    ties: Ties,
    /// Cancelled when the child is to be exchanged for a fresh one.
    renewal: CancellationToken,
    asking: Asking,
    elicited: OfChild,
    volume: Volume,
    /// Whether the child has written a line to stdout that is no message, and the log says so.
    nonsense_told: AtomicBool,
    /// Whether what the child says of its lists is passed over.
    is_hushed: AtomicBool,
}

impl Link {
    /// A link whose reader and writer still have to be run, with [`read`] and [`write`].
    pub(crate) fn new(limits: Limits, heritage: Heritage, ties: Ties) -> Self {
        let table = Mutex::new(Table::new());
        Self(Arc::new(Shared {
            table,
            outgoing: Notify::new(),
            limits,
            heritage,
            elicited: ties.elicited.child(),
            ties,
            renewal: CancellationToken::new(),
            asking: Asking::default(),
            volume: Volume::default(),
            nonsense_told: AtomicBool::new(false),
            is_hushed: AtomicBool::new(false),
        }))
    }

    /// Whether both lead to the same child.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A number for the next call: its request id, and its progress token if it has one.
    pub fn next_number(&self) -> u64 {
        self.0.heritage.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Bounds calls and messages from now on: `in_flight` calls at once, `message` bytes.
    pub(crate) fn limit(&self, in_flight: usize, message: usize) {
        self.0.limits.in_flight.store(in_flight, Ordering::Relaxed);
        self.0.limits.message.store(message, Ordering::Relaxed);
        self.0.outgoing.notify_one();
    }

    fn in_flight_limit(&self) -> usize {
        self.0.limits.in_flight.load(Ordering::Relaxed)
    }

    fn message_limit(&self) -> usize {
        self.0.limits.message.load(Ordering::Relaxed)
    }

    /// Queues a request: `line` is the whole message with `number` as its id, on one line.
    ///
    /// # Errors
    /// [`Refused`]; then nothing was sent, nor will be.
    pub fn call(&self, number: u64, line: Vec<u8>, caller: Caller, deadlines: Deadlines) -> Result<Call, Refused> {
        let now = Instant::now();
        let mailbox = Arc::new(Mailbox::new(now));
        let entry = Entry { mailbox: Arc::clone(&mailbox), caller, sent: false };
        self.table().enqueue(number, line, entry, self.in_flight_limit())?;
        self.0.outgoing.notify_one();
        Ok(Call::new(self.clone(), number, mailbox, now, deadlines))
    }

    /// Queues a notification, before all calls that wait.
    pub fn notify(&self, method: &str, params: Option<&[u8]>) {
        self.control(wire::notification(method, params));
    }

    /// Queues a notification of a client, if the child reads: it must not take the room of answers.
    pub(crate) fn pass(&self, method: &str, params: Option<&[u8]>) {
        let line = wire::notification(method, params);
        if self.table().enqueue_passed(line) {
            self.0.outgoing.notify_one();
        }
    }

    /// Gives a call up: one that was not sent never is, and of one that was the shard is told.
    pub(crate) fn cancel(&self, number: u64, reason: &str) {
        let was_sent = {
            let mut table = self.table();
            let is_clients = table.is_clients(number);
            let was_sent = table.remove(number);
            if was_sent && is_clients && self.0.ties.settled.is_some() {
                table.owe(number);
            }
            was_sent
        };
        if was_sent {
            let params = serde_json::json!({"requestId": number, "reason": reason}).to_string();
            self.notify("notifications/cancelled", Some(params.as_bytes()));
        }
    }

    /// Takes a call back that was not sent; one that was goes on.
    pub(crate) fn withdraw(&self, number: u64) {
        self.table().withdraw(number);
    }

    /// Whether it takes no more calls, because the child has ended or is being stopped.
    pub fn is_closed(&self) -> bool {
        self.table().is_refusing()
    }

    /// Whether the child has answered a client.
    pub(crate) fn has_served(&self) -> bool {
        self.table().has_served
    }

    /// How many calls are with the shard, and how many wait to be sent.
    pub fn in_flight(&self) -> (usize, usize) {
        self.table().in_flight()
    }

    /// Since when no client has a call here; `None` while one has.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.table().idle_since()
    }

    /// The time in which nobody calls counts from now on; before, the child was still to start.
    pub(crate) fn open(&self) {
        self.table().open();
    }

    /// Takes no more calls if there has been none for `patience`; true if so.
    pub(crate) fn refuse_if_idle(&self, patience: Duration) -> bool {
        let mut table = self.table();
        let is_idle = table.idle_since().is_some_and(|since| since.elapsed() >= patience);
        if is_idle {
            table.refuse();
        }
        is_idle
    }

    /// Whether the child neither owes the answer to a call that was given up, nor waits for one itself, nor is about to be
    /// exchanged. What is owed is only kept of a child that goes from client to client.
    pub(crate) fn is_settled(&self) -> bool {
        !self.0.renewal.is_cancelled() && !self.table().owes() && self.0.asking.is_empty()
    }

    /// Asks for a fresh child in the place of this one.
    pub(crate) fn renew(&self) {
        self.0.renewal.cancel();
    }

    /// Ready when a fresh child is asked for. Safe to cancel.
    pub(crate) async fn renewal(&self) {
        self.0.renewal.cancelled().await;
    }

    /// Takes no more calls; those under way still wait for their answers.
    pub(crate) fn refuse_calls(&self) {
        self.table().refuse();
        self.0.outgoing.notify_one();
    }

    /// From now on the child has no say in what the shard lists.
    pub(crate) fn hush(&self) {
        self.0.is_hushed.store(true, Ordering::Relaxed);
    }

    /// Ends every call that is left: the child is gone.
    pub(crate) fn fail_all(&self, ended: &Arc<Ended>) {
        let left = {
            let mut table = self.table();
            table.ended = Some(Arc::clone(ended));
            table.drain()
        };
        // With no call left the writer may end.
        self.0.outgoing.notify_one();
        for (entry, unsent) in left {
            let ended = Arc::clone(ended);
            entry.mailbox.finish(Err(match unsent {
                None => Failure::Ended(ended),
                Some(line) => Failure::NotSent { ended, line },
            }));
        }
    }

    fn answer_request(&self, id: &str, answer: Result<Bytes, Fault>) {
        let message = match answer {
            Ok(result) => wire::result_response(id, result),
            Err(fault) => fault.response(id),
        };
        self.control_message(&message);
    }

    fn control_message(&self, message: &Chunks) {
        let mut line = Vec::with_capacity(message.len());
        message.append_to(&mut line);
        wire::flatten(&mut line);
        self.control(line);
    }

    fn control(&self, line: Vec<u8>) {
        let queued = self.table().enqueue_control(line);
        match queued {
            Ok(()) => self.0.outgoing.notify_one(),
            Err(overrun) if overrun.is_first => {
                tracing::warn!("the shard does not read: messages to it are dropped");
            }
            Err(_) => {}
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().expect("no code that can panic runs under this lock")
    }
}
