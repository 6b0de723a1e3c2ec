//! What only this system has: `/proc`, prctl, signals to processes that cannot be mistaken for others.
//!
//! Invariant: nothing else in the gateway reads `/proc` or calls prctl, so that another system needs this module only. Where
//! there is no `/proc`, the table is empty, and children are still ended by their groups.

pub(crate) mod table;

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitOptions, getpid, getppid, kill_process, setrlimit, waitpid};
use tokio::process::Command;

use self::table::Id;

/// Lets a child write much at once: at 64 KiB, which is usual, a large result costs a switch between the two for each of its
/// pieces. Where the system allows no more, nothing changes.
#[cfg(target_os = "linux")]
pub(crate) fn widen(pipe: &impl std::os::fd::AsFd) {
    const PIPE: usize = 512 * 1024;
    if let Err(error) = rustix::pipe::fcntl_setpipe_size(pipe, PIPE) {
        tracing::debug!(error = &error as &dyn std::error::Error, "a pipe keeps its size");
    }
}

/// Other systems decide by themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn widen(_pipe: &impl std::os::fd::AsFd) {}

/// The child is killed when the thread that spawns it ends, fails to start if its parent is gone by then, and has the
/// limit of open files that the gateway was started with.
#[expect(unsafe_code, reason = "the closure makes system calls and nothing else, which is what may run before exec")]
pub(crate) fn tie(command: &mut Command, open_files: Rlimit) {
    let parent = getpid();
    let tie = move || {
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that died before the line above is not noticed by it.
        if getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        setrlimit(Resource::Nofile, open_files)?;
        Ok(())
    };
    // SAFETY: the closure neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(tie);
    }
}

/// From now on a process below this one that loses its parent becomes this one's child, wherever it stands.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(getpid()))?;
    Ok(())
}

/// Takes the dead children from the table that are not in `own`: those are waited for by who started them. Gives their
/// number.
pub(crate) fn reap_adopted(own: &[Id]) -> usize {
    let us = std::process::id();
    let adopted =
        table::all().into_iter().filter(|seen| seen.is_dead() && seen.parent == us && !own.contains(&seen.id));
    adopted
        .filter(|seen| waitpid(Some(seen.id.raw()), WaitOptions::NOHANG).is_ok_and(|reaped| reaped.is_some()))
        .count()
}

/// Sends a signal to that process and no other, even if its number has been given away meanwhile. One that is gone is no
/// error.
pub(crate) fn signal(id: Id, signal: Signal) -> io::Result<()> {
    match send(id, signal) {
        Err(Errno::SRCH) => Ok(()),
        sent => Ok(sent?),
    }
}

#[cfg(target_os = "linux")]
fn send(id: Id, signal: Signal) -> rustix::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    match pidfd_open(id.raw(), PidfdFlags::empty()) {
        // Opened first and looked at then: what is looked at is what gets the signal.
        Ok(process) if is_there(id) => pidfd_send_signal(process, signal),
        Err(Errno::NOSYS) if is_there(id) => kill_process(id.raw(), signal),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(id: Id, signal: Signal) -> rustix::io::Result<()> {
    if is_there(id) { kill_process(id.raw(), signal) } else { Ok(()) }
}

fn is_there(id: Id) -> bool {
    table::seen(id.pid).is_some_and(|seen| seen.id == id)
}

/// A name for this run of the system, and for the view of it that numbers processes; numbers from another are worth
/// nothing here.
pub(crate) fn here() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbering = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {}", boot.trim(), numbering.display())
}

impl Id {
    fn raw(self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid).unwrap_or(i32::MAX)).unwrap_or(Pid::INIT)
    }
}
