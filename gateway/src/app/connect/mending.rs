//! Calls whose headers the gateway refuses, because a tool wants other arguments repeated than was known here.
//!
//! Invariant (DESIGN D8): only what the gateway refused before it ran is sent again, once, and only with other headers.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::time::timeout;
use tracing::debug;

use super::bridge::{ACCEPTING, Bridge};
use super::errand::{Errand, Read};
use super::messages::Messages;
use super::way::Lost;
use crate::app::peer::{Question, modern_headers};
use crate::catalogue::PARAM_HEADERS as PREFIX;
use crate::wire::{Fault, Message, Outcome, Params, Raw, Revision, code};

/// The one list that is asked for.
const LIST: &str = "tools/list";

impl Bridge {
    /// The headers with which a call that was refused may be made again, if `refusal` says that they were wrong and the
    /// gateway's tools say now how they are right.
    pub(super) async fn mended(&self, errand: &Errand, refusal: &Bytes) -> Option<HeaderMap> {
        if !blames_arguments(refusal) {
            return None;
        }
        match timeout(ACCEPTING, self.list_tools()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "the tools cannot be listed"),
            Err(_elapsed) => debug!("the gateway does not list its tools"),
        }
        let body = Raw::parse(&errand.body).expect("it was read when it came");
        let params = Params::read(body.get("params")).expect("they were read when they came");
        let mut headers: HeaderMap = errand.headers.clone();
        let stale: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
        for name in stale {
            headers.remove(name);
        }
        headers.extend(self.tools.headers(&params));
        (headers != errand.headers).then_some(headers)
    }

    async fn list_tools(&self) -> Result<(), Lost> {
        let headers = modern_headers(Revision::MODERN.as_str(), LIST, None);
        let body = Bytes::from(Question::list(LIST).text());
        let response = self.way.try_send(Method::POST, &headers, &body).await?;
        let Some(answer) = Messages::of(response, &self.turns)?.next().await? else { return Ok(()) };
        if let Read::One(Message::Response(response)) = Read::of(&answer)?
            && let Outcome::Result(result) = response.outcome
        {
            self.tools.learn(result);
        }
        Ok(())
    }
}

/// Whether the gateway itself says that headers do not repeat the arguments: a shard's error has no such facts.
fn blames_arguments(refusal: &Bytes) -> bool {
    let Ok(Read::One(Message::Response(response))) = Read::of(refusal) else { return false };
    let Outcome::Error(error) = response.outcome else { return false };
    let header = error.get("data").and_then(|data| data.get("header")?.string());
    Fault::code_of(error) == Some(code::HEADER_MISMATCH) && header.is_some_and(|header| header.starts_with(PREFIX))
}
