//! Waiting until Traefik's API shows what a change was meant to bring about.
//!
//! An API that does not answer is waited for like one that does not show the change yet: Traefik may be restarting.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::api::EntryPoint;
use crate::change::asked::{Asked, Live, Verdict};
use crate::change::errand::Errand;
use crate::change::reload_command;
use crate::disk::{Store, blocking};
use crate::failure::Failure;

/// How often the API is asked.
const EVERY: Duration = Duration::from_millis(150);
/// What a look at the end of the time has, and a look at Traefik's process.
const LEAST: Duration = Duration::from_secs(1);
/// A slow API is left alone for this many times as long as it took.
const REST: u32 = 2;

/// What one look at the API showed.
pub(crate) enum Look<T> {
    Done(T),
    /// With what is missing.
    NotYet(String),
}

/// The time was over first.
#[derive(Debug)]
pub(crate) struct Overdue {
    /// What was missing at the last look.
    pub(crate) missing: String,
    /// Why the last look failed, if it did.
    pub(crate) unreachable: Option<Failure>,
    /// Traefik was started anew meanwhile.
    pub(crate) restarted: bool,
}

/// Waiting for one thing: how long, and what was seen so far.
pub(crate) struct Watch<'a> {
    errand: &'a Errand<'a>,
    store: &'a Store,
    half: Instant,
    end: Instant,
    hinted: bool,
    /// When Traefik's process began, as told at the beginning.
    process: Option<String>,
    overdue: Overdue,
}

impl<'a> Watch<'a> {
    /// Begins to wait, for as long as `wait`.
    pub(crate) async fn begin(errand: &'a Errand<'a>, store: &'a Store, wait: Duration) -> Self {
        let begun = Instant::now();
        let (half, end) = (begun + wait / 2, begun + wait);
        let process = start_date(errand).await;
        Self { errand, store, half, end, hinted: false, process, overdue: Overdue::missing(String::new()) }
    }

    /// Takes one look and says how the waiting ended; `None`: look again. In between it rests.
    ///
    /// After half of the time Traefik is given another hint, and the operator's reload command runs.
    pub(crate) async fn see<T>(
        &mut self,
        look: impl Future<Output = Result<Look<T>, Failure>>,
    ) -> Option<Result<T, Overdue>> {
        let asked = Instant::now();
        // Even a look that begins at the very end is given some time.
        match timeout_at(self.end.max(asked + LEAST), look).await {
            Ok(Ok(Look::Done(done))) => return Some(Ok(done)),
            Ok(Ok(Look::NotYet(missing))) => (self.overdue.missing, self.overdue.unreachable) = (missing, None),
            Ok(Err(failure)) => self.overdue.unreachable = Some(failure),
            Err(_) => self.overdue.missing = "an answer of its API".to_owned(),
        }
        if asked >= self.end {
            let mut overdue = std::mem::replace(&mut self.overdue, Overdue::missing(String::new()));
            let now = start_date(self.errand).await;
            overdue.restarted = now.is_some() && self.process.is_some() && now != self.process;
            return Some(Err(overdue));
        }
        let rest = EVERY.max(asked.elapsed() * REST);
        if !self.hinted && Instant::now() >= self.half {
            self.hinted = true;
            hint_again(self.errand, self.store, self.end).await;
        }
        // The last look comes at the end of the time, not before.
        sleep(rest.min(self.end.saturating_duration_since(Instant::now()))).await;
        None
    }
}

/// When Traefik's process began; it is not waited for long.
async fn start_date(errand: &Errand<'_>) -> Option<String> {
    timeout(LEAST, errand.api.version()).await.ok()?.ok()?.start_date
}

async fn hint_again(errand: &Errand<'_>, store: &Store, end: Instant) {
    poke(store).await;
    if let Some(command) = &errand.settings.reload_command {
        errand.step("running the reload command, because Traefik did not notice the change");
        errand.note_command();
        reload_command::run(command, end.saturating_duration_since(Instant::now())).await;
    }
}

/// Makes Traefik look at its files; a fault is only logged, because what counts is what the API shows.
pub(crate) async fn poke(store: &Store) {
    let store = store.clone();
    if let Err(failure) = blocking(move || store.poke()).await {
        tracing::warn!(%failure, "cannot poke the watched directory");
    }
}

/// Waits until everything that was asked is live or refused.
pub(crate) async fn until_live(
    errand: &Errand<'_>,
    store: &Store,
    asked: &Asked,
    entry_points: &[EntryPoint],
) -> Result<Verdict, Overdue> {
    let mut watch = Watch::begin(errand, store, errand.wait).await;
    let mut refused = false;
    loop {
        let look = async {
            Ok(match judge(errand, asked, entry_points).await? {
                Verdict::Differs(missing) => Look::NotYet(missing),
                // Looked at twice: a neighbour that this route needs may come up a moment later.
                Verdict::Refused { .. } if !std::mem::replace(&mut refused, true) => {
                    Look::NotYet("a router that works".to_owned())
                }
                verdict => Look::Done(verdict),
            })
        };
        if let Some(end) = watch.see(look).await {
            return end;
        }
    }
}

/// One look at everything that was asked.
pub(crate) async fn judge(errand: &Errand<'_>, asked: &Asked, entry_points: &[EntryPoint]) -> Result<Verdict, Failure> {
    let snapshot = errand.api.raw().await?;
    let mut middlewares = BTreeMap::new();
    for full in asked.full_middlewares() {
        // Those that are not there need not be asked for.
        if snapshot.middlewares.contains_key(&full)
            && let Some(options) = errand.api.http_middleware(&full).await?
        {
            middlewares.insert(full, options);
        }
    }
    Ok(asked.judge(&Live { snapshot: &snapshot, entry_points, middlewares: &middlewares }))
}

impl Overdue {
    /// This was missing to the end.
    pub(crate) fn missing(missing: String) -> Self {
        Self { missing, unreachable: None, restarted: false }
    }
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unreachable {
            Some(failure) => write!(f, "its API does not answer ({failure})"),
            None => write!(f, "still missing is: {}", self.missing),
        }
    }
}
