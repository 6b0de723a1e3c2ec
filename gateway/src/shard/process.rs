//! The child process: started in a group of its own, and ended with that group and with what has left it.
//!
//! Invariant: there is no await between "started" and "owned", and every path out goes through [`Process::close`] or the
//! drop, which kills.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::{ProcessSpec, ShardName};
use crate::shard::Reason;
use crate::shard::keeper::Keeper;
use crate::shard::keeper::ledger::Entry;
use crate::shard::os::table::Id;
use crate::shard::os::widen;

/// How long a group has between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long each step may take when the whole gateway stops.
const HURRIED: Duration = Duration::from_millis(700);
/// How long a killed group is waited for.
const DYING: Duration = Duration::from_millis(500);

/// A child and its group. Dropped without [`Process::close`], as when the gateway is stopped at once, they are killed, and
/// soon after what has left the group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
    entry: Entry,
    keeper: Keeper,
    /// Those below it when it was looked at last: one that leaves the group and hides its marker is found only so.
    family: Vec<Id>,
    is_closed: bool,
}

/// The child's ends of its pipes.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Process {
    /// Starts the program with exactly the variables in `env` and the keeper's marker. It may take a while when the
    /// gateway has only just started: what an earlier one left behind is ended first.
    pub(crate) async fn launch(
        spec: &ProcessSpec,
        env: &BTreeMap<OsString, OsString>,
        shard: &ShardName,
        keeper: &Keeper,
    ) -> Result<(Self, Pipes), Reason> {
        let mut command = Command::new(&spec.program);
        command.args(spec.args.iter().map(|arg| arg.expose())).env_clear().envs(env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        if let Some(directory) = &spec.cwd {
            command.current_dir(directory);
        }
        let program = || spec.program.display().to_string();
        let launched = keeper.launch(shard, command).await;
        let mut process = launched.map_err(|source| Reason::Spawn { program: program(), source })?;
        let pipes = Pipes {
            stdin: process.child.stdin.take().expect("stdin is piped"),
            stdout: process.child.stdout.take().expect("stdout is piped"),
            stderr: process.child.stderr.take().expect("stderr is piped"),
        };
        widen(&pipes.stdout);
        Ok((process, pipes))
    }

    /// Takes over a child that leads a group of its own.
    pub(crate) fn own(child: Child, entry: Entry, keeper: Keeper) -> Self {
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Self { child, group, entry, keeper, family: Vec::new(), is_closed: false }
    }

    /// The process id, until it has been reaped.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the exit. Safe to cancel.
    pub(crate) async fn exited(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Notes who is below the child, while their parents are there to tell. To be called before its stdin is closed.
    pub(crate) async fn look_around(&mut self) {
        if self.id().is_none() {
            return;
        }
        let entry = self.entry.clone();
        self.family = spawn_blocking(move || Keeper::family(&entry)).await.unwrap_or_default();
    }

    /// Ends the child, its group and what has left it; its stdin must have been closed. Gives it `grace`, then SIGTERM, then
    /// SIGKILL; once `hurry` is cancelled, only a moment for each.
    pub(crate) async fn close(mut self, grace: Duration, hurry: &CancellationToken) -> Option<ExitStatus> {
        let mut status = self.exited_within(grace, hurry).await;
        if status.is_none() {
            self.signal(Signal::TERM);
            status = self.exited_within(TERM_GRACE, hurry).await;
        }
        // Also when the leader went of itself: what it started may not have.
        self.signal(Signal::KILL);
        if status.is_none() {
            status = self.exited().await;
        }
        // They die a moment after the signal. The last of them may wait for its reaper, which need not be us.
        let _ = timeout(DYING, self.group_gone()).await;
        // The number may be another group's soon.
        self.group = None;
        let (keeper, entry, family) = (self.keeper.clone(), self.entry.clone(), std::mem::take(&mut self.family));
        self.is_closed = spawn_blocking(move || keeper.finish(&entry, &family)).await.is_ok();
        status
    }

    async fn group_gone(&self) {
        while self.group.is_some_and(|group| test_kill_process_group(group).is_ok()) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn exited_within(&mut self, grace: Duration, hurry: &CancellationToken) -> Option<ExitStatus> {
        let hurried = async {
            hurry.cancelled().await;
            sleep(HURRIED).await;
        };
        tokio::select! {
            status = self.exited() => status,
            () = sleep(grace) => None,
            () = hurried => None,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Fails only when nobody is left, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if !self.is_closed {
            self.keeper.abandon(&self.entry);
        }
    }
}
