//! What one change works with: settings, API, the time it has and who hears of its steps.
//!
//! Telling a step never holds a change up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::api::Api;
use crate::failure::{Code, Failure};
use crate::settings::{LONGEST_WAIT, Settings};

/// Where the steps of a change are told, if anywhere.
pub(crate) struct Steps(Option<mpsc::Sender<String>>);

impl Steps {
    /// To whoever holds the other end.
    pub(crate) fn told(steps: mpsc::Sender<String>) -> Self {
        Self(Some(steps))
    }

    /// Nowhere.
    pub(crate) fn untold() -> Self {
        Self(None)
    }
}

/// One change, from its beginning.
pub(crate) struct Errand<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) api: &'a Api,
    /// How long Traefik has to show the change.
    pub(crate) wait: Duration,
    begun: Instant,
    steps: Steps,
    commanded: AtomicBool,
}

impl<'a> Errand<'a> {
    /// Begins now; refuses a wait that is out of bounds.
    pub(crate) fn new(
        settings: &'a Settings,
        api: &'a Api,
        steps: Steps,
        wait_seconds: Option<u64>,
    ) -> Result<Self, Failure> {
        let wait = match wait_seconds {
            None => settings.apply_timeout,
            Some(seconds @ 1..=LONGEST_WAIT) => Duration::from_secs(seconds),
            Some(seconds) => {
                return Err(Failure::new(
                    Code::InvalidInput,
                    format!("`wait_seconds` is {seconds}"),
                    format!("use 1 to {LONGEST_WAIT}, or leave it out"),
                ));
            }
        };
        Ok(Self { settings, api, wait, begun: Instant::now(), steps, commanded: AtomicBool::new(false) })
    }

    /// Tells what is being done now; lost if the client does not keep up.
    pub(crate) fn step(&self, doing: &str) {
        tracing::debug!(doing, "step");
        if let Some(steps) = &self.steps.0 {
            // A full queue or a client that left: nobody needs this step.
            let _ = steps.try_send(doing.to_owned());
        }
    }

    /// Notes that the operator's reload command was needed.
    pub(crate) fn note_command(&self) {
        self.commanded.store(true, Ordering::Relaxed);
    }

    /// Whether the operator's reload command was needed.
    pub(crate) fn commanded(&self) -> bool {
        self.commanded.load(Ordering::Relaxed)
    }

    /// Since the beginning.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The name in Traefik of what belongs to the route `name`, without provider.
    pub(crate) fn traefik_name(&self, name: &str) -> String {
        format!("{}{name}", self.settings.name_prefix)
    }
}
