//! What a legacy shard has asked a modern client in one call, and what of it the client has not answered.
//!
//! Invariant: each question is answered once: by the client, or, when this is dropped, as if there were no client. How many
//! there are at once is bounded by the link.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::mux::parked::Handle;
use crate::shard::link::{Ask, Link};
use crate::wire::{Outcome, Raw};

/// For so long after a question is looked for others, which then go to the client together.
const GATHERING: Duration = Duration::from_millis(20);

/// The questions of one call that are open.
#[derive(Debug)]
pub(super) struct Questions {
    link: Link,
    open: Vec<Question>,
    /// How many there have been: a key never stands for another question of the same call.
    asked: u64,
    /// When those that are open go out.
    due: Option<Instant>,
}

#[derive(Debug)]
struct Question {
    /// As the client knows it.
    key: String,
    ask: Ask,
}

impl Questions {
    pub(super) fn new(link: Link) -> Self {
        Self { link, open: Vec::new(), asked: 0, due: None }
    }

    /// One more for the client.
    pub(super) fn add(&mut self, ask: Ask) {
        self.asked += 1;
        self.open.push(Question { key: format!("q{}", self.asked), ask });
        self.due.get_or_insert_with(|| Instant::now() + GATHERING);
    }

    /// The shard needs no answer any more.
    pub(super) fn take_back(&mut self, key: &str) {
        self.open.retain(|question| *question.ask.key != *key);
        self.due = self.due.filter(|_| !self.open.is_empty());
    }

    /// Passes on what the client has answered, an object of results by our keys. What it has left out is asked again.
    pub(super) fn answer(&mut self, responses: Option<Raw<'_>>) {
        let link = &self.link;
        self.open.retain(|Question { key, ask }| {
            let response = responses.and_then(|responses| responses.get(key));
            response.inspect(|response| link.pass_on(ask, Outcome::Result(*response))).is_none()
        });
        self.due = (!self.open.is_empty()).then(|| Instant::now() + GATHERING);
    }

    /// Declines those that the client cannot be asked again.
    pub(super) fn keep(&mut self, can_be_asked: impl Fn(&Ask) -> bool) {
        let link = &self.link;
        self.open.retain(|Question { ask, .. }| {
            let is_kept = can_be_asked(ask);
            if !is_kept {
                link.decline(ask);
            }
            is_kept
        });
        self.due = self.due.filter(|_| !self.open.is_empty());
    }

    /// Ready when the open ones are to go out together; never while there are none. Safe to cancel.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => pending().await,
        }
    }

    /// The result that asks the client, and holds the `handle` for its answers.
    pub(super) fn round(&mut self, handle: &Handle) -> Bytes {
        self.due = None;
        let mut result = br#"{"resultType":"input_required","inputRequests":{"#.to_vec();
        for (place, Question { key, ask }) in self.open.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            result.extend_from_slice(format!(r#"{comma}"{key}":{{"method":{}"#, Value::from(&*ask.method)).as_bytes());
            if let Some(params) = &ask.params {
                result.extend_from_slice(br#","params":"#);
                result.extend_from_slice(params);
            }
            result.push(b'}');
        }
        result.extend_from_slice(format!(r#"}},"requestState":{}}}"#, json!(handle.as_str())).as_bytes());
        result.into()
    }

    /// Nobody will answer what is open.
    pub(super) fn decline(&mut self) {
        self.due = None;
        self.open.drain(..).for_each(|question| self.link.decline(&question.ask));
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.decline();
    }
}
