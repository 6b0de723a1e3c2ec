//! The operator's own way of making Traefik reload, where it does not see changes by itself.
//!
//! The command never outlives its time, and what it prints goes to the log only.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tracing::{info, warn};

/// The longest that the command may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How much of its output is logged.
const KEPT: usize = 2048;

/// Runs the command with `sh -c` and waits for its end, at most `left` and never more than 10 s.
///
/// A fault of the command is logged and nothing else: whether Traefik reloaded is seen at its API.
pub(crate) async fn run(command: &str, left: Duration) {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // The password of the API is nothing that the command needs.
    shell.env_remove("TRAEFIK_API_PASSWORD").process_group(0).kill_on_drop(true);
    let mut child = match shell.spawn() {
        Ok(child) => child,
        Err(error) => return warn!(%error, "cannot run the reload command"),
    };
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    match timeout(left.min(LIMIT), finish(&mut child)).await {
        Ok(output) => info!(output = output.trim(), "the reload command ended"),
        Err(_) => {
            warn!("the reload command took too long and was killed");
            if let Some(group) = group
                && let Err(error) = kill_process_group(group, Signal::KILL)
            {
                warn!(%error, "cannot kill the reload command");
            }
            // The dropped child is killed and reaped by the runtime.
        }
    }
}

/// Waits for the end of the command and of its output.
async fn finish(child: &mut Child) -> String {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, out, err) = tokio::join!(child.wait(), drain(stdout), drain(stderr));
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    format!("{status}\n{out}{err}")
}

/// Reads to the end, so that the command is never held up, and keeps the beginning.
async fn drain(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        let room = KEPT - kept.len();
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
