//! Proving that Traefik reads its files now, or finding out why it does not.
//!
//! Traefik has no call for a reload, so the proof is a probe that it is seen to have read.

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

use crate::change::causes;
use crate::change::errand::Errand;
use crate::change::probe::{Probed, probe};
use crate::change::{LOCK_PATIENCE, open, recover};
use crate::failure::Failure;
use crate::finding::Finding;

/// What came of a reload.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Reloaded {
    /// Traefik was seen to have read all its files.
    pub(crate) reloaded: bool,
    pub(crate) elapsed_ms: u64,
    /// `poke`, or `reload_command` where Traefik noticed only after the operator's command.
    pub(crate) method: &'static str,
    /// Why Traefik did not reload, and the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diagnosis: Option<String>,
    /// What is wrong or odd in the files.
    pub(crate) findings: Vec<Finding>,
}

/// Writes the probe, waits for it and looks for the fault where it does not come.
pub(crate) async fn run(errand: &Errand<'_>) -> Result<Reloaded, Failure> {
    // Without an API nothing can be proved, and nothing should be written.
    errand.api.version().await?;
    let store = open(errand).await?;
    errand.step("waiting for the turn to write");
    let locked = store.lock(LOCK_PATIENCE).await?;
    recover::under(errand, &locked).await?;
    errand.step("waiting until Traefik shows the probe");
    let probed = probe(errand, &locked, errand.wait).await?;
    drop(locked);
    let method = if errand.commanded() { "reload_command" } else { "poke" };
    let (findings, network) = causes::look(&store).await;
    Ok(match probed {
        Probed::Seen(took) => {
            let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            // Traefik has just read them all, so whatever is odd does not keep them from being loaded.
            let findings = findings.into_iter().map(causes::harmless).collect();
            Reloaded { reloaded: true, elapsed_ms, method, diagnosis: None, findings }
        }
        Probed::NotSeen(overdue) => {
            let diagnosis = causes::tell(errand, &overdue, &findings, network).join("; ");
            Reloaded { reloaded: false, elapsed_ms: errand.elapsed_ms(), method, diagnosis: Some(diagnosis), findings }
        }
    })
}

impl Reloaded {
    /// One or two sentences for a person.
    pub(crate) fn sentence(&self) -> String {
        match &self.diagnosis {
            None => format!("Traefik has read all its files anew; that took {} ms.", self.elapsed_ms),
            Some(diagnosis) => {
                format!("Traefik was NOT seen to reload within {} ms: {diagnosis}.", self.elapsed_ms)
            }
        }
    }
}
