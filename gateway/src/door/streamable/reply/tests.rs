//! The form of an answer, told by what comes when; time is virtual.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

use super::*;
use crate::door::call::Asked;
use crate::mux::Answer;
use crate::wire::result_response;

/// What comes at which second.
struct Script(VecDeque<(Instant, Relayed)>);

impl Answering for Script {
    async fn next(&mut self) -> Relayed {
        sleep_until(self.0.front().expect("nobody asks on after the end").0).await;
        self.0.pop_front().expect("it was there before the sleep").1
    }

    fn asked(&self) -> Asked {
        Asked::Nothing
    }

    fn go_alone(&mut self) {}
}

fn done() -> Relayed {
    Relayed::Done(Answer { body: result_response("1", Bytes::from_static(b"{}")), code: None })
}

fn failed(code: i64) -> Relayed {
    Relayed::Done(Answer { body: result_response("1", Bytes::from_static(b"{}")), code: Some(code) })
}

fn said() -> Relayed {
    Relayed::Notice(Bytes::from_static(b"{\"n\":\n1}"))
}

/// Status, content type, body, and the second at which the headers came.
async fn answer<const N: usize>(form: Form, script: [(u64, Relayed); N]) -> (u16, String, String, u64) {
    let start = Instant::now();
    let script = script.map(|(second, relayed)| (start + Duration::from_secs(second), relayed));
    let requests = Arc::new(Semaphore::new(1));
    let permit = Arc::clone(&requests).try_acquire_owned().unwrap();
    let response = when_answered(Script(script.into()), form, Standing::Passing, &Times::default(), permit).await;
    let headers_at = start.elapsed().as_secs();
    let kind = response.headers().get(CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let status = response.status().as_u16();
    let body = String::from_utf8(to_bytes(response.into_body(), 100_000).await.unwrap().to_vec()).unwrap();
    assert_eq!(requests.available_permits(), 1, "the permit is given back");
    (status, kind, body, headers_at)
}

const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const RESULT_EVENT: &str = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
const NOTICE_EVENT: &str = "event: message\ndata: {\"n\": 1}\n\n";
const JSON_KIND: &str = "application/json";
const EVENTS_KIND: &str = "text/event-stream";

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_first_is_json() {
    let (status, kind, body, _) = answer(Form::Either, [(59, done())]).await;
    assert_eq!((status, kind.as_str(), body.as_str()), (200, JSON_KIND, RESULT));
}

#[tokio::test(start_paused = true)]
async fn a_notice_before_the_answer_makes_it_events() {
    let (status, kind, body, at) = answer(Form::Either, [(1, said()), (2, said()), (3, done())]).await;
    assert_eq!((status, kind.as_str(), at), (200, EVENTS_KIND, 1));
    assert_eq!(body, [NOTICE_EVENT, NOTICE_EVENT, RESULT_EVENT].concat());
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_silence_makes_it_events_with_a_comment_every_15_seconds() {
    let (_, kind, body, at) = answer(Form::Either, [(92, said()), (100, done())]).await;
    assert_eq!((kind.as_str(), at), (EVENTS_KIND, 60));
    assert_eq!(body, [": alive\n\n".repeat(3).as_str(), NOTICE_EVENT, RESULT_EVENT].concat());
}

#[tokio::test(start_paused = true)]
async fn json_that_lets_wait_is_kept_alive_by_spaces_and_drops_notices() {
    let (status, kind, body, at) = answer(Form::Json, [(3, said()), (24, done())]).await;
    assert_eq!((status, kind.as_str(), body.as_str(), at), (200, JSON_KIND, RESULT, 24));
    let (status, kind, body, at) = answer(Form::Json, [(3, said()), (56, done())]).await;
    assert_eq!((status, kind.as_str(), at), (200, JSON_KIND, 25));
    assert_eq!(body, format!("   {RESULT}"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_events_only_gets_events() {
    let (_, kind, body, _) = answer(Form::Events, [(0, done())]).await;
    assert_eq!((kind.as_str(), body.as_str()), (EVENTS_KIND, RESULT_EVENT));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_has_no_answer() {
    let (status, _, body, _) = answer(Form::Either, [(1, Relayed::Cancelled)]).await;
    assert_eq!((status, body.as_str()), (202, ""));
    let (status, _, body, _) = answer(Form::Either, [(1, said()), (2, Relayed::Cancelled)]).await;
    assert_eq!((status, body.as_str()), (200, NOTICE_EVENT));
}

#[tokio::test(start_paused = true)]
async fn only_modern_errors_of_the_protocol_have_a_status_of_their_own() {
    let statuses = [code::METHOD_NOT_FOUND, code::MISSING_CAPABILITY, code::UNSUPPORTED_VERSION, code::INVALID_PARAMS];
    for (code, expected) in statuses.into_iter().zip([404, 400, 400, 200]) {
        assert_eq!(answer(Form::Json, [(0, failed(code))]).await.0, expected, "{code}");
        assert_eq!(status(Era::Legacy, Some(code)), 200, "{code}");
    }
}
