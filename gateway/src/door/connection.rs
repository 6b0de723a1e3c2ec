//! One client that is connected for as long as it is there, over stdio or HTTP+SSE: what it has said so far, and how each
//! of its messages is served.
//!
//! Invariant: `initialize` is served once; before it only `ping` and modern requests are, unless the client is known from an
//! earlier connection, and the era is told per message.
//! What is not served to its end when the client is gone is cancelled, and only then is its session over for the mux.

mod output;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::door::batch::Batch;
use crate::door::budget::Budget;
use crate::door::call::{Answering, Call};
use crate::door::incoming;
use crate::door::refusal::Refused;
use crate::door::session::fresh_key;
use crate::mux::{Client, ClientKey, Dispatched, Listening, Mux, Principal, Relayed};
use crate::tasks::Tasks;
use crate::wire::{
    Capabilities, Chunks, Era, Kind, Message, Notification, Params, Raw, Request, Revision, result_response,
};
pub(crate) use output::{Output, QUEUE, open as output};

/// The client at the other end.
pub(crate) struct Connection {
    mux: Mux,
    key: ClientKey,
    phase: Mutex<Phase>,
    output: Output,
    requests: Budget,
    tasks: Tasks,
    /// Whether it hears of changes.
    listens: AtomicBool,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
enum Phase {
    /// No `initialize` yet, or never.
    Fresh,
    /// A legacy client that was initialised elsewhere, or before its stream broke off. It may begin anew.
    Known(Client),
    /// `initialize` is being answered.
    Initializing,
    /// A legacy client that has not said `notifications/initialized`.
    Initialized(Client),
    /// A legacy client that hears of changes.
    Listening(Client),
}

/// What becomes of a message once its bytes are no longer needed.
enum Next {
    Nothing,
    Now(Chunks),
    Call(Call),
    Listen(Box<Listening>),
    Batch(Batch),
}

/// The same with the place that a request takes among those under way.
type Placed = (Next, Option<OwnedSemaphorePermit>);

/// Goes as far as the first wait, here and now.
pub(crate) async fn begin<F: Future + Unpin>(served: &mut F) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *served).poll(context))).await
}

impl Connection {
    /// A client that has said nothing yet. Its requests take places in `requests`; what it hears outside of its calls is
    /// carried to `output` by a task of `tasks`.
    pub(crate) fn new(mux: Mux, requests: Budget, output: Output, tasks: Tasks) -> Self {
        let (phase, listens) = (Mutex::new(Phase::Fresh), AtomicBool::new(false));
        Self { mux, key: fresh_key(), phase, output, requests, tasks, listens, turn: tokio::sync::Mutex::default() }
    }

    /// The client has been initialised before, with this legacy revision. What it can be asked is not known any more.
    pub(crate) fn remember(&self, revision: Revision) {
        *self.phase() = Phase::Known(self.unknown_client(revision));
        self.listen();
    }

    /// Serves one message to its end, or until the client is gone. Up to its first wait it has told the mux what the
    /// message holds; `message` is let go when it is on its way.
    ///
    /// # Errors
    /// What has no id to be answered under is refused before the first wait.
    pub(crate) async fn serve(self: Arc<Self>, message: impl AsRef<[u8]> + Send) -> Result<(), Refused> {
        tokio::select! {
            biased;
            served = self.try_serve(message) => served,
            () = self.output.closed() => Ok(()),
        }
    }

    /// Says what is wrong with a message.
    pub(crate) async fn refuse(&self, refused: &Refused) {
        self.output.send(refused.message()).await;
    }

    /// Whether later messages depend on what is being served now.
    pub(crate) fn is_initializing(&self) -> bool {
        matches!(*self.phase(), Phase::Initializing)
    }

    /// Ready when the client has read enough to be answered. Without it each bad message of a client that does not read
    /// would wait here with its refusal.
    pub(crate) async fn has_room(&self) {
        self.output.has_room().await;
    }

    /// [`Self::has_room`] for one at a time, as long as the guard is kept: else all that wait would pass when one place is free.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = self.turn.lock().await;
        self.has_room().await;
        turn
    }

    /// Ready when the client is gone. Safe to cancel.
    pub(crate) async fn over(&self) {
        self.output.closed().await;
    }

    /// Whether the client is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.output.is_closed()
    }

    /// Cancels what is still under way.
    pub(crate) fn end(&self) {
        self.mux.end(self.key);
    }

    async fn try_serve(&self, message: impl AsRef<[u8]> + Send) -> Result<(), Refused> {
        let (next, place) = match self.dispatch(message.as_ref()).await {
            Ok(placed) => placed,
            Err(refused) if refused.names_a_request() => (Next::Now(refused.message()), None),
            Err(refused) => return Err(refused),
        };
        // A call can take hours; its request's bytes end here.
        drop(message);
        match next {
            Next::Nothing => {}
            Next::Now(answer) => self.output.send(answer).await,
            Next::Call(call) => self.relay(call).await,
            Next::Listen(listening) => self.tell(listening).await,
            Next::Batch(batch) => self.relay(batch).await,
        }
        drop(place);
        Ok(())
    }

    async fn dispatch(&self, message: &[u8]) -> Result<Placed, Refused> {
        let raw = incoming::parse(message)?;
        if raw.kind() == Kind::Array {
            return self.batch(raw).await;
        }
        match incoming::message(raw)? {
            Message::Request(request) => {
                let params = incoming::params(&request)?;
                let next = match incoming::era(&params.meta, None) {
                    Era::Modern => self.modern(&request, &params).await,
                    Era::Legacy => self.legacy(&request, &params).await,
                };
                next.map_err(|refused| refused.of(request.id.as_str()))
            }
            Message::Notification(notification) => {
                self.notification(&notification);
                Ok((Next::Nothing, None))
            }
            Message::Response(response) => {
                self.mux.respond(self.key, &response);
                Ok((Next::Nothing, None))
            }
        }
    }

    async fn modern(&self, request: &Request<'_>, params: &Params<'_>) -> Result<Placed, Refused> {
        let place = self.requests.take(1)?;
        let client = self.mux.modern_client(self.key, Principal::Connection(self.key), params)?;
        let next = self.request(&client, request, params).await;
        // What is open for as long as the client likes has a bound of its own.
        let place = Some(place).filter(|_| !matches!(next, Next::Listen(_)));
        Ok((next, place))
    }

    async fn legacy(&self, request: &Request<'_>, params: &Params<'_>) -> Result<Placed, Refused> {
        if request.method == "initialize" {
            return self.initialize(request).await;
        }
        let client = match &*self.phase() {
            Phase::Known(client) | Phase::Initialized(client) | Phase::Listening(client) => Some(client.clone()),
            Phase::Fresh | Phase::Initializing => None,
        };
        let Some(client) = client else {
            if request.method == "ping" {
                return Ok((Next::Now(result_response(request.id.as_str(), Bytes::from_static(b"{}"))), None));
            }
            return Err(Refused::invalid("send `initialize` first, or speak 2026-07-28, which needs none"));
        };
        let place = self.requests.take(1)?;
        let client = Client { level: self.mux.level(self.key), ..client };
        Ok((self.request(&client, request, params).await, Some(place)))
    }

    async fn request(&self, client: &Client, request: &Request<'_>, params: &Params<'_>) -> Next {
        match self.mux.dispatch(client, request, params).await {
            Dispatched::Answer(answer) => Next::Now(answer.body),
            Dispatched::Listen(listening) => Next::Listen(listening),
            // A client that goes takes its calls along: one that is dropped here is cancelled.
            Dispatched::Call(relay) => Next::Call(Call::new(relay, Era::Modern)),
        }
    }

    async fn relay<A: Answering>(&self, mut answering: A) {
        loop {
            match answering.next().await {
                Relayed::Notice(message) => self.output.send_notice(message).await,
                Relayed::Done(answer) => return self.output.send(answer.body).await,
                Relayed::Cancelled => return,
            }
        }
    }

    /// Tells what a modern client listens to, until it has cancelled that or the connection comes to its end.
    async fn tell(&self, mut listening: Box<Listening>) {
        loop {
            let relayed = tokio::select! {
                biased;
                () = self.tasks.stop().cancelled() => Relayed::Done(listening.end()),
                relayed = listening.next() => relayed,
            };
            match relayed {
                Relayed::Notice(message) => self.output.send_notice(message).await,
                Relayed::Done(answer) => return self.output.send(answer.body).await,
                Relayed::Cancelled => return,
            }
        }
    }

    /// A failure leaves the client free to try again.
    async fn initialize(&self, request: &Request<'_>) -> Result<Placed, Refused> {
        let before = {
            let mut phase = self.phase();
            if !matches!(*phase, Phase::Fresh | Phase::Known(_)) {
                return Err(Refused::invalid("`initialize` was answered already"));
            }
            std::mem::replace(&mut *phase, Phase::Initializing)
        };
        let id = request.id.as_str();
        let (next, answer) = match self.mux.initialize(self.key, request).await {
            Ok(initialized) => (Phase::Initialized(initialized.client), result_response(id, initialized.result)),
            Err(fault) => (before, fault.response(id)),
        };
        *self.phase() = next;
        Ok((Next::Now(answer), None))
    }

    fn notification(&self, notification: &Notification<'_>) {
        let client = match &mut *self.phase() {
            Phase::Fresh | Phase::Initializing => self.unknown_client(Revision::MODERN),
            Phase::Known(client) | Phase::Listening(client) => client.clone(),
            phase @ Phase::Initialized(_) => {
                let Phase::Initialized(client) = phase.clone() else { return };
                if notification.method == "notifications/initialized" {
                    *phase = Phase::Listening(client.clone());
                    self.listen();
                }
                client
            }
        };
        self.mux.notify(&client, notification);
    }

    /// A client of which only the revision is known: a modern one cancels its requests without saying who it is.
    fn unknown_client(&self, revision: Revision) -> Client {
        let (key, principal) = (self.key, Principal::Connection(self.key));
        Client { key, principal, revision, info: Arc::from("{}"), capabilities: Capabilities::default(), level: None }
    }

    fn listen(&self) {
        if self.listens.swap(true, Ordering::Relaxed) {
            return;
        }
        let (mut changes, output) = (self.mux.changes(self.key), self.output.clone());
        self.tasks.spawn_until_stop(async move {
            loop {
                let messages = tokio::select! {
                    () = output.closed() => return,
                    messages = changes.next() => messages,
                };
                for message in messages {
                    output.send_notice(message).await;
                }
            }
        });
    }

    async fn batch(&self, raw: Raw<'_>) -> Result<Placed, Refused> {
        let client = match &*self.phase() {
            Phase::Known(client) | Phase::Initialized(client) | Phase::Listening(client) => client.clone(),
            Phase::Fresh | Phase::Initializing => self.unknown_client(Revision::MODERN),
        };
        let messages = incoming::batch(raw, client.revision)?;
        let place = self.requests.take(1)?;
        let batch = Batch::dispatch(&self.mux, &client, messages).await;
        Ok((if batch.is_empty() { Next::Nothing } else { Next::Batch(batch) }, Some(place)))
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().expect("nothing panics while it holds this lock")
    }
}

/// Only now has every request of the client come to its end, so that none leaves anything behind after it.
impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}
