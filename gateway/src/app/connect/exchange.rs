//! What the gateway says to a request of the client, to its answer.
//!
//! Invariant (DESIGN D8): a request is sent once. What is sent again is one that was refused for its session, and what is asked
//! for again is the rest of a stream.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::asks::Origin;
use super::bridge::Bridge;
use super::errand::{Errand, Read};
use super::messages::Messages;
use super::session::Session;
use super::way::Lost;
use crate::wire::{Chunks, Era, Id, Message, Outcome, Raw, result_response};

pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a stream may go on behind its answer.
const BEHIND: Duration = Duration::from_millis(100);
/// How long the rest of a stream is left alone at least before it is asked for.
const RESUMING: Duration = Duration::from_millis(100);
/// So often in a row the rest may be nothing.
const FRUITLESS: u32 = 20;

impl Bridge {
    /// Sends a request and hands on what comes back. A session that the gateway does not know is opened again first: what it
    /// refused has not run.
    pub(super) async fn exchange(&self, errand: &Errand, origin: Origin) -> Result<(), Lost> {
        let mut session = if errand.era == Era::Legacy { self.sessions.current() } else { None };
        let headers = session.as_ref().map_or(&errand.headers, |session| &session.headers);
        let mut response = self.way.send(Method::POST, headers, &errand.body).await?;
        if response.status() == StatusCode::NOT_FOUND
            && let Some(old) = session.as_ref().filter(|session| session.has_id())
        {
            let renewed = self.renew(old).await?;
            response = self.way.send(Method::POST, &renewed.headers, &errand.body).await?;
            session = Some(renewed);
        }
        let head = response.headers().clone();
        let mut may_mend = errand.is_modern_call() && response.status() == StatusCode::BAD_REQUEST;
        let mut messages = Messages::of(response, &self.turns)?;
        let mut fruitless = 0;
        loop {
            let lost = match messages.next().await {
                Ok(Some(message)) => {
                    fruitless = 0;
                    if std::mem::take(&mut may_mend)
                        && let Some(headers) = self.mended(errand, &message).await
                    {
                        let response = self.way.send(Method::POST, &headers, &errand.body).await?;
                        messages = Messages::of(response, &self.turns)?;
                        continue;
                    }
                    if self.takes(errand, &head, message, origin).await? {
                        // A stream that is read to its end leaves its connection to the next request.
                        let _ = timeout(BEHIND, messages.next()).await;
                        return Ok(());
                    }
                    continue;
                }
                // Nobody waits for the answer of a call that was cancelled, and a gateway that knows it gives none.
                Ok(None) if errand.is_cancelled() => return Ok(()),
                Ok(None) => Lost::Broken("it ended without an answer".to_owned()),
                Err(lost @ Lost::Broken(_)) => lost,
                Err(lost) => return Err(lost),
            };
            let Some(session) = &session else { return Err(lost) };
            messages = self.rest(session, &messages, lost, &mut fruitless).await?;
        }
    }

    /// What follows the last event of `messages` (2025-11-25, basic/transports, "Resumability and Redelivery"), asked for until
    /// the gateway gives it or refuses.
    ///
    /// # Errors
    /// `lost`, if there is nothing to ask for, or it was asked for in vain too often.
    async fn rest(
        &self,
        session: &Session,
        messages: &Messages,
        lost: Lost,
        fruitless: &mut u32,
    ) -> Result<Messages, Lost> {
        let Some(last_id) = messages.last_id().and_then(|id| HeaderValue::from_str(id).ok()) else { return Err(lost) };
        let mut headers = session.headers.clone();
        headers.insert(LAST_EVENT_ID, last_id);
        while *fruitless < FRUITLESS {
            *fruitless += 1;
            debug!(error = %lost, "asking for the rest of a stream");
            sleep(messages.retry().unwrap_or_default().max(RESUMING)).await;
            match self.way.send(Method::GET, &headers, &Bytes::new()).await {
                Ok(response) if response.status() == StatusCode::OK => {
                    return Ok(Messages::of(response, &self.turns)?.after(messages));
                }
                Err(Lost::Broken(why)) => debug!(why, "the connection broke off again"),
                Ok(_) | Err(Lost::Unsent(_)) => return Err(lost),
                Err(other) => return Err(other),
            }
        }
        Err(lost)
    }

    /// Hands a message on; true if it was the answer.
    async fn takes(&self, errand: &Errand, head: &HeaderMap, message: Bytes, origin: Origin) -> Result<bool, Lost> {
        let read = Read::of(&message)?;
        let Some(answer) = errand.answer(&message, &read) else {
            self.hand_on(message.clone(), &read, origin).await;
            return Ok(false);
        };
        let answer = self.learn(errand, head, &read).unwrap_or(answer);
        drop(read);
        drop(message);
        if !errand.is_cancelled() {
            self.output.send(answer).await;
        }
        Ok(true)
    }

    /// Remembers what the gateway has accepted. Gives what the client is to get instead, if that differs.
    fn learn(&self, errand: &Errand, head: &HeaderMap, answer: &Read<'_>) -> Option<Chunks> {
        let Read::One(Message::Response(response)) = answer else { return None };
        let Outcome::Result(result) = response.outcome else { return None };
        if errand.era == Era::Modern {
            if errand.method != "tools/list" {
                return None;
            }
            let shown = self.tools.learn(result)?;
            return Some(result_response(response.id?.as_str(), shown.into()));
        }
        match &*errand.method {
            "initialize" => self.sessions.publish(self.sessions.next(head, result)),
            "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
                let asked = Raw::parse(&errand.body).expect("it was read when it came");
                self.sessions.accepted(&errand.method, asked.get("params"));
            }
            _ => {}
        }
        None
    }

    /// Gives the client a message that answers nothing.
    pub(super) async fn hand_on(&self, message: Bytes, read: &Read<'_>, origin: Origin) {
        match read {
            Read::One(Message::Request(request)) => {
                if let Some(told) = self.asks.opened(request.id, origin) {
                    self.output.send(told.into()).await;
                }
            }
            Read::One(Message::Notification(notification)) if notification.method == "notifications/cancelled" => {
                let id = notification.params.and_then(|params| params.get("requestId"));
                if let Some(id) = id.and_then(Id::read) {
                    self.asks.closed(id);
                }
            }
            Read::One(Message::Notification(_)) => {}
            Read::One(Message::Response(_)) | Read::Array => {
                return debug!("an answer to no request");
            }
        }
        self.output.send(Chunks::from(message)).await;
    }
}
