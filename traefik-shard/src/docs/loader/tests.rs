//! Many callers, one request: against a server that answers when the test says so.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::*;
use crate::docs::address::Site;

/// Answers each request after a call of `go`.
struct Server {
    site: Url,
    asked: Arc<AtomicUsize>,
    arrived: Arc<Notify>,
    go: Arc<Notify>,
    _tasks: JoinSet<()>,
}

async fn server(answer: &'static str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let (asked, arrived, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut tasks = JoinSet::new();
    let (count, arrive, wait) = (Arc::clone(&asked), Arc::clone(&arrived), Arc::clone(&go));
    tasks.spawn(async move {
        let mut open = JoinSet::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (count, arrive, wait) = (Arc::clone(&count), Arc::clone(&arrive), Arc::clone(&wait));
            open.spawn(async move {
                let read = stream.read(&mut [0; 4096]).await.unwrap();
                assert!(read > 0);
                count.fetch_add(1, Ordering::SeqCst);
                arrive.notify_one();
                wait.notified().await;
                // The client may be gone.
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Server { site, asked, arrived, go, _tasks: tasks }
}

fn loader(site: &Url) -> Arc<Loader> {
    let fetcher = Fetcher::new(Site::new(site).unwrap(), Duration::from_secs(30)).unwrap();
    Arc::new(Loader::new(fetcher, Duration::from_secs(60), 1 << 20))
}

const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
const REFUSED: &str = "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn callers_of_one_address_share_one_request() {
    let server = server(PAGE).await;
    let loader = loader(&server.site);
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (loader, url) = (Arc::clone(&loader), server.site.clone());
        callers.spawn(async move { loader.load(&url, Kind::Page).await.unwrap().from_cache });
    }
    server.arrived.notified().await;
    server.go.notify_one();
    let from_cache = callers.join_all().await;
    assert_eq!(from_cache.iter().filter(|from_cache| !**from_cache).count(), 1);
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
    assert!(loader.flights.lock().unwrap().values().all(|flight| flight.strong_count() == 0));
}

#[tokio::test]
async fn when_the_first_caller_goes_away_the_next_one_asks() {
    let server = server(PAGE).await;
    let loader = loader(&server.site);
    let mut callers = JoinSet::new();
    let start = |callers: &mut JoinSet<bool>| {
        let (loader, url) = (Arc::clone(&loader), server.site.clone());
        callers.spawn(async move { loader.load(&url, Kind::Page).await.is_ok() })
    };
    let first = start(&mut callers);
    server.arrived.notified().await;
    start(&mut callers);
    start(&mut callers);
    first.abort();
    assert!(callers.join_next().await.unwrap().unwrap_err().is_cancelled());
    server.arrived.notified().await;
    // One for the connection that nobody reads any more, one for the second.
    server.go.notify_one();
    server.go.notify_one();
    assert_eq!(callers.join_all().await, [true, true]);
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn those_who_wait_for_a_failure_fail_with_it() {
    let server = server(REFUSED).await;
    let loader = loader(&server.site);
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let (loader, url) = (Arc::clone(&loader), server.site.clone());
        callers.spawn(async move { loader.load(&url, Kind::Page).await.unwrap_err() });
    }
    server.arrived.notified().await;
    server.go.notify_one();
    assert_eq!(callers.join_all().await, vec![Fault::Status(500); 4]);
    assert_eq!(server.asked.load(Ordering::SeqCst), 1);
}
