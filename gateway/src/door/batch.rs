//! Arrays of messages, which only revision 2025-03-26 knows.
//!
//! Invariant: all requests of an array are under way at once, their notices go out as they come, and their answers go
//! out as one array at the end.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio_util::sync::CancellationToken;

use crate::door::call::{Answering, Asked, Call, array};
use crate::door::incoming;
use crate::door::refusal::Refused;
use crate::mux::{Answer, Client, Dispatched, Mux, Relayed};
use crate::wire::{Chunks, Era, Message, Request};

type Step = Pin<Box<dyn Future<Output = (Call, Relayed)> + Send>>;

/// The requests of one array.
#[derive(Default)]
pub(crate) struct Batch {
    asked: Vec<Box<str>>,
    waiting: Vec<Step>,
    answers: Vec<Chunks>,
    /// Cancelled when nobody reads what the calls yield.
    alone: CancellationToken,
}

impl Batch {
    /// Sends every message on its way, in order.
    pub(crate) async fn dispatch(mux: &Mux, client: &Client, messages: Vec<Result<Message<'_>, Refused>>) -> Self {
        let mut batch = Self::default();
        for message in messages {
            match message {
                Ok(Message::Request(request)) => batch.request(mux, client, &request).await,
                Ok(Message::Notification(notification)) => mux.notify(client, &notification),
                Ok(Message::Response(response)) => mux.respond(client.key, &response),
                Err(refused) => batch.answers.push(refused.message()),
            }
        }
        batch
    }

    /// Whether nothing in the array wants an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.answers.is_empty()
    }

    async fn request(&mut self, mux: &Mux, client: &Client, request: &Request<'_>) {
        self.asked.push(request.id.as_str().into());
        let params = match incoming::params(request) {
            Ok(_) if request.method == "initialize" => {
                let refused = Refused::invalid("`initialize` must not stand in an array");
                return self.answers.push(refused.of(request.id.as_str()).message());
            }
            Ok(params) => params,
            Err(refused) => return self.answers.push(refused.message()),
        };
        match mux.dispatch(client, request, &params).await {
            Dispatched::Answer(answer) => self.answers.push(answer.body),
            // Only modern clients listen, and they send no arrays.
            Dispatched::Listen(mut listening) => self.answers.push(listening.end().body),
            Dispatched::Call(relay) => self.waiting.push(step(Call::new(relay, Era::Legacy), self.alone.clone())),
        }
    }
}

fn step(mut call: Call, alone: CancellationToken) -> Step {
    Box::pin(async move {
        let relayed = tokio::select! {
            biased;
            () = alone.cancelled() => {
                call.go_alone();
                call.next().await
            }
            relayed = call.next() => relayed,
        };
        (call, relayed)
    })
}

impl Answering for Batch {
    async fn next(&mut self) -> Relayed {
        while !self.waiting.is_empty() {
            let (at, call, relayed) = poll_fn(|context| {
                for (at, step) in self.waiting.iter_mut().enumerate() {
                    if let Poll::Ready((call, relayed)) = step.as_mut().poll(context) {
                        return Poll::Ready((at, call, relayed));
                    }
                }
                Poll::Pending
            })
            .await;
            match relayed {
                Relayed::Notice(notice) => {
                    self.waiting[at] = step(call, self.alone.clone());
                    return Relayed::Notice(notice);
                }
                Relayed::Done(answer) => self.answers.push(answer.body),
                Relayed::Cancelled => {}
            }
            drop(self.waiting.swap_remove(at));
        }
        match self.answers.is_empty() {
            true => Relayed::Cancelled,
            false => Relayed::Done(Answer { body: array(self.answers.drain(..)), code: None }),
        }
    }
    fn asked(&self) -> Asked {
        Asked::Array(self.asked.clone())
    }

    fn go_alone(&mut self) {
        self.alone.cancel();
    }
}
