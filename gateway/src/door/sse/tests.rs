//! The first event, where the client sends its messages to; and how many of these are let in.

use std::pin::Pin;

use axum::http::{HeaderName, HeaderValue};

use super::*;
use crate::tasks::Tasks;

#[track_caller]
fn check(public: Option<&str>, header: Option<&'static str>, path: &str, expected: &str) {
    let place = Place { program: "mcp-gateway".into(), shards: "shards.d".into(), url: public.map(ToOwned::to_owned) };
    let mut headers = HeaderMap::new();
    headers.extend(header.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("/gateway"))));
    let told = endpoint(&place, &path.parse().unwrap(), &headers, "7");
    assert_eq!(told, format!("event: endpoint\ndata: {expected}\n\n"), "{public:?} {header:?} {path}");
}

#[test]
fn messages_go_to_a_path_of_the_host() {
    for path in ["/sse", "/sse/", "/sse/time", "/sse/time/", "/sse?shards=a,b"] {
        check(None, None, path, "/messages?sessionId=7");
        check(Some("https://mcp.example.com/mcp"), None, path, "/messages?sessionId=7");
    }
}

#[test]
fn below_a_path_of_a_proxy_messages_go_where_the_stream_is() {
    let cases = [("/sse", ""), ("/sse/", "../"), ("/sse/time", "../"), ("/sse/time/", "../../"), ("/sse?shards=a", "")];
    for (path, up) in cases {
        let expected = format!("{up}messages?sessionId=7");
        check(Some("https://example.com/gateway/mcp"), None, path, &expected);
        check(None, Some("x-forwarded-prefix"), path, &expected);
    }
}

/// A message that is answered at once, on its way in; ready when it has been let in.
type Post<'d> = Pin<Box<dyn Future<Output = u16> + Send + 'd>>;

fn post<'d>(door: &'d Door, id: &str) -> Post<'d> {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let request = Request::post(format!("/messages?{SESSION}={id}")).header("content-type", "application/json");
    let taken = take(door, request.body(Body::from(ping)).unwrap());
    Box::pin(async move { taken.await.unwrap().status().as_u16() })
}

/// Lets each of `waiting` go as far as it can, and gives the statuses of those that were let in.
async fn let_in(waiting: &mut Vec<Post<'_>>) -> Vec<u16> {
    const ROUNDS: usize = 20;
    let mut statuses = Vec::new();
    for _ in 0..ROUNDS {
        for mut post in std::mem::take(waiting) {
            match connection::begin(&mut post).await {
                Poll::Ready(status) => statuses.push(status),
                Poll::Pending => waiting.push(post),
            }
        }
        tokio::task::yield_now().await;
    }
    statuses
}

#[tokio::test]
async fn each_message_that_a_client_reads_lets_one_of_its_messages_in() {
    let tasks = Tasks::default();
    let (door, _world) = Door::for_tests(&tasks);
    let (output, mut queue) = connection::output();
    let client = Connection::new(door.mux.clone(), door.requests.clone(), output, tasks.clone());
    let entered = door.connected.enter(client);
    for _ in 0..connection::QUEUE {
        assert_eq!(post(&door, entered.id()).await, 202);
    }
    let mut waiting: Vec<_> = (0..5).map(|_| post(&door, entered.id())).collect();
    assert!(let_in(&mut waiting).await.is_empty(), "the client has to read first");
    for left in (0..5).rev() {
        queue.recv().await.unwrap();
        assert_eq!((let_in(&mut waiting).await, waiting.len()), (vec![202], left));
    }
    assert_eq!(queue.len(), connection::QUEUE);
    drop((waiting, entered));
    tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}
