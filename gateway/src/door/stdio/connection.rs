//! What one stdio client has said so far, and how each of its lines is served.
//!
//! Invariant: `initialize` is served once; before it only `ping` and modern requests are, and the era is told per message.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StdioSettings;
use super::output::{Output, notice};
use crate::door::batch::Batch;
use crate::door::call::{Answering, Call};
use crate::door::incoming;
use crate::door::refusal::Refused;
use crate::door::session::fresh_key;
use crate::mux::{Client, ClientKey, Dispatched, Mux, Relayed};
use crate::tasks::Tasks;
use crate::wire::{Capabilities, Era, Kind, Message, Notification, Params, Raw, Request, Revision, result_response};

/// The client at the other end.
pub(super) struct Connection {
    mux: Mux,
    key: ClientKey,
    phase: Mutex<Phase>,
    output: Output,
    requests: Arc<Semaphore>,
    settings: StdioSettings,
    tasks: Tasks,
}

#[derive(Debug, Clone)]
enum Phase {
    /// No `initialize` yet, or never.
    Fresh,
    /// `initialize` is being answered.
    Initializing,
    /// A legacy client that has not said `notifications/initialized`.
    Initialized(Client),
    /// A legacy client that hears of changes.
    Listening(Client),
}

impl Connection {
    pub(super) fn new(mux: Mux, settings: &StdioSettings, output: Output, tasks: Tasks) -> Self {
        let requests = Arc::new(Semaphore::new(settings.requests));
        let phase = Mutex::new(Phase::Fresh);
        Self { mux, key: fresh_key(), phase, output, requests, settings: settings.clone(), tasks }
    }

    /// Serves one line to its end. Up to its first wait it has told the mux what the line holds.
    pub(super) async fn serve(self: Arc<Self>, line: Bytes) {
        if let Err(refused) = self.try_serve(&line).await {
            self.output.send(refused.message()).await;
        }
    }

    /// Whether later lines depend on what is being served now.
    pub(super) fn is_initializing(&self) -> bool {
        matches!(*self.phase(), Phase::Initializing)
    }

    /// Ready when the client has read enough to be answered. Without it each bad line of a client that does not read would
    /// wait here with its refusal.
    pub(super) async fn has_room(&self) {
        self.output.has_room().await;
    }

    /// Answers a line that was too long to be kept.
    pub(super) async fn refuse_overlong(&self, id: Option<String>, length: usize) {
        let limit = self.settings.message;
        let refused =
            Refused::invalid(format!("a message of {length} bytes is over the limit of {limit} (`--max-body`)"));
        self.output.send(refused.of(id.as_deref().unwrap_or("null")).message()).await;
    }

    /// Cancels what is still under way.
    pub(super) fn end(&self) {
        self.mux.end(self.key);
    }

    async fn try_serve(&self, line: &[u8]) -> Result<(), Refused> {
        let raw = incoming::parse(line)?;
        if raw.kind() == Kind::Array {
            return self.batch(raw).await;
        }
        match incoming::message(raw)? {
            Message::Request(request) => {
                let params = incoming::params(&request)?;
                let served = match incoming::era(&params.meta, None) {
                    Era::Modern => self.modern(&request, &params).await,
                    Era::Legacy => self.legacy(&request, &params).await,
                };
                served.map_err(|refused| refused.of(request.id.as_str()))
            }
            Message::Notification(notification) => {
                self.notification(&notification);
                Ok(())
            }
            Message::Response(response) => {
                self.mux.respond(self.key, &response);
                Ok(())
            }
        }
    }

    async fn modern(&self, request: &Request<'_>, params: &Params<'_>) -> Result<(), Refused> {
        let place = self.place()?;
        let client = self.mux.modern_client(self.key, params)?;
        self.dispatch(&client, request, params, place).await;
        Ok(())
    }

    async fn legacy(&self, request: &Request<'_>, params: &Params<'_>) -> Result<(), Refused> {
        if request.method == "initialize" {
            return self.initialize(request).await;
        }
        let client = match &*self.phase() {
            Phase::Initialized(client) | Phase::Listening(client) => Some(client.clone()),
            Phase::Fresh | Phase::Initializing => None,
        };
        let Some(client) = client else {
            if request.method == "ping" {
                self.output.send(result_response(request.id.as_str(), Bytes::from_static(b"{}"))).await;
                return Ok(());
            }
            return Err(Refused::invalid("send `initialize` first, or speak 2026-07-28, which needs none"));
        };
        let place = self.place()?;
        let client = Client { level: self.mux.level(self.key), ..client };
        self.dispatch(&client, request, params, place).await;
        Ok(())
    }

    async fn dispatch(&self, client: &Client, request: &Request<'_>, params: &Params<'_>, place: OwnedSemaphorePermit) {
        match self.mux.dispatch(client, request, params).await {
            Dispatched::Answer(answer) => self.output.send(answer.body).await,
            // Nobody hangs up on stdio: a call that is dropped here belongs to a client that is gone, and is cancelled.
            Dispatched::Call(relay) => self.relay(Call::new(relay, Era::Modern)).await,
        }
        drop(place);
    }

    async fn relay<A: Answering>(&self, mut answering: A) {
        loop {
            match answering.next().await {
                Relayed::Notice(message) => self.output.send(notice(message)).await,
                Relayed::Done(answer) => return self.output.send(answer.body).await,
                Relayed::Cancelled => return,
            }
        }
    }

    /// A failure leaves the client free to try again.
    async fn initialize(&self, request: &Request<'_>) -> Result<(), Refused> {
        {
            let mut phase = self.phase();
            if !matches!(*phase, Phase::Fresh) {
                return Err(Refused::invalid("`initialize` was answered already"));
            }
            *phase = Phase::Initializing;
        }
        let id = request.id.as_str();
        let (next, answer) = match self.mux.initialize(self.key, request).await {
            Ok(initialized) => (Phase::Initialized(initialized.client), result_response(id, initialized.result)),
            Err(fault) => (Phase::Fresh, fault.response(id)),
        };
        *self.phase() = next;
        self.output.send(answer).await;
        Ok(())
    }

    fn notification(&self, notification: &Notification<'_>) {
        let client = match &mut *self.phase() {
            Phase::Fresh | Phase::Initializing => self.modern_client(),
            Phase::Listening(client) => client.clone(),
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

    /// A modern client cancels its requests without saying who it is.
    fn modern_client(&self) -> Client {
        Client {
            key: self.key,
            revision: Revision::MODERN,
            info: Arc::from("{}"),
            capabilities: Capabilities::default(),
            level: None,
        }
    }

    fn listen(&self) {
        let (mut changes, output) = (self.mux.changes(self.key), self.output.clone());
        self.tasks.spawn_until_stop(async move {
            loop {
                for message in changes.next().await {
                    output.send(notice(message)).await;
                }
            }
        });
    }

    async fn batch(&self, raw: Raw<'_>) -> Result<(), Refused> {
        let client = match &*self.phase() {
            Phase::Initialized(client) | Phase::Listening(client) => client.clone(),
            Phase::Fresh | Phase::Initializing => self.modern_client(),
        };
        let messages = incoming::batch(raw, client.revision)?;
        let place = self.place()?;
        let batch = Batch::dispatch(&self.mux, &client, messages).await;
        if !batch.is_empty() {
            self.relay(batch).await;
        }
        drop(place);
        Ok(())
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        Arc::clone(&self.requests).try_acquire_owned().map_err(|_| {
            let limit = self.settings.requests;
            Refused::busy(format!("{limit} requests are under way already (`--max-requests`)"))
        })
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().expect("nothing panics while it holds this lock")
    }
}
