//! One running child with the three tasks that serve its pipes.
//!
//! Invariant: what is launched is closed; [`Instance::close`] waits for the child and for its tasks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::config::ShardSpec;
use crate::shard::link::{self, Link};
use crate::shard::process::Process;
use crate::shard::stderr::{self, StderrTail};
use crate::shard::{Ended, Reason, Setup};
use crate::tasks::Tasks;

/// After its exit, what the child had written is still read for so long; and after it closed its output, its exit is
/// waited for so long.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// For so long the writer may go on with what is no call, in a hurry too.
const LAST_LINES: Duration = Duration::from_millis(50);
/// How many lines of stderr go with an ending.
const STDERR_LINES: usize = 20;

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) link: Link,
    process: Process,
    reader: JoinHandle<io::Result<()>>,
    writer: JoinHandle<io::Result<()>>,
    stderr: JoinHandle<()>,
    tail: StderrTail,
    /// Where in `tail` this child begins.
    born: u64,
}

impl Instance {
    /// Starts the shard's child.
    pub(crate) async fn launch(
        spec: &ShardSpec,
        setup: &Setup,
        link: Link,
        tail: StderrTail,
        tasks: &Tasks,
    ) -> Result<Self, Ended> {
        let born = tail.position();
        let launched = Process::launch(&spec.process, &setup.env, &spec.name, &setup.keeper).await;
        let (process, pipes) = launched.map_err(|reason| Ended { reason, stderr: Vec::new() })?;
        let span = tracing::Span::current();
        let reader = tasks.spawn(link::read(link.clone(), pipes.stdout).instrument(span.clone()));
        let writer = tasks.spawn(link::write(link.clone(), pipes.stdin).instrument(span.clone()));
        let stderr = tasks.spawn(stderr::read(pipes.stderr, tail.clone(), spec.mask.clone()).instrument(span));
        Ok(Self { link, process, reader, writer, stderr, tail, born })
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits until the child has exited, closed its output or stopped reading its input for good. Safe to cancel.
    pub(crate) async fn ended(&mut self) -> Reason {
        tokio::select! {
            status = self.process.exited() => {
                self.last_words().await;
                status.map_or(Reason::Closed, Reason::Exited)
            }
            () = finished(&mut self.reader) => self.exit_or_closed().await,
            () = finished(&mut self.writer) => self.exit_or_closed().await,
        }
    }

    async fn exit_or_closed(&mut self) -> Reason {
        let status = timeout(LAST_WORDS, self.process.exited()).await.ok().flatten();
        if status.is_some() {
            self.last_words().await;
        }
        status.map_or(Reason::Closed, Reason::Exited)
    }

    /// Lets what the child had written be read; a process that it left behind may hold its pipes open.
    async fn last_words(&mut self) {
        let read = async {
            finished(&mut self.reader).await;
            finished(&mut self.stderr).await;
        };
        let _ = timeout(LAST_WORDS, read).await;
    }

    /// The ending as it is reported, with the child's last words.
    pub(crate) fn report(&self, reason: Reason) -> Arc<Ended> {
        Arc::new(Ended { reason, stderr: self.tail.last_since(self.born, STDERR_LINES) })
    }

    /// Takes no more calls, waits up to `drain` for those under way, fails what is left with `ended`, and ends the child
    /// with its group within `stop` and the time that signals take. Once `hurry` is cancelled none of it takes long.
    pub(crate) async fn close(
        mut self,
        ended: &Arc<Ended>,
        drain: Duration,
        stop: Duration,
        hurry: &CancellationToken,
    ) {
        // Before calls are refused, since a writer without calls closes stdin.
        self.process.look_around().await;
        self.link.refuse_calls();
        // The writer ends when all calls are answered.
        let _ = hurry.run_until_cancelled(timeout(drain, finished(&mut self.writer))).await;
        self.link.fail_all(ended);
        // A cancellation that was asked for just before is still told, unless the child reads no more.
        let _ = timeout(LAST_LINES, finished(&mut self.writer)).await;
        self.writer.abort();
        let status = self.process.close(stop, hurry).await;
        tracing::debug!(?status, "the child is gone");
        for task in [self.reader.abort_handle(), self.stderr.abort_handle()] {
            task.abort();
        }
    }
}

/// Waits for a task, also one that has been waited for before.
async fn finished<T>(task: &mut JoinHandle<T>) {
    if !task.is_finished() {
        let _ = task.await;
    }
}
