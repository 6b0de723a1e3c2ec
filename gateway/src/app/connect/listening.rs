//! The GET stream of a session, and the session that is opened again.
//!
//! Invariant: as long as the client is there, its stream is, or the next try to open it: never two at once, and never more
//! often than the delays allow.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::asks::Origin;
use super::bridge::{ACCEPTING, Bridge};
use super::errand::Read;
use super::exchange::LAST_EVENT_ID;
use super::messages::Messages;
use super::session::Session;
use super::way::Lost;
use crate::mux;
use crate::wire::{Message, Outcome, Raw, notification};

const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// What is known of the stream so far.
#[derive(Debug)]
struct Mark {
    /// The session that was last brought to what the client has made of it.
    session: u64,
    /// A stream was open, so that the gateway may have started again since.
    was_open: bool,
    /// Of the last event in this session.
    last_id: Option<HeaderValue>,
    retry: Duration,
}

impl Bridge {
    /// Keeps the stream of the session that counts open. Never returns; safe to drop.
    pub(super) async fn listen(self: Arc<Self>) {
        let mut sessions = self.sessions.follow();
        let mut delay = FIRST_DELAY;
        let Some(first) = self.sessions.current() else { return };
        let mut mark = Mark { session: first.number, was_open: false, last_id: None, retry: FIRST_DELAY };
        loop {
            let Some(session) = sessions.borrow_and_update().clone() else { return };
            let begun = Instant::now();
            tokio::select! {
                heard = self.hear(&session, &mut mark) => if let Err(error) = heard {
                    debug!(%error, ?delay, "the GET stream is not open");
                },
                Ok(()) = sessions.changed() => {}
            }
            if begun.elapsed() > LONGEST_DELAY {
                delay = FIRST_DELAY;
            }
            sleep(delay.max(mark.retry)).await;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    /// Opens the stream and hands on what it says, to its end. A gateway that may have started again is told meanwhile what it
    /// has forgotten.
    async fn hear(&self, session: &Session, mark: &mut Mark) -> Result<(), Lost> {
        let is_new = mark.session != session.number;
        let last_id = mark.last_id.take().filter(|_| !is_new);
        let mut headers = session.headers.clone();
        headers.extend(last_id.clone().map(|id| (LAST_EVENT_ID, id)));
        let response = self.way.try_send(Method::GET, &headers, &Bytes::new()).await;
        mark.last_id = last_id;
        let response = response?;
        let mut messages = match response.status() {
            StatusCode::OK => Some(Messages::of(response, &self.turns)?),
            StatusCode::NOT_FOUND if session.has_id() => return self.renew(session).await.map(drop),
            // A server need not have such streams.
            StatusCode::METHOD_NOT_ALLOWED => None,
            status => return Err(Lost::Status(status)),
        };
        let forgotten = is_new || std::mem::replace(&mut mark.was_open, true);
        mark.session = session.number;
        let restoring = async {
            if forgotten {
                self.restore(session).await;
            }
            if is_new {
                self.all_changed().await;
            }
        };
        let hearing = async {
            let Some(messages) = &mut messages else { return std::future::pending().await };
            let heard = self.hand_on_all(messages, session).await;
            let last_id = messages.last_id().and_then(|id| HeaderValue::from_str(id).ok());
            mark.last_id = last_id.or(mark.last_id.take());
            mark.retry = messages.retry().unwrap_or(FIRST_DELAY);
            heard
        };
        let (heard, ()) = tokio::join!(hearing, restoring);
        heard
    }

    async fn hand_on_all(&self, messages: &mut Messages, session: &Session) -> Result<(), Lost> {
        while let Some(message) = messages.next().await? {
            let read = Read::of(&message)?;
            self.hand_on(message.clone(), &read, Origin::Session(session.number)).await;
        }
        Ok(())
    }

    /// Makes the session again what the client has made of it.
    async fn restore(&self, session: &Session) {
        for request in self.sessions.restoring() {
            let carrying = async {
                let response = self.way.try_send(Method::POST, &session.headers, &request).await?;
                self.result(response).await
            };
            match timeout(ACCEPTING, carrying).await {
                Ok(Ok(_)) => {}
                Ok(Err(error @ (Lost::Unsent(_) | Lost::Broken(_)))) => {
                    return debug!(%error, "the gateway is gone again");
                }
                Ok(Err(error)) => warn!(%error, "a subscription or the log level could not be set again"),
                Err(_elapsed) => warn!("a subscription or the log level could not be set again within {ACCEPTING:?}"),
            }
        }
    }

    /// What a new session may have missed.
    async fn all_changed(&self) {
        for told in mux::all_changed() {
            self.output.send(told.into()).await;
        }
    }

    /// Opens a session in place of `old`, which the gateway does not know: once, however many ask for it.
    pub(super) async fn renew(&self, old: &Session) -> Result<Session, Lost> {
        let _one = self.sessions.renewing.lock().await;
        if let Some(session) = self.sessions.current().filter(|session| session.number != old.number) {
            return Ok(session);
        }
        let response = self.way.send(Method::POST, &HeaderMap::new(), &self.sessions.hello()).await?;
        let head = response.headers().clone();
        let result = self.result(response).await?;
        let result = Raw::parse(&result).map_err(|error| Lost::Nonsense(error.to_string()))?;
        let session = self.sessions.next(&head, result);
        if self.sessions.is_ready() {
            let told = notification("notifications/initialized", None).into();
            self.way.try_send(Method::POST, &session.headers, &told).await?;
        }
        for told in self.asks.take_back(|origin| matches!(origin, Origin::Session(_))) {
            self.output.send(told.into()).await;
        }
        info!("the gateway does not know the session any more; it was opened again");
        // Only now: whoever follows the sessions may end this with the stream that found out.
        self.sessions.publish(session.clone());
        Ok(session)
    }

    /// The result in an answer to a request of our own.
    async fn result(&self, response: reqwest::Response) -> Result<Bytes, Lost> {
        let mut messages = Messages::of(response, &self.turns)?;
        while let Some(message) = messages.next().await? {
            if let Read::One(Message::Response(response)) = Read::of(&message)? {
                return match response.outcome {
                    Outcome::Result(result) => Ok(Bytes::copy_from_slice(result.as_str().as_bytes())),
                    Outcome::Error(error) => {
                        let why = error.get("message").and_then(Raw::string).unwrap_or_default();
                        Err(Lost::Refused(why.into_owned()))
                    }
                };
            }
        }
        Err(Lost::Broken("it ended without an answer".to_owned()))
    }
}
