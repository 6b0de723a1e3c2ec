//! Tells that a folder of shard files may have changed.
//!
//! An event is a hint and the disk is the truth: nothing here says what changed, only "read it again".

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use notify_debouncer_full::{
    DebounceEventResult, Debouncer, NoCache, new_debouncer_opt,
    notify::{
        self, Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode,
        event::{AccessKind, AccessMode},
    },
};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};
use tracing::warn;

/// Editors save in several steps; this much later they are done.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// How often is looked, where the kernel does not tell.
const POLL: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 2000 });

/// How changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// The kernel tells; if it cannot, as `Poll`.
    Auto,
    /// The files are read every two seconds, for network file systems, where the kernel does not tell.
    Poll,
    /// Not at all.
    Off,
}

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch `{}`", dir.display())]
pub struct WatchError {
    dir: PathBuf,
    #[source]
    source: notify::Error,
}

/// Watches one folder until it is dropped.
pub struct Watcher {
    dir: PathBuf,
    eyes: Eyes,
    hints: watch::Receiver<u64>,
    /// The folder that is watched now; `None` while there is none.
    attached: Option<Identity>,
    look: Option<Interval>,
}

enum Eyes {
    Kernel(Debouncer<RecommendedWatcher, NoCache>),
    Poll(Debouncer<PollWatcher, NoCache>),
    Closed,
}

/// Tells a folder from another one that took its path.
type Identity = (u64, u64);

/// Watches `dir`, which need not exist yet.
pub fn watch(dir: &Path, mode: WatchMode) -> Result<Watcher, WatchError> {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let (hint, hints) = watch::channel(0);
    let mut watcher = Watcher { dir, eyes: Eyes::Closed, hints, attached: None, look: None };
    match mode {
        WatchMode::Off => return Ok(watcher),
        WatchMode::Poll => {}
        WatchMode::Auto => match watcher.open_kernel(hint.clone()) {
            Ok(()) => return Ok(watcher),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                warn!(error, "the kernel cannot watch the shard files, polling them instead");
            }
        },
    }
    match watcher.open_poll(hint) {
        Ok(()) => Ok(watcher),
        Err(source) => Err(WatchError { dir: watcher.dir, source }),
    }
}

impl Watcher {
    /// Returns when the folder may have changed since the last return; without a watch, never. Also
    /// notices that the folder is made, removed or replaced. Can be dropped and called again without a loss.
    /// Must be called within a runtime.
    pub async fn changed(&mut self) {
        if matches!(self.eyes, Eyes::Closed) {
            return std::future::pending().await;
        }
        loop {
            let look = self.look.get_or_insert_with(|| {
                let mut look = interval(POLL);
                look.set_missed_tick_behavior(MissedTickBehavior::Delay);
                look
            });
            tokio::select! {
                Ok(()) = self.hints.changed() => {
                    self.renew();
                    return;
                }
                _ = look.tick() => if self.reattach() { return },
            }
        }
    }

    fn open_kernel(&mut self, hint: watch::Sender<u64>) -> notify::Result<()> {
        let config = Config::default();
        let eyes = new_debouncer_opt(DEBOUNCE, None, handler(hint), NoCache, config)?;
        self.eyes = Eyes::Kernel(eyes);
        self.attach()
    }

    fn open_poll(&mut self, hint: watch::Sender<u64>) -> notify::Result<()> {
        let config = Config::default().with_poll_interval(POLL).with_compare_contents(true);
        let eyes = new_debouncer_opt(DEBOUNCE, None, handler(hint), NoCache, config)?;
        self.eyes = Eyes::Poll(eyes);
        self.attach()
    }

    /// Begins to watch the folder that is there now; none is no error.
    fn attach(&mut self) -> notify::Result<()> {
        self.attached = None;
        let Some(identity) = identity(&self.dir) else {
            return Ok(());
        };
        self.eyes.open(&self.dir)?;
        self.attached = Some(identity);
        Ok(())
    }

    /// True if another folder took the path, or the folder came or went.
    fn reattach(&mut self) -> bool {
        let before = self.attached;
        if identity(&self.dir) == before {
            return false;
        }
        self.attach_again();
        self.attached != before
    }

    /// A new folder can have the identity of the old one, and only the kernel's watch ends with the old.
    fn renew(&mut self) {
        if matches!(self.eyes, Eyes::Kernel(_)) {
            self.attach_again();
        }
    }

    fn attach_again(&mut self) {
        self.eyes.close(&self.dir);
        if let Err(error) = self.attach() {
            warn!(error = &error as &dyn std::error::Error, "cannot watch the shard files");
        }
    }
}

impl Eyes {
    fn open(&mut self, dir: &Path) -> notify::Result<()> {
        match self {
            Self::Kernel(debouncer) => debouncer.watch(dir, RecursiveMode::NonRecursive),
            Self::Poll(debouncer) => debouncer.watch(dir, RecursiveMode::NonRecursive),
            Self::Closed => Ok(()),
        }
    }

    fn close(&mut self, dir: &Path) {
        // A watch ends by itself with its folder, so that there may be none to end.
        let _ = match self {
            Self::Kernel(debouncer) => debouncer.unwatch(dir),
            Self::Poll(debouncer) => debouncer.unwatch(dir),
            Self::Closed => Ok(()),
        };
    }
}

/// Runs on the debouncer's thread, and only raises a number there.
fn handler(hint: watch::Sender<u64>) -> impl FnMut(DebounceEventResult) + Send + 'static {
    move |result| {
        let events = result.unwrap_or_default();
        if events.iter().any(|event| is_change(event)) {
            hint.send_modify(|count| *count += 1);
        }
    }
}

/// Reading a file is an event too, and we read all of them after each hint.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn identity(dir: &Path) -> Option<Identity> {
    fs::metadata(dir).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("dir", &self.dir).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
