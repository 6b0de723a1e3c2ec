//! The floor of large results: what any HTTP server in front of a child costs. The body of each request goes to a shard as a
//! line, and the shard's line back as the answer.
//!
//! Invariant: neither is looked at but for line breaks, and the n-th line that comes answers the n-th that went, which is what
//! the echo shard does.

use std::collections::VecDeque;
use std::process::Stdio;

use anyhow::Context as _;
use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};

use crate::cli::beside;

/// As large as the gateway's.
const PIPE: usize = 512 * 1024;
/// Holds any of the lines, so that it seldom moves.
const BUFFER: usize = 2 << 20;

type Waiting = oneshot::Sender<Bytes>;

/// A shard that answers lines.
#[derive(Debug, Clone)]
pub(super) struct Relay {
    requests: mpsc::Sender<(Bytes, Waiting)>,
}

impl Relay {
    /// Starts an echo shard whose results carry `pad` bytes; it ends with the runtime.
    pub(super) fn start(pad: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(beside("bench")?);
        command.args(["echo", "--pad", &pad.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().context("cannot start the shard")?;
        let (requests, inbox) = mpsc::channel(64);
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (input, output) = (input.context("stdin is a pipe")?, output.context("stdout is a pipe")?);
        rustix::pipe::fcntl_setpipe_size(&output, PIPE)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the runtime, and so the task, ends with the process that is killed"
        )]
        tokio::spawn(carry(child, input, output, inbox));
        Ok(Self { requests })
    }

    /// The line that answers this one.
    pub(super) async fn ask(&self, request: Bytes) -> Option<Bytes> {
        let (sender, answer) = oneshot::channel();
        self.requests.send((request, sender)).await.ok()?;
        answer.await.ok()
    }
}

/// Until the shard ends or nobody can ask any more.
async fn carry(
    _child: Child,
    mut input: ChildStdin,
    mut output: ChildStdout,
    mut inbox: mpsc::Receiver<(Bytes, Waiting)>,
) {
    let mut waiting = VecDeque::new();
    let mut buffer = BytesMut::with_capacity(BUFFER);
    let mut searched = 0;
    loop {
        tokio::select! {
            asked = inbox.recv() => {
                let Some((request, sender)) = asked else { return };
                waiting.push_back(sender);
                if input.write_all(&[&request[..], b"\n"].concat()).await.is_err() {
                    return;
                }
            }
            read = output.read_buf(&mut buffer) => if !read.is_ok_and(|read| read > 0) {
                return;
            },
        }
        while let Some(found) = memchr(b'\n', &buffer[searched..]) {
            let line = buffer.split_to(searched + found).freeze();
            buffer.advance(1);
            searched = 0;
            // Whoever asked may have hung up.
            waiting.pop_front().map(|sender: Waiting| sender.send(line));
        }
        searched = buffer.len();
        if buffer.capacity() - buffer.len() < PIPE {
            buffer.reserve(BUFFER);
        }
    }
}
