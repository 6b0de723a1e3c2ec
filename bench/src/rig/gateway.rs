//! A gateway process with folders of its own.
//!
//! Invariant: it is killed when it is dropped, and its log stays in its folder until then.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{self, Memory};
use super::{Http, eventually};
use crate::cli::beside;

/// How long a gateway may take to listen, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    host: String,
    dir: Arc<TempDir>,
}

/// The shard file of an echo shard with these flags.
///
/// # Errors
/// The system does not say where this program is.
pub fn echo_shard(flags: &[&str]) -> anyhow::Result<String> {
    let arguments: Vec<&str> = [&["echo"], flags].concat();
    Ok(format!("command: {}\nargs: {}\n", beside("bench")?.display(), json!(arguments)))
}

impl Gateway {
    /// Starts a gateway with these shard files, by name, and these flags, and returns when it listens.
    ///
    /// # Errors
    /// It ends, or does not listen in time.
    pub async fn start(binary: &Path, shards: &[(&str, String)], flags: &[&str]) -> anyhow::Result<Self> {
        let dir = TempDir::with_prefix("bench-").context("no temporary folder")?;
        fs::create_dir(dir.path().join("shards.d"))?;
        for (name, text) in shards {
            write_shard(dir.path(), name, text)?;
        }
        Self::start_in(&Arc::new(dir), binary, flags).await
    }

    /// Starts a gateway with the folders of an earlier one.
    ///
    /// # Errors
    /// It ends, or does not listen in time.
    pub async fn start_in(dir: &Arc<TempDir>, binary: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let child = Self::spawn(dir.path(), binary, "127.0.0.1:0", flags)?;
        let mut gateway = Self { child, host: String::new(), dir: Arc::clone(dir) };
        let host = eventually("the gateway listens", PATIENCE, async || {
            let ended = gateway.child.try_wait().ok().flatten();
            ended.map(|status| Err(format!("it ended with {status}"))).or_else(|| banner(&gateway.log()).map(Ok))
        });
        match host.await? {
            Ok(host) => gateway.host = host,
            Err(ended) => bail!("{ended}: {}", gateway.log()),
        }
        Ok(gateway)
    }

    /// Starts a gateway at an address that the caller knows, and does not wait for it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_at(host: &str, dir: &Arc<TempDir>, binary: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let child = Self::spawn(dir.path(), binary, host, flags)?;
        Ok(Self { child, host: host.to_owned(), dir: Arc::clone(dir) })
    }

    fn spawn(dir: &Path, binary: &Path, listen: &str, flags: &[&str]) -> anyhow::Result<Child> {
        let log = File::create(dir.join("gateway.log"))?;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", listen, "--shards"]).arg(dir.join("shards.d"));
        command.arg("--state-dir").arg(dir.join("state")).args(flags).env("MCP_GATEWAY_LOG", "warn");
        // Only the counted gateway uses these pipes.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        command.spawn().with_context(|| format!("cannot start `{}`", binary.display()))
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder that holds `shards.d`, `state` and `gateway.log`.
    pub fn dir(&self) -> &Arc<TempDir> {
        &self.dir
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("gateway.log")).unwrap_or_default()
    }

    /// What it takes in memory now, without its shards.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        process::memory(self.pid())
    }

    /// The registry.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn health(&self) -> anyhow::Result<Value> {
        Http::connect(&self.host).await?.json("/health").await
    }

    /// The entry of one shard in the registry; null if there is none.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn shard(&self, name: &str) -> anyhow::Result<Value> {
        let health = self.health().await?;
        let entry = health["shards"].as_array().and_then(|all| all.iter().find(|shard| shard["name"] == name));
        Ok(entry.cloned().unwrap_or(Value::Null))
    }

    /// Waits until there are `count` shards and all of them are ready.
    ///
    /// # Errors
    /// Not within `limit`; the error holds the registry and the log.
    pub async fn until_ready(&self, count: usize, limit: Duration) -> anyhow::Result<()> {
        let ready = eventually("all shards are ready", limit, async || {
            let health = self.health().await.ok()?;
            let shards = health["shards"].as_array()?;
            (shards.len() == count && shards.iter().all(|shard| shard["state"] == "ready")).then_some(())
        });
        let waited = ready.await;
        match waited {
            Ok(()) => Ok(()),
            Err(error) => bail!("{error}: {:?}, log: {}", self.health().await, self.log()),
        }
    }

    /// Adds or replaces `NAME.yaml`, in one step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_shard(&self, name: &str, text: &str) -> anyhow::Result<()> {
        write_shard(self.dir.path(), name, text)
    }

    /// Takes `NAME.yaml` away.
    ///
    /// # Errors
    /// It is not there.
    pub fn remove_shard(&self, name: &str) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.dir.path().join("shards.d").join(format!("{name}.yaml")))?)
    }

    /// How often the counted gateway has allocated, and how many bytes.
    ///
    /// # Errors
    /// It is another gateway, or it has ended.
    pub fn allocations(&mut self) -> anyhow::Result<(u64, u64)> {
        self.child.stdin.as_mut().context("stdin is a pipe")?.write_all(b"\n")?;
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().context("stdout is a pipe")?).read_line(&mut line)?;
        let (count, bytes) = line.trim().split_once(' ').context("not a counted gateway")?;
        Ok((count.parse()?, bytes.parse()?))
    }

    /// Sends a signal to the gateway alone.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Stops it with SIGTERM and gives how it ended.
    ///
    /// # Errors
    /// It does not stop in time.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ended().await
    }

    /// Waits until it has ended, for whatever reason.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        eventually("the gateway stops", PATIENCE, async || self.child.try_wait().transpose()).await?.map_err(Into::into)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_shard(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let folder = dir.join("shards.d");
    let draft = dir.join(format!("{name}.draft"));
    fs::write(&draft, text)?;
    Ok(fs::rename(draft, folder.join(format!("{name}.yaml")))?)
}

/// The address in what the gateway prints when it listens.
fn banner(log: &str) -> Option<String> {
    let line = log.lines().find_map(|line| line.trim().strip_prefix("MCP "))?;
    Some(line.trim().strip_prefix("http://")?.strip_suffix("/mcp")?.to_owned())
}
