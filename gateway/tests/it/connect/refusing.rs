//! Addresses at which there is no gateway: what the client is told, and that it can leave at any time.

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{initialize, joined_at};
use crate::support::Gateway;

/// What a server that answers everything with `answer`, or not at all, makes of `initialize`.
async fn told(scheme: &str, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://{}/mcp", listener.local_addr().unwrap());
    let serving = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    };
    let asking = async {
        let mut client = joined_at(&url);
        client.send(initialize(&json!({}))).await;
        let answer = client.answer("hello").await;
        assert!(client.finish().await.is_empty());
        answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    tokio::select! {
        () = serving => unreachable!("it serves for ever"),
        told = asking => told,
    }
}

#[tokio::test]
async fn what_is_no_gateway_is_told_by_what_it_answers() {
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    let none = "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for (scheme, answer, why) in [
        ("http", page, "no MCP message: its content type is `text/html`; is it the address of a gateway"),
        ("http", none, "HTTP status 404 Not Found; is it the address of a gateway"),
        ("https", page, "it does not speak TLS; an address of it begins with `http://`"),
    ] {
        let told = told(scheme, answer).await;
        assert!(told.contains(why), "{told}");
        assert!(!told.contains("may have run"), "{told}");
    }
}

#[tokio::test]
async fn a_client_that_waits_for_whoever_does_not_answer_is_stopped_by_a_signal() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = joined_at(&format!("http://{}", silent.local_addr().unwrap()));
    client.send(initialize(&json!({}))).await;
    let taken = silent.accept().await.unwrap();
    client.signal(Signal::TERM);
    let (said, status) = client.ends(&client.children()).await;
    assert_eq!((said.len(), status.code()), (0, Some(0)), "log:\n{}", client.log());
    drop(taken);
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_refused_before_anything_is_asked() {
    let gateway = Gateway::builder();
    let mut client = gateway.flags(&["--connect", "nonsense://x"]).stdio();
    let (said, status) = client.ends(&client.children()).await;
    assert_eq!((said.len(), status.code()), (0, Some(2)), "log:\n{}", client.log());
    assert!(client.log().contains("nonsense://x"), "{}", client.log());
}
