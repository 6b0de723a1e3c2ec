//! Every task has an owner, a stop token and someone who waits.
//!
//! Invariant: this is the only file that spawns, so nothing runs on after [`Tasks::shutdown`] without being named.

use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinHandle, block_in_place};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A group of tasks that stops and ends as one.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// Tasks were still running when the time to stop was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{left} tasks still running after {grace:?}")]
pub struct ShutdownTimeout {
    /// How many.
    pub left: usize,
    /// How long they were waited for.
    pub grace: Duration,
}

impl Tasks {
    /// A group that also stops when this one does. Whoever makes it waits for it.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { tracker: TaskTracker::new(), stop: self.stop.child_token() }
    }

    /// Cancelled when the group is asked to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs `task` until it ends of itself; it must watch [`Tasks::stop`].
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
        let handle = tokio::spawn(self.tracker.track_future(task));
        handle
    }

    /// Runs `task` until it ends or the group is asked to stop, at its next await point.
    pub fn spawn_until_stop<F>(&self, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.spawn(async move {
            stop.run_until_cancelled(task).await;
        })
    }

    /// Asks every task to stop and waits for them.
    ///
    /// # Errors
    /// [`ShutdownTimeout`] if some are left after `grace`; they go on unwatched.
    pub async fn shutdown(&self, grace: Duration) -> Result<(), ShutdownTimeout> {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(grace, self.tracker.wait())
            .await
            .map_err(|_| ShutdownTimeout { left: self.tracker.len(), grace })
    }
}

/// Leaves in `place` how the task of `context` is woken, for one waiter at a time.
pub fn wait_in(place: &mut Option<Waker>, context: &Context<'_>) {
    match place {
        // Mostly the same one, which then costs nothing.
        Some(waker) => waker.clone_from(context.waker()),
        none => *none = Some(context.waker().clone()),
    }
}

/// Work on more bytes than this keeps a thread from its other tasks for long enough to be noticed: giving the
/// thread away costs about as much as reading so much text.
const HEAVY: usize = 1024 * 1024 + 64 * 1024;

/// Does work whose time grows with `bytes`. If they are many, this thread's other tasks go on elsewhere meanwhile.
pub fn work_on<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let runtime = (bytes > HEAVY).then(Handle::try_current).and_then(Result::ok);
    match runtime {
        Some(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_go_on_while_a_task_works_on_much() {
        let tasks = Tasks::default();
        let (said, heard) = std::sync::mpsc::channel();
        let speaks = async move {
            tokio::task::yield_now().await;
            said.send(()).unwrap();
        };
        let works = async move {
            let limit = Duration::from_secs(30);
            work_on(HEAVY + 1, || heard.recv_timeout(limit).is_ok())
        };
        tasks.spawn(speaks);
        assert!(tasks.spawn(works).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_names_what_it_leaves_behind() {
        let tasks = Tasks::default();
        tasks.spawn_until_stop(std::future::pending());
        tasks.shutdown(Duration::from_secs(1)).await.unwrap();
        let deaf = tasks.spawn(std::future::pending::<()>());
        let left = tasks.shutdown(Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(left, ShutdownTimeout { left: 1, grace: Duration::from_secs(1) });
        deaf.abort();
    }
}
