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

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub(super) use self::digest::Digest;
pub(super) use self::handle::Handle;
use self::handle::Mark;
pub(super) use self::retry::{Continued, askable};
use super::client::{ClientKey, Principal};
use crate::fleet::View;
use crate::wire::{Fault, code};

/// How many handles that lead nowhere any more are remembered, so that a late client hears why.
const PAST: usize = 1024;
/// What part of all calls may be of one principal.
const SHARE: usize = 4;

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

/// The calls that wait, each with what its watcher will hand over.
#[derive(Debug)]
pub(super) struct Parked<C> {
    mark: Mark,
    limits: ParkLimits,
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
    claim: Claim<C>,
}

/// Why a handle leads nowhere any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    Used,
    Expired,
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
    hand: oneshot::Sender<C>,
}

impl<C> Parked<C> {
    pub(super) fn new(limits: ParkLimits) -> Self {
        let open = Open { calls: HashMap::new(), past: VecDeque::new() };
        Self { mark: Mark::fresh(), limits, open: Mutex::new(open) }
    }

    /// For how long a call waits.
    pub(super) fn time(&self) -> Duration {
        self.limits.time
    }

    /// A place for one more call; `None` if as many wait as may.
    pub(super) fn enter(&self, binding: &Arc<Binding>) -> Option<(Handle, Post<C>)> {
        let mut open = self.lock();
        let of_one = open.calls.values().filter(|entry| entry.binding.principal == binding.principal).count();
        if open.calls.len() >= self.limits.calls || of_one >= self.limits.calls.div_ceil(SHARE) {
            return None;
        }
        let handle = self.mark.handle();
        let wanted = CancellationToken::new();
        let (hand, handed) = oneshot::channel();
        let claim = Claim { wanted: wanted.clone(), handed };
        open.calls.insert(handle.clone(), Entry { binding: Arc::clone(binding), claim });
        Some((handle, Post { wanted, hand }))
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

    /// The time of a call is over; false if it has been claimed before, or given up.
    pub(super) fn expire(&self, handle: &Handle) -> bool {
        let mut open = self.lock();
        let was_there = open.calls.remove(handle).is_some();
        if was_there {
            open.remember(handle.clone(), Past::Expired);
        }
        was_there
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
    /// Ready when the call is claimed (true) or given up (false). Safe to cancel.
    pub(super) async fn claimed(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.wanted.cancelled() => true,
            () = self.hand.closed() => false,
        }
    }

    /// Hands the call over. If nobody takes it any more, it is dropped.
    pub(super) fn hand(self, call: C) {
        drop(self.hand.send(call));
    }
}

#[cfg(test)]
mod tests;
