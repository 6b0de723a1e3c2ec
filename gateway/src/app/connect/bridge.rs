//! One client on stdio, carried to a gateway by Streamable HTTP.
//!
//! Invariant: what a request's stream says reaches the client in order, its answer last; each request ends in one answer, or
//! in none if the client has cancelled it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::asks::{Asks, Origin};
use super::errand::Errand;
use super::messages::Turns;
use super::session::{Session, Sessions};
use super::tools::Tools;
use super::way::{Lost, Way};
use crate::door::budget::Budget;
use crate::door::connection::Output;
use crate::door::incoming;
use crate::door::refusal::Refused;
use crate::door::stdio::Hears;
use crate::tasks::Tasks;
use crate::wire::{Era, Id, Kind, Message, Notification, Raw, Request, Revision, read_object, result_response};

/// How long the gateway may take to accept a notification or an answer.
pub(super) const ACCEPTING: Duration = Duration::from_secs(10);
/// How long `initialize` may take, the wait for a gateway included. Until then nothing is read, not even the end of stdin.
const GREETING: Duration = Duration::from_secs(20);
/// A cancellation can overtake its request on the way, so it is repeated until the request ends: after these times.
const INSISTING: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(5)];

/// The client, the gateway, and all that is under way between them.
pub(super) struct Bridge {
    pub(super) way: Way,
    pub(super) output: Output,
    pub(super) sessions: Sessions,
    pub(super) asks: Asks,
    pub(super) turns: Turns,
    pub(super) tools: Tools,
    requests: Budget,
    running: Mutex<HashMap<String, (u64, oneshot::Sender<Bytes>)>>,
    latest: AtomicU64,
    hung_up: CancellationToken,
    tasks: Tasks,
}

impl Bridge {
    /// Requests take places in `requests` and run as `tasks`, and so does the GET stream.
    pub(super) fn new(way: Way, output: Output, requests: Budget, tasks: Tasks) -> Arc<Self> {
        let (sessions, asks, turns, tools) = (Sessions::default(), Asks::default(), Turns::default(), Tools::default());
        let (running, latest, hung_up) = (Mutex::default(), AtomicU64::new(0), CancellationToken::new());
        Arc::new(Self { way, output, sessions, asks, turns, tools, requests, running, latest, hung_up, tasks })
    }

    /// Leaves what is under way alone.
    pub(super) fn hang_up(&self) {
        self.hung_up.cancel();
    }

    /// Tells the gateway that the session is over. Safe to drop.
    pub(super) async fn end(&self) {
        let Some(session) = self.sessions.current().filter(Session::has_id) else { return };
        match self.way.try_send(Method::DELETE, &session.headers, &Bytes::new()).await {
            Ok(response) => debug!(status = %response.status(), "the session is over"),
            Err(error) => debug!(%error, "the session ends without the gateway"),
        }
    }

    async fn try_take(self: &Arc<Self>, line: Bytes) -> Result<(), Refused> {
        let raw = incoming::parse(&line)?;
        if raw.kind() == Kind::Array {
            return self.array(raw, line.clone()).await;
        }
        match incoming::message(raw)? {
            Message::Request(request) => {
                let told = self.request(&request, line.clone()).await;
                told.map_err(|refused| refused.of(request.id.as_str()))
            }
            Message::Notification(notification) => {
                self.notification(&notification, line.clone()).await;
                Ok(())
            }
            Message::Response(response) => {
                if response.id.is_some_and(|id| self.asks.closed(id)) {
                    self.tell(line.clone()).await;
                } else {
                    debug!("an answer to a question that is no longer open");
                }
                Ok(())
            }
        }
    }

    async fn request(self: &Arc<Self>, request: &Request<'_>, line: Bytes) -> Result<(), Refused> {
        let params = incoming::params(request)?;
        let era = incoming::era(&params.meta, None);
        let mut errand = Errand::of(line.clone(), request, &params, era);
        if errand.is_modern_call() {
            errand.headers.extend(self.tools.headers(&params));
        }
        if era == Era::Legacy && request.method == "initialize" {
            return self.initialize(errand).await;
        }
        if era == Era::Legacy && self.sessions.current().is_none() {
            if request.method != "ping" {
                return Err(Refused::invalid("send `initialize` first, or speak 2026-07-28, which needs none"));
            }
            self.output.send(result_response(request.id.as_str(), Bytes::from_static(b"{}"))).await;
            return Ok(());
        }
        if errand.listens() && self.running().contains_key(&request.id.key()) {
            let id = request.id.as_str();
            return Err(Refused::invalid(format!("request id {id} is in use by a request under way")));
        }
        let place = self.requests.take(1)?;
        self.start(errand, place);
        Ok(())
    }

    /// Nothing else is read before it is answered. A failure leaves the client free to try again.
    async fn initialize(&self, errand: Errand) -> Result<(), Refused> {
        if self.sessions.current().is_some() {
            return Err(Refused::invalid("`initialize` was answered already"));
        }
        self.sessions.remember_hello(errand.body.clone());
        let mut exchange = std::pin::pin!(self.exchange(&errand, Origin::Session(0)));
        let exchanged = match timeout(GREETING, &mut exchange).await {
            Ok(exchanged) => exchanged,
            // It has answered, and it is the client that does not read.
            Err(_elapsed) if self.sessions.current().is_some() => exchange.await,
            Err(_elapsed) => Err(Lost::Silent(GREETING)),
        };
        if let Err(lost) = exchanged {
            self.output.send(errand.failed(&lost)).await;
        }
        Ok(())
    }

    async fn array(self: &Arc<Self>, raw: Raw<'_>, line: Bytes) -> Result<(), Refused> {
        // Which revision was agreed on is the gateway's to judge; here only the bounds count.
        let messages = incoming::batch(raw, Revision::V2025_03_26)?;
        if self.sessions.current().is_none() {
            return Err(Refused::invalid("send `initialize` first"));
        }
        let messages: Vec<Message<'_>> = messages.into_iter().flatten().collect();
        match Errand::of_array(line.clone(), &messages) {
            Some(errand) => self.start(errand, self.requests.take(1)?),
            None => self.tell(line).await,
        }
        Ok(())
    }

    async fn notification(self: &Arc<Self>, notification: &Notification<'_>, line: Bytes) {
        let mut line = line;
        if notification.method == "notifications/cancelled" {
            let id = notification.params.and_then(|params| read_object(params, &["requestId"]).ok());
            let id = id.and_then(|[id]| Id::read(id?));
            match id.and_then(|id| self.running().remove(&id.key())) {
                Some((_, cancel)) => match cancel.send(line) {
                    Ok(()) => return,
                    Err(unsent) => line = unsent,
                },
                None => return debug!("a cancellation of nothing"),
            }
        }
        let is_ready = notification.method == "notifications/initialized";
        if self.sessions.current().is_some() {
            self.tell(line).await;
            if is_ready && self.sessions.ready() {
                self.tasks.spawn_until_stop(Arc::clone(self).listen());
            }
        }
    }

    /// Sends what wants no answer, in the order in which the client wrote it.
    pub(super) async fn tell(&self, line: Bytes) {
        let telling = async {
            let Some(session) = self.sessions.current() else { return Ok(()) };
            let response = self.way.try_send(Method::POST, &session.headers, &line).await?;
            if response.status() == StatusCode::NOT_FOUND && session.has_id() {
                let session = self.renew(&session).await?;
                self.way.try_send(Method::POST, &session.headers, &line).await?;
            }
            Ok::<_, Lost>(())
        };
        match timeout(ACCEPTING, telling).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "the gateway was not told"),
            Err(_elapsed) => debug!("the gateway takes no notification"),
        }
    }

    fn start(self: &Arc<Self>, errand: Errand, place: OwnedSemaphorePermit) {
        let number = self.latest.fetch_add(1, Ordering::Relaxed);
        let (cancel, cancelled) = oneshot::channel();
        if let Some(key) = errand.key() {
            self.running().insert(key.to_owned(), (number, cancel));
        }
        let bridge = Arc::clone(self);
        self.tasks.spawn(async move {
            bridge.run(&errand, number, cancelled).await;
            if let Some(key) = errand.key() {
                let mut running = bridge.running();
                if running.get(key).is_some_and(|(latest, _)| *latest == number) {
                    running.remove(key);
                }
            }
            drop(place);
        });
    }

    /// Carries a request to its end, or until the client is gone.
    async fn run(&self, errand: &Errand, number: u64, cancelled: oneshot::Receiver<Bytes>) {
        let mut carried = std::pin::pin!(self.carry(errand, Origin::Request(number)));
        let cancel = tokio::select! {
            () = &mut carried => return,
            () = self.output.closed() => return,
            () = self.hung_up.cancelled() => return,
            () = self.tasks.stop().cancelled(), if errand.listens() => return self.output.send(errand.ended()).await,
            Ok(cancel) = cancelled => cancel,
        };
        errand.cancel();
        // Over HTTP a modern client cancels by hanging up (2026-07-28, basic/transports/streamable-http).
        if errand.era == Era::Legacy {
            tokio::select! {
                () = &mut carried => {}
                () = self.hung_up.cancelled() => {}
                () = self.insist(&cancel) => debug!("a cancelled request does not end; it is left alone"),
            }
        }
    }

    async fn insist(&self, cancel: &Bytes) {
        for delay in INSISTING {
            sleep(delay).await;
            self.tell(cancel.clone()).await;
        }
        sleep(ACCEPTING).await;
    }

    async fn carry(&self, errand: &Errand, origin: Origin) {
        let Err(lost) = self.exchange(errand, origin).await else { return };
        for told in self.asks.take_back(|asked| asked == origin) {
            self.output.send(told.into()).await;
        }
        if !errand.is_cancelled() {
            info!(method = errand.method, error = %lost, "a request without an answer");
            self.output.send(errand.failed(&lost)).await;
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, (u64, oneshot::Sender<Bytes>)>> {
        self.running.lock().expect("nothing panics while it holds this lock")
    }
}

impl Hears for Arc<Bridge> {
    async fn has_room(&self) {
        self.output.has_room().await;
    }

    async fn take(&self, line: Bytes) {
        if let Err(refused) = self.try_take(line).await {
            self.refuse(&refused).await;
        }
    }

    async fn refuse(&self, refused: &Refused) {
        self.output.send(refused.message()).await;
    }
}
