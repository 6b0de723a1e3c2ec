//! Turns our errors into what clients see (DESIGN, "Errors that clients see").
//!
//! Invariant: a tool call that came to nothing is a result with `isError`, so that the model can tell the person; any
//! other method gets a JSON-RPC error with the same facts in `data`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::parked::Continued;
use super::relay::Unmet;
use crate::shard::link::{Failure, Refused};
use crate::shard::{Ended, Shard, ShardState};
use crate::wire::{Era, Fault, code};

/// Why a call that was routed to a shard has no answer of it.
#[derive(Debug)]
pub(super) enum CallError {
    /// The link failed it.
    Failed(Failure),
    /// The link did not take it.
    Refused(Refused),
    /// The shard did not come up in time; it did not run.
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// How the shard ended last, if it did.
        ended: Option<Arc<Ended>>,
    },
    /// All children of the shard had calls of others for too long; it did not run.
    Busy {
        /// How many children.
        children: usize,
        /// How long was waited.
        waited: Duration,
    },
    /// The shard was taken away; it did not run.
    Removed,
    /// The shard was started again and speaks the other era; it did not run.
    OtherEra,
    /// The child that ran a task takes nothing more, or has ended.
    TaskLost {
        /// As the client knows it.
        task: Arc<str>,
        /// How the child ended, if it has.
        ended: Option<Arc<Ended>>,
    },
    /// It goes on with something that its shard cannot know; it did not run.
    Continued(Continued),
    /// The shard answered that it needs something of the client first, which it cannot be given.
    Unmet(Unmet),
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(Failure::Ended(ended)) => {
                write!(formatter, "{ended} while the call was under way; it may have run and is not repeated")
            }
            Self::Failed(failure) => failure.fmt(formatter),
            Self::Refused(refused) => write!(formatter, "it is busy: {refused}"),
            Self::NotReady { waited, ended: None } => {
                write!(formatter, "it is still starting after {}", humantime::format_duration(*waited))
            }
            Self::NotReady { ended: Some(ended), .. } => write!(formatter, "it is down: {ended}"),
            Self::Busy { children, waited } => {
                let waited = humantime::format_duration(*waited);
                write!(
                    formatter,
                    "it is busy: each of its {children} children, which have one call at a time, has had others for \
                     {waited} (`timeouts.call`)"
                )
            }
            Self::Removed => formatter.write_str("it was taken away"),
            Self::OtherEra => formatter
                .write_str("it was started again and speaks another revision; the call did not run, make it again"),
            Self::TaskLost { task, ended: Some(ended) } => {
                write!(formatter, "{ended}, and task `{task}` is lost with it; start the task anew")
            }
            Self::TaskLost { task, ended: None } => {
                write!(formatter, "it is ending, and task `{task}` is lost with it; start the task anew")
            }
            Self::Continued(continued) => continued.fmt(formatter),
            Self::Unmet(unmet) => unmet.fmt(formatter),
        }
    }
}

impl From<Unmet> for CallError {
    fn from(unmet: Unmet) -> Self {
        Self::Unmet(unmet)
    }
}

impl CallError {
    /// The same after so long.
    pub(super) fn after(mut self, time: Duration) -> Self {
        if let Self::NotReady { waited, .. } | Self::Busy { waited, .. } = &mut self {
            *waited = time;
        }
        self
    }

    fn ended(&self) -> Option<&Arc<Ended>> {
        match self {
            Self::Failed(Failure::Ended(ended) | Failure::NotSent { ended, .. }) => Some(ended),
            Self::NotReady { ended, .. } | Self::TaskLost { ended, .. } => ended.as_ref(),
            _ => None,
        }
    }

    /// The whole message: which shard, what happened, its last words, and when it is tried again.
    fn message(&self, name: &str, shard: Option<&Shard>) -> String {
        let mut message = format!("shard `{name}`: {self}");
        message += &self.ended().map(|ended| ended.last_words()).unwrap_or_default();
        if self.ended().is_some()
            && let Some(shard) = shard
        {
            message += &comeback(shard);
        }
        message
    }

    fn facts(&self, name: &str, shard: Option<&Shard>) -> Value {
        json!({"shard": name, "error": self.to_string(), "nextRetrySeconds": shard.and_then(retry_in)})
    }

    /// The JSON-RPC error for methods other than `tools/call`.
    pub(super) fn fault(&self, name: &str, shard: Option<&Shard>) -> Fault {
        let code = if matches!(self, Self::Continued(_)) { code::INVALID_PARAMS } else { code::INTERNAL };
        Fault::new(code, self.message(name, shard)).with_data(self.facts(name, shard))
    }

    /// The result for `tools/call`.
    pub(super) fn tool_result(&self, name: &str, shard: Option<&Shard>, era: Era) -> Bytes {
        let content = json!([{"type": "text", "text": self.message(name, shard)}]);
        let result = match era {
            Era::Legacy => json!({"content": content, "isError": true}),
            Era::Modern => json!({"resultType": "complete", "content": content, "isError": true}),
        };
        result.to_string().into()
    }
}

/// When a shard that ended is back.
fn comeback(shard: &Shard) -> String {
    match retry_in(shard) {
        Some(0) => return "; it is started again at once".into(),
        Some(seconds) => return format!("; it is started again in {seconds} s"),
        None => {}
    }
    match &*shard.state.borrow() {
        ShardState::Starting => "; it is being started again".into(),
        ShardState::Ready(_) => "; it has been started again".into(),
        ShardState::Asleep => "; it is started again when it is called".into(),
        ShardState::Backoff { .. } | ShardState::Draining | ShardState::Stopped => String::new(),
    }
}

/// Whole seconds until the shard is started again, if it waits for that.
pub(super) fn retry_in(shard: &Shard) -> Option<u64> {
    match &*shard.state.borrow() {
        ShardState::Backoff { until, .. } => {
            Some(until.saturating_duration_since(tokio::time::Instant::now()).as_secs_f64().ceil().max(0.0) as u64)
        }
        _ => None,
    }
}
