//! A request of the client that is under way at the gateway, or an array of them.
//!
//! Invariant: it is answered once under its own id, by the gateway or by us, or not at all if it was cancelled.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::json;

use super::way::Lost;
use crate::app::peer::modern_headers;
use crate::mux::{LISTEN, listened};
use crate::wire::{Chunks, Era, Fault, Id, Message, Outcome, Params, Raw, Request, Response, code, result_response};
use crate::wire::{Kind, error_response};

/// One POST that wants an answer.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) body: Bytes,
    pub(super) era: Era,
    /// What a modern request repeats of its body.
    pub(super) headers: HeaderMap,
    pub(super) method: String,
    ids: Ids,
    is_cancelled: AtomicBool,
}

#[derive(Debug)]
enum Ids {
    One(Named),
    /// Of the requests in an array.
    Many(Vec<Named>),
}

/// An id as the client wrote it, and what it means.
#[derive(Debug)]
struct Named {
    text: String,
    key: String,
}

impl From<Id<'_>> for Named {
    fn from(id: Id<'_>) -> Self {
        Self { text: id.as_str().to_owned(), key: id.key() }
    }
}

impl Errand {
    /// A request, which is the whole of `body`.
    pub(super) fn of(body: Bytes, request: &Request<'_>, params: &Params<'_>, era: Era) -> Self {
        let headers = match era {
            Era::Legacy => HeaderMap::new(),
            Era::Modern => {
                let revision = params.meta.protocol_version.and_then(Raw::string).unwrap_or_default();
                let name = name(&request.method, params).and_then(Raw::string);
                modern_headers(&revision, &request.method, name.as_deref())
            }
        };
        let (method, ids) = (request.method.clone().into_owned(), Ids::One(request.id.into()));
        Self { body, era, headers, method, ids, is_cancelled: AtomicBool::new(false) }
    }

    /// An array of messages, which is the whole of `body`; `None` if nothing in it wants an answer.
    pub(super) fn of_array(body: Bytes, messages: &[Message<'_>]) -> Option<Self> {
        let ids = messages.iter().filter_map(|message| match message {
            Message::Request(request) => Some(request.id.into()),
            Message::Notification(_) | Message::Response(_) => None,
        });
        let ids: Vec<Named> = ids.collect();
        let (era, is_cancelled) = (Era::Legacy, AtomicBool::new(false));
        let errand = Self {
            body,
            era,
            headers: HeaderMap::new(),
            method: String::new(),
            ids: Ids::Many(Vec::new()),
            is_cancelled,
        };
        (!ids.is_empty()).then(|| Self { ids: Ids::Many(ids), ..errand })
    }

    /// Whether headers repeat what its tool wants repeated of the arguments.
    pub(super) fn is_modern_call(&self) -> bool {
        self.era == Era::Modern && self.method == "tools/call"
    }

    /// What it is found by when it is to be cancelled; an array cannot be.
    pub(super) fn key(&self) -> Option<&str> {
        match &self.ids {
            Ids::One(id) => Some(&id.key),
            Ids::Many(_) => None,
        }
    }

    /// Whether it is open for as long as the client likes.
    pub(super) fn listens(&self) -> bool {
        self.era == Era::Modern && self.method == LISTEN
    }

    /// What the client gets if that comes to its end here.
    pub(super) fn ended(&self) -> Chunks {
        self.each(|id| result_response(id, listened(id)))
    }

    /// From now on the client waits for nothing.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// What the client gets for a message that is an answer to this; `None` for any other message.
    pub(super) fn answer(&self, message: &Bytes, read: &Read<'_>) -> Option<Chunks> {
        match (read, &self.ids) {
            (Read::Array, Ids::Many(_)) => Some(message.clone().into()),
            (Read::One(Message::Response(response)), Ids::One(id)) => match response.id {
                Some(theirs) if theirs.key() == id.key => Some(message.clone().into()),
                Some(_) => None,
                // Whoever refused it could not, or did not, read the id.
                None => Some(self.refused(response)),
            },
            (Read::One(Message::Response(response)), Ids::Many(_)) => Some(self.refused(response)),
            _ => None,
        }
    }

    fn refused(&self, response: &Response<'_>) -> Chunks {
        let error = match response.outcome {
            Outcome::Error(error) => error.as_str().to_owned(),
            Outcome::Result(_) => Fault::new(code::INTERNAL, "the gateway answered without an id").to_json(),
        };
        self.each(|id| error_response(id, &error))
    }

    /// What the client gets if nobody answers (DESIGN, "Errors that clients see").
    pub(super) fn failed(&self, why: &Lost) -> Chunks {
        if self.method != "tools/call" {
            let fault = Fault::new(code::INTERNAL, why.to_string());
            return self.each(|id| fault.response(id));
        }
        let content = json!([{"type": "text", "text": why.to_string()}]);
        let result = match self.era {
            Era::Legacy => json!({"content": content, "isError": true}),
            Era::Modern => json!({"resultType": "complete", "content": content, "isError": true}),
        };
        self.each(|id| result_response(id, result.to_string().into()))
    }

    fn each(&self, answer: impl Fn(&str) -> Chunks) -> Chunks {
        let ids = match &self.ids {
            Ids::One(id) => return answer(&id.text),
            Ids::Many(ids) => ids,
        };
        let mut array = vec![b'['];
        for (at, id) in ids.iter().enumerate() {
            array.extend_from_slice(if at > 0 { b"," } else { b"" });
            answer(&id.text).append_to(&mut array);
        }
        array.push(b']');
        array.into()
    }
}

/// What the header `Mcp-Name` repeats.
fn name<'a>(method: &str, params: &Params<'a>) -> Option<Raw<'a>> {
    match method {
        "tools/call" | "prompts/get" => params.name,
        "resources/read" => params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => params.task_id,
        _ => None,
    }
}

/// A message of the gateway.
#[derive(Debug)]
pub(super) enum Read<'a> {
    One(Message<'a>),
    /// Answers to the requests of an array.
    Array,
}

impl<'a> Read<'a> {
    /// # Errors
    /// [`Lost::Nonsense`] if it is no message.
    pub(super) fn of(message: &'a [u8]) -> Result<Self, Lost> {
        let raw = crate::tasks::work_on(message.len(), || Raw::parse(message));
        let raw = raw.map_err(|error| Lost::Nonsense(error.to_string()))?;
        if raw.kind() == Kind::Array {
            return Ok(Self::Array);
        }
        Message::read(raw).map(Self::One).map_err(|error| Lost::Nonsense(error.to_string()))
    }
}
