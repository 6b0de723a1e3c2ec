//! Which processors the processes of a run may use.
//!
//! Invariant: what is narrowed is widened again when the [`Pinned`] is dropped.

use std::fs;

use anyhow::Context as _;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// This process and others share one processor while it lives.
#[derive(Debug)]
pub struct Pinned {
    pids: Vec<u32>,
    before: CpuSet,
}

impl Pinned {
    /// Narrows all threads of these processes, and the caller's thread and those that it starts, to one processor.
    ///
    /// # Errors
    /// The system does not say or does not let choose who runs where.
    pub fn to_one(pids: Vec<u32>) -> anyhow::Result<Self> {
        let before = sched_getaffinity(None).context("which processors are there?")?;
        let first = (0..CpuSet::MAX_CPU).find(|processor| before.is_set(*processor)).unwrap_or_default();
        let mut one = CpuSet::new();
        one.set(first);
        let pinned = Self { pids, before };
        sched_setaffinity(None, &one).context("cannot choose a processor")?;
        pinned.run_on(&one);
        Ok(pinned)
    }

    /// A thread that has ended meanwhile needs no processor.
    fn run_on(&self, processors: &CpuSet) {
        for pid in &self.pids {
            for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
                let thread = task.file_name().to_str().and_then(|name| Pid::from_raw(name.parse().ok()?));
                let _ = sched_setaffinity(thread, processors);
            }
        }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.run_on(&self.before);
        let _ = sched_setaffinity(None, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_narrowed_and_widened_again() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let all = sched_getaffinity(Some(pid)).unwrap();
        let pinned = Pinned::to_one(vec![child.id()]).unwrap();
        assert_eq!(sched_getaffinity(Some(pid)).unwrap().count(), 1);
        assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        drop(pinned);
        assert_eq!(sched_getaffinity(Some(pid)).unwrap(), all);
        assert_eq!(sched_getaffinity(None).unwrap(), all);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
