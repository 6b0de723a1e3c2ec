//! HTTP bodies that copy nothing: a whole message with its exact length, and a stream that is asked for its next piece
//! only when the connection has room for it.
//!
//! Invariant: nothing is buffered here. A client that does not read stops the stream at its source.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::wire::Chunks;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// A complete JSON answer.
pub(crate) fn json(status: StatusCode, message: Chunks) -> Response<Body> {
    whole(status, JSON, message.into_pieces())
}

/// A complete answer in pieces.
pub(crate) fn whole(
    status: StatusCode,
    kind: HeaderValue,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> Response<Body> {
    let pieces: VecDeque<Bytes> = pieces.collect();
    with_body(status, kind, Body::new(Whole(pieces)))
}

/// An answer whose pieces are still to come.
pub(crate) fn live<S: Source>(kind: HeaderValue, source: S) -> Response<Body> {
    let mut response = with_body(StatusCode::OK, kind, Body::new(Live::new(source)));
    // Reverse proxies hold back what they buffer, and comments are there to be seen at once.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn with_body(status: StatusCode, kind: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where a stream comes from.
pub(crate) trait Source: Send + Sized + 'static {
    /// The next pieces; `None` at the end. A source that is dropped, also in the middle of this, ends what it does.
    fn next(&mut self) -> impl Future<Output = Option<VecDeque<Bytes>>> + Send;
}

struct Whole(VecDeque<Bytes>);

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

type Step<S> = Pin<Box<dyn Future<Output = Option<(S, VecDeque<Bytes>)>> + Send>>;

struct Live<S> {
    step: Option<Step<S>>,
    pieces: VecDeque<Bytes>,
}

impl<S: Source> Live<S> {
    fn new(source: S) -> Self {
        Self { step: Some(step(source)), pieces: VecDeque::new() }
    }
}

fn step<S: Source>(mut source: S) -> Step<S> {
    Box::pin(async move {
        let pieces = source.next().await?;
        Some((source, pieces))
    })
}

impl<S: Source> http_body::Body for Live<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let Some(running) = &mut self.step else { return Poll::Ready(None) };
            match ready!(running.as_mut().poll(context)) {
                Some((source, pieces)) => {
                    self.pieces = pieces;
                    self.step = Some(step(source));
                }
                None => self.step = None,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.step.is_none()
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;
    use crate::wire::result_response;

    #[test]
    fn a_large_result_keeps_its_bytes_and_its_length() {
        let result = Bytes::from(format!("\"{}\"", "x".repeat(100_000)));
        let start = result.as_ptr();
        let message = result_response("1", result);
        let length = message.len() as u64;
        let response = json(StatusCode::OK, message);
        assert_eq!(response.body().size_hint().exact(), Some(length));
        let mut body = response.into_body();
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut frames = Vec::new();
        while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) {
            frames.push(frame.unwrap().into_data().unwrap());
        }
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[1].as_ptr(), start);
    }

    struct Countdown(usize);

    impl Source for Countdown {
        async fn next(&mut self) -> Option<VecDeque<Bytes>> {
            tokio::task::yield_now().await;
            self.0 = self.0.checked_sub(1)?;
            Some(VecDeque::from([Bytes::from_static(b"a"), Bytes::from_static(b"b")]))
        }
    }

    #[tokio::test]
    async fn a_stream_gives_its_pieces_in_order_and_ends() {
        let body = live(EVENT_STREAM, Countdown(2)).into_body();
        assert_eq!(axum::body::to_bytes(body, 100).await.unwrap(), "abab");
    }
}
