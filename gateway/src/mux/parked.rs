//! Calls of modern clients that wait for the answers to what their legacy shards have asked (DESIGN D11).
//!
//! Invariants: a handle leads to its call once, and only the same request of the same principal; who drops an entry instead
//! of claiming it gives the call up. What is refused consumes nothing.

mod digest;
mod handle;
mod retry;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub(super) use self::digest::Digest;
pub(super) use self::handle::Handle;
use self::handle::Mark;
pub(super) use self::retry::{Continued, askable};
use super::client::{ClientKey, Principal};
use crate::fleet::View;
use crate::shard::budget::Budget;
use crate::wire::{Fault, code};

/// How many handles that lead nowhere any more are remembered, so that a late client hears why.
const PAST: usize = 1024;
/// How many bytes of arguments are kept for calls whose clients may be asked; of those beyond the digest is made at once.
const NOTED: usize = 64 * 1024 * 1024;
/// What part of all calls may be of one principal.
const SHARE: usize = 4;
/// After this part of its time a call gives way to one that waits for its child: a person has had time to answer, and most
/// clients that have not come back by then never do.
const PATIENT: u32 = 30;
/// How often who waits for a child looks for a call that could give way.
const LOOK: Duration = Duration::from_secs(1);

/// What bounds the calls that wait.
#[derive(Debug, Clone, Copy)]
pub struct ParkLimits {
    /// How many of all clients (`--max-parked`); a quarter of them of one.
    pub calls: usize,
    /// For how long each (`--parked-ttl`).
    pub time: Duration,
}

impl Default for ParkLimits {
    fn default() -> Self {
        Self { calls: 1024, time: Duration::from_mins(5) }
    }
}

/// What a request must be to go on with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) principal: Principal,
    pub(super) view: Arc<View>,
    pub(super) method: Box<str>,
    /// The exposed name, or the uri.
    pub(super) name: Box<str>,
    pub(super) arguments: Digest,
}

/// What a request was, in case its client is asked. To look at all arguments costs much, and few calls ask anything.
#[derive(Debug)]
pub(super) enum Bound {
    /// The name and the arguments, JSON text.
    Noted(Box<str>, Bytes),
    Known(Arc<Binding>),
}

/// The calls that wait, each with what its watcher will hand over.
#[derive(Debug)]
pub(super) struct Parked<C> {
    mark: Mark,
    limits: ParkLimits,
    /// For the arguments of calls that may have to wait.
    noted: Budget,
    open: Mutex<Open<C>>,
}

#[derive(Debug)]
struct Open<C> {
    calls: HashMap<Handle, Entry<C>>,
    /// The oldest first.
    past: VecDeque<(Handle, Past)>,
}

#[derive(Debug)]
struct Entry<C> {
    binding: Arc<Binding>,
    shard: Arc<str>,
    since: Instant,
    /// Whether its shard is still at work on it.
    is_open: bool,
    claim: Claim<C>,
    expired: CancellationToken,
}

/// Why a handle leads nowhere any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    Used,
    Expired,
    /// Another call needed its child.
    GaveWay,
}

/// What becomes of a call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// A request goes on with it.
    Claimed,
    /// It comes to its end without its client.
    Expired,
    /// Its connection is over.
    GivenUp,
}

/// The right to a call that waits.
#[derive(Debug)]
pub(super) struct Claim<C> {
    wanted: CancellationToken,
    handed: oneshot::Receiver<C>,
}

/// Where the watcher of a call hears what becomes of it.
#[derive(Debug)]
pub(super) struct Post<C> {
    wanted: CancellationToken,
    expired: CancellationToken,
    hand: oneshot::Sender<C>,
}

impl<C> Parked<C> {
    pub(super) fn new(limits: ParkLimits) -> Self {
        let open = Open { calls: HashMap::new(), past: VecDeque::new() };
        Self { mark: Mark::fresh(), limits, noted: Budget::new(NOTED), open: Mutex::new(open) }
    }

    /// For how long a call waits.
    pub(super) fn time(&self) -> Duration {
        self.limits.time
    }

    /// Keeps the arguments of a call that may have to wait, if there is room.
    pub(super) fn note(&self, arguments: &[u8]) -> Option<Bytes> {
        self.noted.book(Bytes::copy_from_slice(arguments))
    }

    /// How many calls wait that a shard has.
    pub(super) fn count_of(&self, shard: &str) -> usize {
        self.lock().calls.values().filter(|entry| *entry.shard == *shard).count()
    }

    /// A place for one more call to a shard; `None` if as many wait as may.
    pub(super) fn enter(&self, binding: &Arc<Binding>, shard: &Arc<str>) -> Option<(Handle, Post<C>)> {
        let mut open = self.lock();
        let of_one = open.calls.values().filter(|entry| entry.binding.principal == binding.principal).count();
        if open.calls.len() >= self.limits.calls || of_one >= self.limits.calls.div_ceil(SHARE) {
            return None;
        }
        let handle = self.mark.handle();
        let (wanted, expired) = (CancellationToken::new(), CancellationToken::new());
        let (hand, handed) = oneshot::channel();
        let post = Post { wanted: wanted.clone(), expired: expired.clone(), hand };
        let (binding, shard, since) = (Arc::clone(binding), Arc::clone(shard), Instant::now());
        let claim = Claim { wanted, handed };
        open.calls.insert(handle.clone(), Entry { binding, shard, since, is_open: true, claim, expired });
        Some((handle, post))
    }

    /// The handle that a `requestState` is, if it can be one of this process.
    pub(super) fn handle(&self, state: &str) -> Option<Handle> {
        self.mark.read(state)
    }

    /// The call that a handle leads to, for the request that `retry` describes.
    ///
    /// # Errors
    /// It leads to no call of this principal, or to another one than `retry` is.
    pub(super) fn claim(&self, handle: Handle, retry: &Binding) -> Result<Claim<C>, Fault> {
        let mut open = self.lock();
        let Some(entry) = open.calls.get(&handle) else {
            let past = open.past.iter().find(|(other, _)| *other == handle).map(|(_, past)| *past);
            return Err(self.gone(past));
        };
        let binding = &entry.binding;
        if binding.principal != retry.principal {
            return Err(self.gone(None));
        }
        if **binding != *retry {
            return Err(other(binding, retry));
        }
        let entry = open.calls.remove(&handle).expect("it has just been seen");
        open.remember(handle, Past::Used);
        Ok(entry.claim)
    }

    /// The time of a call is over. Nothing happens if it has been claimed before, or given up.
    pub(super) fn expire(&self, handle: &Handle) {
        self.lock().expire(handle, Past::Expired);
    }

    /// A call has its answer, which waits for its client; it needs no child any more.
    pub(super) fn settled(&self, handle: &Handle) {
        if let Some(entry) = self.lock().calls.get_mut(handle) {
            entry.is_open = false;
        }
    }

    /// Lets the call that has a child of `shard` and has waited longest give way, as soon as it has waited long enough. Safe to cancel.
    pub(super) async fn make_way(&self, shard: &str) {
        loop {
            let due = {
                let mut open = self.lock();
                let of_shard = open.calls.iter().filter(|(_, entry)| entry.is_open && *entry.shard == *shard);
                let oldest = of_shard.min_by_key(|(_, entry)| entry.since);
                let oldest = oldest.map(|(handle, entry)| (handle.clone(), entry.since + self.patience()));
                match oldest {
                    Some((handle, due)) if due <= Instant::now() => return open.expire(&handle, Past::GaveWay),
                    Some((_, due)) => due,
                    None => Instant::now() + LOOK,
                }
            };
            sleep_until(due).await;
        }
    }

    /// In whole milliseconds, since people read it.
    fn patience(&self) -> Duration {
        let patience = self.limits.time / PATIENT;
        Duration::new(patience.as_secs(), patience.subsec_millis() * 1_000_000)
    }

    /// The connection is over, and its calls with it.
    pub(super) fn end(&self, client: ClientKey) {
        let over = Principal::Connection(client);
        let left: Vec<_> = self.lock().calls.extract_if(|_, entry| entry.binding.principal == over).collect();
        drop(left);
    }

    fn gone(&self, past: Option<Past>) -> Fault {
        let time = humantime::format_duration(self.limits.time);
        let why = match past {
            Some(Past::Used) => "this `requestState` has been used; each is good for one request, go on with the one \
                                 that the answer to it holds"
                .to_owned(),
            Some(Past::GaveWay) => format!(
                "nobody came back with the answers within {}, and another call waited for the shard's process, so the \
                 shard was told that nobody can be asked; {ANEW}",
                humantime::format_duration(self.patience())
            ),
            Some(Past::Expired) => format!(
                "nobody came back with the answers within {time} (`--parked-ttl`), so the shard was told that nobody can \
                 be asked; {ANEW}"
            ),
            None => format!("no call of this client waits under this `requestState`; {ANEW}"),
        };
        Fault::new(code::INVALID_PARAMS, why)
    }

    fn lock(&self) -> MutexGuard<'_, Open<C>> {
        self.open.lock().expect("no code that can panic runs under this lock")
    }
}

/// The way out where there is no way on.
const ANEW: &str = "make the request again without `requestState` and `inputResponses`";

fn other(binding: &Binding, retry: &Binding) -> Fault {
    let what = if binding.method != retry.method {
        format!("its method is `{}`", binding.method)
    } else if binding.name != retry.name {
        "it names another one".to_owned()
    } else if binding.view != retry.view {
        "it was made at another address".to_owned()
    } else {
        "it has other arguments".to_owned()
    };
    let message = format!(
        "this `requestState` belongs to another request: {what}; repeat that one as it was, with `inputResponses`"
    );
    Fault::new(code::INVALID_PARAMS, message)
}

impl<C> Open<C> {
    fn expire(&mut self, handle: &Handle, past: Past) {
        if let Some(entry) = self.calls.remove(handle) {
            entry.expired.cancel();
            self.remember(handle.clone(), past);
        }
    }

    fn remember(&mut self, handle: Handle, past: Past) {
        if self.past.len() >= PAST {
            self.past.pop_front();
        }
        self.past.push_back((handle, past));
    }
}

impl<C> Claim<C> {
    /// Takes the call over; `None` if the gateway is stopping. Dropped meanwhile, the call is given up.
    pub(super) async fn take(self) -> Option<C> {
        self.wanted.cancel();
        self.handed.await.ok()
    }
}

impl<C> Post<C> {
    /// Ready when it is decided what becomes of the call. Safe to cancel.
    pub(super) async fn fate(&mut self) -> Fate {
        tokio::select! {
            biased;
            () = self.wanted.cancelled() => Fate::Claimed,
            () = self.expired.cancelled() => Fate::Expired,
            () = self.hand.closed() => Fate::GivenUp,
        }
    }

    /// Hands the call over. If nobody takes it any more, it is dropped.
    pub(super) fn hand(self, call: C) {
        drop(self.hand.send(call));
    }
}

#[cfg(test)]
mod tests;
