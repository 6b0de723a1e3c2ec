//! Streamable HTTP on `/mcp`, and for some or one of the shards below it, both eras on one URL.
//!
//! Invariant: the era is told per request, and no request makes the gateway remember anything but an open stream, a
//! running call or a deleted session.

pub(super) mod headers;
mod listen;
mod mirrored;
mod modern;
pub(super) mod reading;
mod reply;
mod resume;
mod subscribed;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request as HttpRequest, StatusCode};
use axum::response::{IntoResponse, Response};
#[cfg(test)]
use tokio::sync::watch;

use crate::door::address;
use crate::door::batch::Batch;
use crate::door::budget::Budget;
use crate::door::call::Call;
use crate::door::clients::Place;
use crate::door::http::HttpSettings;
use crate::door::incoming;
use crate::door::listeners::Listeners;
use crate::door::page;
use crate::door::refusal::Refused;
use crate::door::replay::Replay;
use crate::door::session::{Session, fresh_key};
use crate::door::sse;
use crate::mux::{Client, Dispatched, Listening, Mux, View};
use crate::tasks::Tasks;
use crate::wire::{
    Capabilities, Era, Fault, Kind, Message, Meta, Params, Raw, Request, Revision, code, result_response,
};
#[cfg(test)]
use crate::{
    fleet::World,
    shard::{followed::Feed, pool::OwnChildren},
};
use headers::Accept;
use reply::{Form, Standing};

/// What all requests share.
pub(crate) struct Door {
    pub(crate) mux: Mux,
    pub(super) settings: HttpSettings,
    pub(super) requests: Budget,
    pub(super) body_bytes: Budget,
    pub(super) streams: Budget,
    listeners: Arc<Listeners>,
    replay: Arc<Replay>,
    pub(super) connected: sse::Register,
    pub(super) tasks: Tasks,
}

impl Door {
    pub(crate) fn new(mux: Mux, settings: HttpSettings, tasks: Tasks) -> Self {
        let limits = &settings.limits;
        Self {
            mux,
            requests: Budget::new(limits.requests, "requests at once", "--max-requests"),
            body_bytes: Budget::new(limits.body_bytes, "bytes of request bodies at once", "--max-body-memory"),
            streams: Budget::new(limits.streams, "open GET streams", "--max-streams"),
            listeners: Arc::default(),
            replay: Replay::start(limits.replay, &tasks),
            connected: sse::Register::default(),
            settings,
            tasks,
        }
    }

    /// A door to a world that the test makes.
    #[cfg(test)]
    pub(super) fn for_tests(tasks: &Tasks) -> (Self, watch::Sender<Arc<World>>) {
        let (world, seen) = watch::channel(Arc::<World>::default());
        let (own_children, mail) = OwnChildren::new(1);
        let mux = Mux::new(
            seen,
            watch::channel(None).0,
            Feed::default(),
            (own_children, mail),
            crate::mux::ParkLimits::default(),
            tasks,
        );
        (Self::new(mux, HttpSettings::for_tests(), tasks.clone()), world)
    }

    /// Where clients find the gateway.
    pub(crate) fn place(&self) -> &Place {
        &self.settings.place
    }
}

/// What becomes of a POST once its body has been read and is no longer needed.
enum Next {
    Now(Response),
    Call(Call, Form, Standing),
    Listen(Box<Listening>),
    Batch(Batch, Form, Standing),
}

impl Next {
    fn of(dispatched: Dispatched, form: Form, standing: Standing) -> Self {
        let era = standing.era();
        match dispatched {
            Dispatched::Answer(answer) => Self::Now(reply::now(reply::status(era, answer.code), answer.body, form)),
            Dispatched::Listen(listening) => Self::Listen(listening),
            Dispatched::Call(relay) => Self::Call(Call::new(relay, era), form, standing),
        }
    }
}

/// Serves `/mcp` and what is below it.
pub(crate) async fn serve(State(door): State<Arc<Door>>, request: HttpRequest<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    let (method, headers) = (parts.method.clone(), std::mem::take(&mut parts.headers));
    let view = address::view(&parts.uri);
    if matches!(method, Method::GET | Method::HEAD) && page::is_wanted(&headers) {
        return page::answer(&door, view, &parts.uri, &headers).await;
    }
    let view = match view {
        Ok(view) => view,
        Err(refused) => return refused.into_response(),
    };
    // The path is a part of the connection's buffer, 8 KiB, which would wait with the call, for hours perhaps.
    drop(parts);
    let answer = match method {
        Method::POST => post(&door, view, headers, body).await,
        Method::GET => listen::get(&door, view, &headers).await,
        Method::DELETE => delete(&door, &headers),
        _ => Err(Refused::not_allowed(
            "only GET, POST, DELETE and OPTIONS are served here",
            "GET, POST, DELETE, OPTIONS",
        )),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn post(door: &Door, view: View, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    headers::check_content_type(&headers)?;
    let accept = Accept::read(&headers)?;
    let (next, permit) = {
        let (body, _memory) = reading::read(body, &headers, &door.settings, &door.body_bytes).await?;
        // Only now: whoever sends slowly takes no place that others need.
        let permit = door.requests.take(1)?;
        (exchange(door, view, &headers, &body, accept).await?, permit)
    };
    // A call can take hours; its request's bytes end here, and so do its headers.
    drop(headers);
    let times = &door.settings.times;
    Ok(match next {
        Next::Now(response) => response,
        Next::Call(call, form, standing) => reply::when_answered(call, form, standing, times, permit).await,
        Next::Listen(listening) => subscribed::open(door, listening, accept)?,
        Next::Batch(batch, form, standing) => reply::when_answered(batch, form, standing, times, permit).await,
    })
}

async fn exchange(door: &Door, view: View, headers: &HeaderMap, body: &[u8], accept: Accept) -> Result<Next, Refused> {
    let raw = incoming::parse(body)?;
    if raw.kind() == Kind::Array {
        return batch(door, view, headers, raw, accept).await;
    }
    match incoming::message(raw)? {
        Message::Request(request) => {
            let params = incoming::params(&request)?;
            let of_it = |refused: Refused| refused.of(request.id.as_str());
            let version = version(headers, &params.meta).map_err(of_it)?;
            let mux = door.mux.at(view).await.map_err(|no_view| of_it(no_view.into()))?;
            let answer = match incoming::era(&params.meta, version) {
                Era::Modern => modern::request(&mux, headers, version, &request, &params, accept).await,
                Era::Legacy => legacy(door, &mux, headers, version, &request, &params, accept).await,
            };
            answer.map_err(of_it)
        }
        Message::Notification(notification) => {
            let params = Params::read(notification.params).map_err(|error| Refused::invalid(error.to_string()))?;
            let version = version(headers, &params.meta)?;
            // The modern era has no client notifications over HTTP: closing the stream is how a call is cancelled.
            match incoming::era(&params.meta, version) {
                Era::Modern => modern::check_notification(headers, version, &notification, &params.meta)?,
                Era::Legacy => {
                    let session = session(door, headers, version)?;
                    door.mux.notify(&session.client, &notification);
                }
            }
            Ok(Next::Now(StatusCode::ACCEPTED.into_response()))
        }
        Message::Response(response) => {
            let version = version(headers, &Meta::default())?;
            if incoming::era(&Meta::default(), version) == Era::Modern {
                return Err(modern::no_responses());
            }
            let session = session(door, headers, version)?;
            door.mux.respond(session.client.key, &response);
            Ok(Next::Now(StatusCode::ACCEPTED.into_response()))
        }
    }
}

/// What the header says of the revision. Each era has its own code for one that cannot be read.
fn version<'h>(headers: &'h HeaderMap, meta: &Meta<'_>) -> Result<Option<&'h str>, Refused> {
    match meta.protocol_version {
        Some(_) => modern::one(headers, &headers::PROTOCOL_VERSION),
        None => headers::single(headers, &headers::PROTOCOL_VERSION),
    }
}

async fn legacy(
    door: &Door,
    mux: &Mux,
    headers: &HeaderMap,
    version: Option<&str>,
    request: &Request<'_>,
    params: &Params<'_>,
    accept: Accept,
) -> Result<Next, Refused> {
    let form = Form::of(accept);
    if request.method == "initialize" {
        return Ok(Next::Now(initialize(door, mux, request, form).await));
    }
    let client = live_client(door, session(door, headers, version)?, form);
    Ok(Next::of(mux.dispatch(&client, request, params).await, form, standing(door, &client)))
}

/// Only a success makes a session.
async fn initialize(door: &Door, mux: &Mux, request: &Request<'_>, form: Form) -> Response {
    let id = request.id.as_str();
    match mux.initialize(fresh_key(), request).await {
        Err(fault) => reply::now(StatusCode::OK, fault.response(id), form),
        Ok(initialized) => {
            let token = door.settings.sessions.mint(&initialized.client);
            let mut response = reply::now(StatusCode::OK, result_response(id, initialized.result), form);
            let token = HeaderValue::try_from(token).expect("base64url and a dot are visible ASCII");
            response.headers_mut().insert(headers::SESSION_ID, token);
            response
        }
    }
}

async fn batch(door: &Door, view: View, headers: &HeaderMap, raw: Raw<'_>, accept: Accept) -> Result<Next, Refused> {
    let version = headers::single(headers, &headers::PROTOCOL_VERSION)?;
    if incoming::era(&Meta::default(), version) == Era::Modern {
        return Err(incoming::no_batches(Revision::MODERN));
    }
    let client = live_client(door, session(door, headers, version)?, Form::of(accept));
    let messages = incoming::batch(raw, client.revision)?;
    let mux = door.mux.at(view).await?;
    let batch = Batch::dispatch(&mux, &client, messages).await;
    if batch.is_empty() {
        return Ok(Next::Now(StatusCode::ACCEPTED.into_response()));
    }
    Ok(Next::Batch(batch, Form::of(accept), standing(door, &client)))
}

/// Ends a session: its calls, its streams and its token.
fn delete(door: &Door, headers: &HeaderMap) -> Result<Response, Refused> {
    let version = headers::single(headers, &headers::PROTOCOL_VERSION)?;
    headers::check_has_sessions(headers, version)?;
    let key = session(door, headers, version)?.client.key;
    door.settings.sessions.delete(key);
    door.listeners.close(key);
    door.replay.forget(key);
    door.mux.end(key);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn standing(door: &Door, client: &Client) -> Standing {
    Standing::Session { replay: Arc::clone(&door.replay), key: client.key, revision: client.revision }
}

/// The session that a legacy request belongs to.
fn session(door: &Door, headers: &HeaderMap, version: Option<&str>) -> Result<Session, Refused> {
    let Some(token) = headers::single(headers, &headers::SESSION_ID)? else {
        return Err(Refused::invalid(
            "no `Mcp-Session-Id` header: send `initialize` first and repeat the header of its answer, \
             or speak 2026-07-28, which has no sessions",
        ));
    };
    let session =
        door.settings.sessions.open(token).map_err(|error| {
            Refused::new(StatusCode::NOT_FOUND, Fault::new(code::INVALID_REQUEST, error.to_string()))
        })?;
    // Clients are known to repeat the revision that they asked for, not the one that was agreed on.
    match version.filter(|version| Revision::parse(version).is_none()) {
        Some(version) => Err(headers::unknown_version(version)),
        None => Ok(session),
    }
}

fn live_client(door: &Door, session: Session, form: Form) -> Client {
    let level = door.mux.level(session.client.key);
    // A question has no place in an answer that must be JSON.
    let capabilities = if form == Form::Json { Capabilities::NONE } else { session.client.capabilities };
    Client { level, capabilities, ..session.client }
}
