//! From the start of the process to its first answer, whatever the shards do.
//!
//! Invariant: the clock starts before the process does and stops when `/livez` has been answered over a new connection.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::report::Report;
use super::{Pace, SHARDS};
use crate::rig::{Gateway, Latencies, echo_shard};

/// When a gateway that does not listen is given up.
const LIMIT: Duration = Duration::from_secs(10);

/// Starts gateways without shards, with good ones, with ones that never answer and with ones that take 15 s.
pub(super) async fn measure(binary: &Path, pace: Pace, report: &mut Report) -> anyhow::Result<()> {
    // What is deaf to the end of stdin is stopped at once, so that the run goes on.
    let script = |text: &str| format!("command: sh\nargs: [\"-c\", \"{text}\"]\ntimeouts: {{ stop: 20ms }}\n");
    let kinds = [
        ("no shards", 0, String::new()),
        ("ten good shards", SHARDS, echo_shard(&[])?),
        ("ten that never answer", SHARDS, script("exec sleep 600")),
        ("ten that start in 15 s", SHARDS, script("sleep 15; exec cat")),
    ];
    for (kind, count, text) in kinds {
        let mut latencies = Latencies::default();
        for _ in 0..pace.starts {
            let dir = Arc::new(TempDir::with_prefix("bench-")?);
            fs::create_dir(dir.path().join("shards.d"))?;
            for number in 0..count {
                fs::write(dir.path().join("shards.d").join(format!("s{number}.yaml")), &text)?;
            }
            let host = free_address()?;
            let start = Instant::now();
            let gateway = Gateway::start_at(&host, &dir, binary, &[])?;
            until_live(&host, start).with_context(|| gateway.log())?;
            latencies.record(start.elapsed());
            gateway.stop().await?;
        }
        report.starts(kind, latencies.percentile(0.5), latencies.percentile(1.0));
    }
    Ok(())
}

fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// Knocks four times a millisecond, which costs next to nothing and blurs the figure as little.
fn until_live(host: &str, start: Instant) -> anyhow::Result<()> {
    while start.elapsed() < LIMIT {
        if let Ok(mut stream) = TcpStream::connect(host) {
            stream.write_all(format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
            bail!("/livez answered {answer}");
        }
        std::thread::sleep(Duration::from_micros(250));
    }
    bail!("it does not listen within {LIMIT:?}")
}
