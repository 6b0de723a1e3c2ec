//! What the Traefik shard costs: listing thousands of routers, and the time from a call of `create_route` until the route
//! answers, beside the throttle with which Traefik itself takes changes up.
//!
//! Invariant: Traefik is the real one, the calls go through the gateway, and every created route is asked before it counts.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use clap::Args;
use gateway::wire::Era;
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;

use crate::cli::{Target, Verdict, beside};
use crate::findings::Findings;
use crate::rig::{Client, Gateway, Http, Latencies, eventually, memory};

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// Traefik's binary [default: the one among the test peers, which `make test` installs].
    #[arg(long, value_name = "PATH")]
    traefik: Option<PathBuf>,
    /// How many routers Traefik has when they are listed.
    #[arg(long, value_name = "COUNT", default_value_t = 5000)]
    routers: usize,
    /// How often each thing is measured.
    #[arg(long, value_name = "COUNT", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// The throttles beside which a route is created, in milliseconds; the second is Traefik's default.
const THROTTLES: [u64; 2] = [100, 2000];
/// What a route may take beyond the throttle.
const BEYOND: Duration = Duration::from_millis(500);
/// What one page of the list may take of a model's context.
const PAGE: usize = 128 << 10;
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures, prints and judges.
///
/// # Errors
/// The run could not be made.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    Runtime::new()?.block_on(async {
        let mut findings = Findings::default();
        list(options, &mut findings).await?;
        for throttle in THROTTLES {
            create(options, throttle, &mut findings).await?;
        }
        findings.print("traefik")
    })
}

/// A page of the list of many routers, beside the bare answer of Traefik's API.
async fn list(options: &Options, findings: &mut Findings) -> anyhow::Result<()> {
    let rig = Rig::start(options, THROTTLES[0], options.routers).await?;
    let mut client = Client::connect(rig.gateway.host(), Era::Modern).await?;
    let pid = rig.gateway.shard("traefik").await?["pid"].as_u64().context("a shard without a pid")? as u32;
    let before = memory(pid)?.resident;
    let (mut listed, mut bare) = (Latencies::default(), Latencies::default());
    let (mut page, mut raw) = (0, 0);
    for _ in 0..options.rounds {
        let begun = Instant::now();
        let mut http = Http::connect(&rig.api).await?;
        let headers = http.headers(&[])?;
        raw = http.send(Method::GET, "/api/rawdata", headers, Bytes::new()).await?.body.len();
        bare.record(begun.elapsed());
        let begun = Instant::now();
        let params = json!({"name": "traefik__list_routes", "arguments": {}});
        let response = client.post("tools/call", params).await?;
        listed.record(begun.elapsed());
        let answer: Value = serde_json::from_slice(response.message().context("an answer without a message")?)?;
        let total = &answer["result"]["structuredContent"]["total"];
        ensure!(*total == options.routers, "{} routers, listed {total}", options.routers);
        page = response.body.len();
    }
    let what = format!("list_routes of {} routers", options.routers);
    findings.note(format!("{what}: p50, slowest"), pair(&mut listed));
    findings.note("the same from Traefik's API, not read: p50, slowest", pair(&mut bare));
    findings.note("bytes that Traefik's API sends", raw);
    findings.judge(format!("{what}: bytes of the answer"), page, PAGE, page <= PAGE);
    findings.note(
        "the shard's memory before, and after",
        format!("{} KiB, {} KiB", before >> 10, memory(pid)?.resident >> 10),
    );
    rig.stop().await
}

/// Routes that are created one after the other, each asked through Traefik as soon as the call has returned.
async fn create(options: &Options, throttle: u64, findings: &mut Findings) -> anyhow::Result<()> {
    let rig = Rig::start(options, throttle, 1).await?;
    let mut client = Client::connect(rig.gateway.host(), Era::Modern).await?;
    let mut created = Latencies::default();
    for round in 0..options.rounds {
        let host = format!("bench-{round}.test");
        let arguments =
            json!({"name": format!("bench-{round}"), "host": host, "backend_url": format!("http://{}", rig.backend)});
        let begun = Instant::now();
        let result = client.ask("tools/call", json!({"name": "traefik__create_route", "arguments": arguments})).await?;
        created.record(begun.elapsed());
        ensure!(result["isError"] != true, "create_route: {result}");
        let status = rig.ask(&host).await?;
        ensure!(status == 200, "`{host}` answers {status} after create_route has returned");
        // The next call must not meet the same moment of Traefik's throttle each time.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..throttle))).await;
    }
    let limit = Duration::from_millis(throttle) + BEYOND;
    let slowest = created.percentile(1.0);
    let what = format!("create_route until it answers, throttle {throttle} ms");
    findings.note(format!("{what}: p50"), milliseconds(created.percentile(0.5)));
    findings.judge(
        format!("{what}: slowest of {}", options.rounds),
        milliseconds(slowest),
        milliseconds(limit),
        slowest <= limit,
    );
    rig.stop().await
}

fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn pair(latencies: &mut Latencies) -> String {
    format!("{:.1?}, {:.1?}", latencies.percentile(0.5), latencies.percentile(1.0))
}

/// A Traefik with a gateway in front of the shard, and a backend.
struct Rig {
    gateway: Gateway,
    traefik: Traefik,
    /// Where Traefik's API and its entry point `web` listen, and the backend.
    api: String,
    web: String,
    backend: SocketAddr,
    /// The backend's task ends with the rig.
    _backend: tokio::task::JoinSet<()>,
}

impl Rig {
    async fn start(options: &Options, throttle: u64, routers: usize) -> anyhow::Result<Self> {
        let mut tasks = tokio::task::JoinSet::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let backend = listener.local_addr()?;
        tasks.spawn(serve(listener));
        let traefik = Traefik::start(&binary(options)?, throttle, &routes(routers, backend))?;
        let (api, web) = (traefik.api.clone(), traefik.web.clone());
        let last = format!("route-{}.test", routers - 1);
        eventually("Traefik serves its file", PATIENCE, async || (ask(&web, &last).await.ok()? == 200).then_some(()))
            .await?;
        let state = traefik.dir.path().join("state");
        let shard = format!(
            "command: {}\nenv:\n  TRAEFIK_API_URL: http://{api}\n  TRAEFIK_DYNAMIC_DIR: {}\n  TRAEFIK_STATE_DIR: {}\n",
            beside("traefik-shard")?.display(),
            traefik.dynamic().display(),
            state.display(),
        );
        let gateway = Gateway::start(&options.target.binary()?, &[("traefik", shard)], &[]).await?;
        gateway.until_ready(1, PATIENCE).await?;
        Ok(Self { gateway, traefik, api, web, backend, _backend: tasks })
    }

    async fn ask(&self, host: &str) -> anyhow::Result<u16> {
        ask(&self.web, host).await
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.traefik.end();
        let status = self.gateway.stop().await?;
        ensure!(status.success(), "the gateway ended with {status}");
        Ok(())
    }
}

/// The status with which Traefik answers for a host.
async fn ask(web: &str, host: &str) -> anyhow::Result<u16> {
    let mut http = Http::connect(web).await?;
    let headers = http.headers(&[("host", host)])?;
    Ok(http.send(Method::GET, "/", headers, Bytes::new()).await?.status)
}

/// Answers every connection once.
async fn serve(listener: tokio::net::TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = [0; 4096];
        // A client that leaves early is not what is measured.
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    }
}

/// A dynamic configuration with many routers, as a person's file would have them.
fn routes(count: usize, backend: SocketAddr) -> String {
    let mut text = String::from("http:\n  routers:\n");
    for number in 0..count {
        text += &format!(
            "    route-{number}:\n      rule: Host(`route-{number}.test`)\n      service: service-{}\n",
            number % 100
        );
    }
    text += "  services:\n";
    for number in 0..count.min(100) {
        text += &format!(
            "    service-{number}:\n      loadBalancer:\n        servers:\n          - url: http://{backend}\n"
        );
    }
    text
}

fn binary(options: &Options) -> anyhow::Result<PathBuf> {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.peers/python/bin/traefik");
    let path = options.traefik.clone().unwrap_or(peers);
    path.canonicalize()
        .with_context(|| format!("no Traefik at `{}`: run `make peers`, or give --traefik", path.display()))
}

/// A Traefik process with a folder of its own; it is killed when it is dropped.
struct Traefik {
    child: Child,
    api: String,
    web: String,
    dir: TempDir,
}

impl Traefik {
    fn start(binary: &Path, throttle: u64, routes: &str) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("bench-")?;
        let dynamic = dir.path().join("dynamic");
        fs::create_dir(&dynamic)?;
        fs::write(dynamic.join("people.yml"), routes)?;
        let [api, web] = free()?;
        let settings = json!({
            "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
            "api": {"insecure": true},
            "entryPoints": {"traefik": {"address": api}, "web": {"address": web}},
            "providers": {"providersThrottleDuration": format!("{throttle}ms"), "file": {"directory": dynamic, "watch": true}},
        });
        let file = dir.path().join("traefik.yml");
        fs::write(&file, settings.to_string())?;
        let log = File::create(dir.path().join("traefik.log"))?;
        let mut command = Command::new(binary);
        command.arg("--configFile").arg(&file).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start `{}`", binary.display()))?;
        Ok(Self { child, api, web, dir })
    }

    fn dynamic(&self) -> PathBuf {
        self.dir.path().join("dynamic")
    }

    fn end(&mut self) {
        // Both fail only for a child that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Traefik {
    fn drop(&mut self) {
        self.end();
    }
}

/// Two addresses of loopback that nobody listens at now.
fn free() -> anyhow::Result<[String; 2]> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let mut addresses = Vec::new();
    for listener in &listeners {
        addresses.push(listener.local_addr()?.to_string());
    }
    match addresses.try_into() {
        Ok(two) => Ok(two),
        Err(other) => bail!("two listeners have {other:?}"),
    }
}
