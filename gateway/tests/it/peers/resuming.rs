//! Real clients of Streamable HTTP whose connections are cut in the midst of a call, with nobody but their SDK to come
//! back.
//!
//! Invariant: a cut falls inside an event, so what was cut off is known to neither side.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::questions::told;
use crate::support::{Gateway, eventually, fake_shard};

/// A way to the gateway that breaks off, all connections at once, within each of some texts, once and in this order.
#[derive(Debug)]
struct Breaking {
    url: String,
    left: Arc<Mutex<Vec<&'static str>>>,
}

impl Breaking {
    async fn before(gateway: &Gateway, texts: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let left = Arc::new(Mutex::new(texts.to_vec()));
        let (cuts, _) = watch::channel(());
        let (host, texts) = (gateway.host().to_owned(), Arc::clone(&left));
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let Ok(far) = TcpStream::connect(&host).await else { continue };
                #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
                tokio::spawn(carry(near, far, Arc::clone(&texts), cuts.clone()));
            }
        });
        Self { url, left }
    }

    /// The texts at which nothing was cut yet.
    fn left(&self) -> Vec<&'static str> {
        self.left.lock().unwrap().clone()
    }
}

/// Both connections are closed as soon as this ends.
async fn carry(near: TcpStream, far: TcpStream, texts: Arc<Mutex<Vec<&'static str>>>, cuts: watch::Sender<()>) {
    let mut cut = cuts.subscribe();
    let ((mut asked, answered), (answers, mut asks)) = (near.into_split(), far.into_split());
    tokio::select! {
        _ = copy(&mut asked, &mut asks) => {}
        is_cut = until_cut(answers, answered, &texts) => {
            if is_cut {
                cuts.send_replace(());
            }
        }
        _ = cut.changed() => {}
    }
}

/// Carries answers up to the middle of the next text, which is true, or to their end.
async fn until_cut(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, texts: &Mutex<Vec<&'static str>>) -> bool {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let part = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let next = texts.lock().unwrap().first().copied();
        if let Some((text, at)) = next.and_then(|text| Some((text, part.find(text)?))) {
            texts.lock().unwrap().remove(0);
            to.write_all(&buffer[..at + text.len() / 2]).await.ok();
            return true;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return false;
        }
    }
    false
}

/// The steps that were told of a call; each must be there once, and in order.
fn steps(call: &Value) -> Vec<u64> {
    let steps = call["steps"].as_array().unwrap_or_else(|| panic!("{call}"));
    steps.iter().map(|step| step.as_f64().unwrap() as u64).collect()
}

fn up_to(last: u64) -> Vec<u64> {
    (1..=last).collect()
}

async fn none_is_left(gateway: &Gateway) {
    let is_idle = async || (gateway.shard("fake").await["in_flight"] == 0).then_some(());
    eventually("every call has ended", is_idle).await;
}

#[tokio::test]
async fn the_typescript_sdk_misses_and_repeats_nothing_of_calls_that_are_cut_and_another_client_reads_the_rest_of_one()
{
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let way = Breaking::before(&gateway, &["\"progress\":5,", "\"progress\":80,", "5 steps"]).await;
    let told = told("resuming.mjs", std::slice::from_ref(&way.url), &[]).await;
    assert!(way.left().is_empty(), "not cut at {:?}: {told}", way.left());
    for (call, last) in [("cut", 100), ("short", 5)] {
        assert_eq!(steps(&told[call]), up_to(last), "{call}: {told}");
        assert_eq!(told[call]["answers"], 1, "{call}: {told}");
        assert_eq!(told[call]["text"], format!("{last} steps"), "{told}");
    }
    let (before, rest) = (steps(&told["before"]), steps(&told["rest"]));
    assert_eq!([before, rest].concat(), up_to(50), "{told}");
    assert!(told["abandoned"].as_str().unwrap().contains("closed"), "{told}");
    assert_eq!((&told["rest"]["text"], &told["rest"]["answers"]), (&"50 steps".into(), &1.into()), "{told}");
    none_is_left(&gateway).await;
    gateway.stop().await;
}

/// What stands in the way of the Python SDK by `way` and is cut at `texts` must not be noticed by it.
async fn python_notices_nothing(texts: &[&'static str], way: impl Fn(&str) -> Vec<String>) {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let breaking = Breaking::before(&gateway, texts).await;
    let told = told("resuming.py", &way(&breaking.url), &[]).await;
    assert!(breaking.left().is_empty(), "not cut at {:?}: {told}", breaking.left());
    for (call, last) in [("cut", 100), ("short", 5)] {
        assert_eq!(told[call]["text"], format!("{last} steps"), "{told}");
        assert_eq!(steps(&told[call]), up_to(last), "{call}: {told}");
    }
    none_is_left(&gateway).await;
    gateway.stop().await;
}

/// Once for each call: when a stream that it has opened again is cut too, this SDK asks for what it has had.
#[tokio::test]
async fn the_python_sdk_misses_and_repeats_nothing_of_calls_that_are_cut() {
    python_notices_nothing(&["\"progress\":5,", "5 steps"], |url| vec![url.to_owned()]).await;
}

/// Also when what is asked for again is cut before anything of it has come.
#[tokio::test]
async fn a_client_of_a_gateway_that_is_joined_notices_nothing_of_connections_that_are_cut() {
    let texts = ["\"progress\":5,", "\"progress\":5,", "HTTP/1.1 200", "\"progress\":80,", "5 steps", "5 steps"];
    let program = env!("CARGO_BIN_EXE_mcp-gateway");
    let way = |url: &str| ["--stdio", program, "stdio", "--connect", url].map(str::to_owned).into();
    python_notices_nothing(&texts, way).await;
}
