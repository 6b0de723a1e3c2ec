//! The body of a POST.
//!
//! Invariant: at most the limit of one body is kept, at most the budget of all of them, and no longer than the client
//! goes on sending, nor longer than a body may take.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::door::budget::Budget;
use crate::door::http::HttpSettings;
use crate::door::refusal::Refused;
use crate::wire::{Fault, code};

/// A body, and its part of the budget.
type Kept = (Bytes, Option<OwnedSemaphorePermit>);

/// The whole body. One that came in one piece is not copied and takes no budget: the connection's buffer bounds it.
pub(in crate::door) async fn read(
    body: Body,
    headers: &HeaderMap,
    settings: &HttpSettings,
    budget: &Budget,
) -> Result<Kept, Refused> {
    let limit = settings.times.whole_body;
    let read = timeout(limit, gather(body, headers, settings, budget)).await;
    read.unwrap_or_else(|_elapsed| Err(too_slow(format!("the body is not whole after {limit:?}"))))
}

async fn gather(
    mut body: Body,
    headers: &HeaderMap,
    settings: &HttpSettings,
    budget: &Budget,
) -> Result<Kept, Refused> {
    let limit = settings.limits.body;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let Some(first) = next_piece(&mut body, settings).await? else { return Ok((Bytes::new(), None)) };
    if first.len() > limit {
        return Err(too_large(limit));
    }
    if body.is_end_stream() {
        return Ok((first, None));
    }
    let mut permit = budget.take(first.len())?;
    let mut whole = BytesMut::from(first);
    while let Some(piece) = next_piece(&mut body, settings).await? {
        if whole.len() + piece.len() > limit {
            return Err(too_large(limit));
        }
        permit.merge(budget.take(piece.len())?);
        whole.extend_from_slice(&piece);
    }
    Ok((whole.freeze(), Some(permit)))
}

async fn next_piece(body: &mut Body, settings: &HttpSettings) -> Result<Option<Bytes>, Refused> {
    loop {
        let frame = timeout(settings.times.body, poll_fn(|context| Pin::new(&mut *body).poll_frame(context))).await;
        match frame {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) => return Ok(Some(piece)),
                Err(_trailers) => {}
            },
            Ok(Some(Err(error))) => return Err(Refused::invalid(format!("the body broke off: {error}"))),
            Err(_elapsed) => return Err(too_slow(format!("no byte of the body for {:?}", settings.times.body))),
        }
    }
}

fn too_slow(message: String) -> Refused {
    Refused::new(StatusCode::REQUEST_TIMEOUT, Fault::new(code::INVALID_REQUEST, message))
}

fn too_large(limit: usize) -> Refused {
    let message = format!("the body is larger than {limit} bytes (`--max-body`)");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, Fault::new(code::INVALID_REQUEST, message))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use axum::http::HeaderValue;

    use super::*;
    use crate::door::body::{Source, live};

    struct Pieces(VecDeque<Bytes>, bool);

    impl Source for Pieces {
        async fn next(&mut self) -> Option<VecDeque<Bytes>> {
            match self.0.pop_front() {
                None if self.1 => std::future::pending().await,
                piece => piece.map(|piece| VecDeque::from([piece])),
            }
        }
    }

    async fn check(
        pieces: &[&'static str],
        stalls: bool,
        announced: Option<&'static str>,
    ) -> Result<(Bytes, usize), u16> {
        let mut settings = HttpSettings::for_tests();
        settings.limits.body = 10;
        settings.times.body = Duration::from_secs(30);
        let budget = Budget::new(8, "bytes", "--max-body-memory");
        let mut headers = HeaderMap::new();
        headers.extend(announced.map(|length| (CONTENT_LENGTH, HeaderValue::from_static(length))));
        let pieces = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        let body = live(HeaderValue::from_static("text/plain"), Pieces(pieces, stalls)).into_body();
        let read = read(body, &headers, &settings, &budget).await;
        read.map(|(body, permit)| (body, permit.map_or(0, |permit| permit.num_permits())))
            .map_err(|refused| refused.told().0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_bounded_in_size_memory_and_time() {
        assert_eq!(check(&[], false, None).await, Ok((Bytes::new(), 0)));
        assert_eq!(check(&["abc", "de"], false, None).await, Ok((Bytes::from_static(b"abcde"), 5)));
        assert_eq!(check(&["abc"], false, Some("11")).await, Err(413));
        assert_eq!(check(&["abcdefghijk"], false, None).await, Err(413));
        assert_eq!(check(&["abcdef", "ghijk"], false, None).await, Err(413));
        assert_eq!(check(&["abcdef", "ghi"], false, None).await, Err(503));
        assert_eq!(check(&["abc"], true, Some("5")).await, Err(408));
    }

    struct Drip;

    impl Source for Drip {
        async fn next(&mut self) -> Option<VecDeque<Bytes>> {
            tokio::time::sleep(Duration::from_secs(29)).await;
            Some(VecDeque::from([Bytes::from_static(b" ")]))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up() {
        let (settings, budget) = (HttpSettings::for_tests(), Budget::new(1000, "bytes", "--max-body-memory"));
        let body = live(HeaderValue::from_static("text/plain"), Drip).into_body();
        let refused = read(body, &HeaderMap::new(), &settings, &budget).await.unwrap_err();
        let (status, _, _, message) = refused.told();
        assert_eq!((status, message), (408, "the body is not whole after 300s"));
        assert!(budget.take(1000).is_ok(), "its memory is given back");
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let text = Bytes::from_static(b"{}");
        let (body, permit) = read(
            Body::from(text.clone()),
            &HeaderMap::new(),
            &HttpSettings::for_tests(),
            &Budget::new(0, "bytes", "--max-body-memory"),
        )
        .await
        .unwrap();
        assert_eq!(body.as_ptr(), text.as_ptr());
        assert!(permit.is_none());
    }
}
