//! Sessions that are opened and abandoned, and streams that nobody reads.
//!
//! Invariant: what is measured is the gateway alone; its shards and this program are other processes.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use clap::Args;
use gateway::wire::Era;
use hyper::Method;
use hyper::body::Incoming;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::cli::{Target, Verdict, beside};
use crate::findings::Findings;
use crate::rig::{Client, Gateway, Http, Latencies, echo_shard};

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// How many sessions are opened and abandoned.
    #[arg(long, value_name = "COUNT", default_value_t = 3000)]
    sessions: usize,
    /// How many streams are opened and never read.
    #[arg(long, value_name = "COUNT", default_value_t = 300)]
    streams: usize,
    /// How long nothing happens, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    idle: u64,
}

/// A session may cost less than so many bytes.
const A_SESSION: u64 = 32 << 10;
/// A newcomer is served within this.
const SERVED: Duration = Duration::from_secs(5);
const NEWCOMERS: usize = 50;
/// Clients that make the shard log and do not read what comes.
const DEAF: usize = 10;
/// While idle, memory may change by the pages of a timer, not more.
const GROWTH: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures, prints and judges.
///
/// # Errors
/// The run could not be made.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    Runtime::new()?.block_on(abandon(options))
}

async fn abandon(options: &Options) -> anyhow::Result<Verdict> {
    let chatty = format!("command: {}\nargs: [bad, --fault, chatty]\n", beside("bench")?.display());
    let shards = [("good", echo_shard(&[])?), ("chatty", chatty)];
    let gateway = Gateway::start(&options.target.binary()?, &shards, &[]).await?;
    gateway.until_ready(shards.len(), PATIENCE).await?;
    newcomer(&gateway).await?;
    let resident = || anyhow::Ok(gateway.memory()?.resident);
    let mut findings = Findings::default();
    let before = resident()?;
    findings.note("memory at the start", kib(before));

    for _ in 0..options.sessions {
        drop(Client::connect(gateway.host(), Era::Legacy).await?);
    }
    sleep(Duration::from_secs(1)).await;
    let per_session = resident()?.saturating_sub(before) / options.sessions.max(1) as u64;
    let figure = format!("memory for each of {} abandoned sessions", options.sessions);
    findings.judge(figure, bytes(per_session), bytes(A_SESSION), per_session < A_SESSION);

    let opened = resident()?;
    let mut unread = Vec::new();
    for _ in 0..options.streams {
        unread.push(stream(&gateway).await?);
    }
    sleep(Duration::from_secs(1)).await;
    let per_stream = resident()?.saturating_sub(opened) / options.streams.max(1) as u64;
    let figure = format!("memory for each of {} sessions with a stream that is not read", options.streams);
    findings.judge(figure, bytes(per_stream), bytes(A_SESSION), per_stream < A_SESSION);

    let quiet = resident()?;
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        deaf.push(call_and_leave(&gateway).await?);
    }
    // A list that changes is told on every stream.
    gateway.write_shard("third", &echo_shard(&[])?)?;
    gateway.until_ready(shards.len() + 1, PATIENCE).await?;
    sleep(Duration::from_secs(1)).await;
    let more = resident()?.saturating_sub(quiet);
    findings.note(format!("memory for {DEAF} unread calls with 2 MiB of log messages each"), kib(more));

    let mut served = Latencies::default();
    for _ in 0..NEWCOMERS {
        served.record(newcomer(&gateway).await?);
    }
    let slowest = served.percentile(1.0);
    let figure = format!("the slowest of {NEWCOMERS} newcomers, until its first answer");
    findings.judge(figure, format!("{slowest:.1?}"), format!("{SERVED:?}"), slowest < SERVED);

    let idle = resident()?;
    sleep(Duration::from_secs(options.idle)).await;
    let after = resident()?;
    let grown = after.saturating_sub(idle);
    let figure = format!("growth in {} s of idleness", options.idle);
    findings.judge(figure, kib(grown), kib(GROWTH), grown < GROWTH);
    let all = (options.sessions + options.streams) as u64;
    let whole = after.saturating_sub(before) / all.max(1);
    findings.judge("memory for each session, all together", bytes(whole), bytes(A_SESSION), whole < A_SESSION);
    findings.note("memory at the end", kib(after));
    drop((unread, deaf));
    let status = gateway.stop().await?;
    findings.judge("the gateway's exit", status, "exit status: 0", status.success());
    findings.print("sessions")
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes >> 10)
}

fn bytes(bytes: u64) -> String {
    format!("{bytes} B")
}

/// From connecting to the right answer of a first call.
async fn newcomer(gateway: &Gateway) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut client = Client::connect(gateway.host(), Era::Legacy).await?;
    ensure!(client.tools().await?.iter().any(|tool| tool == "good__echo"), "a newcomer is not shown the tool");
    let call = client.prepare("good__echo")?;
    let outcome = client.call(&call).await;
    ensure!(outcome.is_right(), "a newcomer got {outcome:?}");
    Ok(begun.elapsed())
}

/// A body that is not read, with the connection that it comes from.
type Unread = (Http, hyper::Response<Incoming>);

/// The GET stream of a new session.
async fn stream(gateway: &Gateway) -> anyhow::Result<Unread> {
    let client = Client::connect(gateway.host(), Era::Legacy).await?;
    let mut http = Http::connect(gateway.host()).await?;
    let session = client.session().unwrap_or_default();
    let headers = http.headers(&[("mcp-session-id", session), ("accept", "text/event-stream")])?;
    let response = http.open(Method::GET, "/mcp", headers, Bytes::new()).await?;
    ensure!(response.status() == 200, "a stream was answered with {}", response.status());
    Ok((http, response))
}

/// A call of a new session, which hears log messages and does not read its answer.
async fn call_and_leave(gateway: &Gateway) -> anyhow::Result<Unread> {
    let mut client = Client::connect(gateway.host(), Era::Legacy).await?;
    client.ask("logging/setLevel", json!({"level": "debug"})).await?;
    let mut http = Http::connect(gateway.host()).await?;
    let headers = http.headers(&[("mcp-session-id", client.session().unwrap_or_default())])?;
    let params = json!({"name": "chatty__echo", "arguments": {"token": "t"}});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let response = http.open(Method::POST, "/mcp", headers, call.to_string().into()).await?;
    ensure!(response.status() == 200, "a call was answered with {}", response.status());
    Ok((http, response))
}
