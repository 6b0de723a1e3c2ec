//! The child process: started in a group of its own, and ended with that group.
//!
//! Invariant: there is no await between "started" and "owned", and every path out goes through [`Process::close`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::ProcessSpec;
use crate::shard::Reason;

/// How long a group has between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How long each step may take when the whole gateway stops.
const HURRIED: Duration = Duration::from_millis(700);
/// How long a killed group is waited for.
const DYING: Duration = Duration::from_millis(500);

/// A child and its group. Dropped without [`Process::close`], as when the gateway is stopped at once, the group is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
}

/// The child's ends of its pipes.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Process {
    /// Starts the program with exactly the variables in `env`.
    pub(crate) fn launch(spec: &ProcessSpec, env: &BTreeMap<OsString, OsString>) -> Result<(Self, Pipes), Reason> {
        let mut command = Command::new(&spec.program);
        command.args(spec.args.iter().map(|arg| arg.expose())).env_clear().envs(env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        if let Some(directory) = &spec.cwd {
            command.current_dir(directory);
        }
        let program = || spec.program.display().to_string();
        let mut child = command.spawn().map_err(|source| Reason::Spawn { program: program(), source })?;
        let pipes = Pipes {
            stdin: child.stdin.take().expect("stdin is piped"),
            stdout: child.stdout.take().expect("stdout is piped"),
            stderr: child.stderr.take().expect("stderr is piped"),
        };
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok((Self { child, group }, pipes))
    }

    /// The process id, until it has been reaped.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the exit. Safe to cancel.
    pub(crate) async fn exited(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Ends the child and its group; its stdin must have been closed. Gives it `grace`, then SIGTERM, then SIGKILL; once
    /// `hurry` is cancelled, only a moment for each.
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
    }
}
