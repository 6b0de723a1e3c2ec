//! An address that takes connections and says nothing; time is virtual.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use super::*;
use crate::app::peer::Address;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":"still here","method":"ping"}"#;

#[tokio::test(start_paused = true)]
async fn an_initialize_that_nobody_answers_fails_after_twenty_seconds_and_the_client_is_served_on() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Address::read(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let whereabouts = Whereabouts { url: Some(url), ..Whereabouts::default() };
    let options = ConnectOptions { whereabouts, stdio: StdioSettings::default() };
    let (client, own) = duplex(64 * 1024);
    let (stdin, stdout) = split(own);
    let tasks = Tasks::default();
    let speaking = async {
        let start = Instant::now();
        let (hears, mut says) = split(client);
        let mut lines = BufReader::new(hears).lines();
        says.write_all(format!("{INITIALIZE}\n{PING}\n").as_bytes()).await.unwrap();
        let failed = lines.next_line().await.unwrap().unwrap();
        assert!(
            failed.contains(r#""id":"hello","error""#) && failed.contains("does not answer within 20s"),
            "{failed}"
        );
        assert_eq!(start.elapsed().as_secs(), 20);
        let pong = lines.next_line().await.unwrap().unwrap();
        assert!(pong.contains(r#""id":"still here","result""#), "{pong}");
        says.shutdown().await.unwrap();
        assert_eq!(lines.next_line().await.unwrap(), None);
    };
    let both = async { tokio::join!(serve(stdin, stdout, options, &tasks), speaking) };
    timeout(Duration::from_secs(600), both).await.expect("it ends");
}
