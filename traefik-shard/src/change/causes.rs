//! Why Traefik did not take a change over: what can be seen from here, the likeliest first.
//!
//! Traefik's API shows nothing of a broken file, so the files and the place are all there is to go by.

use crate::change::errand::Errand;
use crate::change::poll::Overdue;
use crate::disk::{Store, blocking};
use crate::failure::Failure;
use crate::finding::{Finding, Severity};
use crate::tree;

/// What is broken or doubtful in the tree, and the kind of network file system it lies on, if it does.
pub(crate) async fn look(store: &Store) -> (Vec<Finding>, Option<&'static str>) {
    let store = store.clone();
    let looked = blocking(move || Ok((tree::read(store.root())?.breaking(), store.network_file_system()?))).await;
    looked.unwrap_or_else(|failure| (vec![unreadable(&failure)], None))
}

fn unreadable(failure: &Failure) -> Finding {
    Finding::new(Severity::Error, "unreadable_tree", format!("the directory cannot be read: {failure}"))
}

/// A finding about a file that Traefik was seen to load all the same.
pub(crate) fn harmless(finding: Finding) -> Finding {
    Finding { severity: finding.severity.max(Severity::Warning), ..finding }
}

/// Sentences without a full stop, the likeliest cause first.
pub(crate) fn tell(
    errand: &Errand<'_>,
    overdue: &Overdue,
    findings: &[Finding],
    network: Option<&'static str>,
) -> Vec<String> {
    let mut causes = Vec::new();
    if let Some(failure) = &overdue.unreachable {
        causes.push(format!("Traefik's API does not answer ({failure})"));
    }
    if overdue.restarted {
        causes.push("Traefik was restarted meanwhile".to_owned());
    }
    let broken = findings.iter().take(3).map(Finding::sentence).collect::<Vec<_>>();
    if !broken.is_empty() {
        causes.push(format!(
            "one broken file freezes Traefik's whole file provider, and this one may: {}",
            broken.join(" | ")
        ));
    }
    let signal = "restart Traefik or send it SIGHUP (such as `docker kill -s HUP traefik`), or set TRAEFIK_RELOAD_COMMAND to a command that does";
    if let Some(kind) = network {
        causes.push(format!(
            "the directory lies on {kind}, from where Traefik on another host hears of no change: {signal}"
        ));
    }
    // With a cause that was seen, guesses would only mislead.
    if causes.is_empty() {
        let root = errand.settings.dynamic_dir.as_deref().map(|dir| dir.display().to_string()).unwrap_or_default();
        causes.push(format!(
            "Traefik may not watch this directory (`watch: false`, or a network file system on its side): {signal}"
        ));
        causes.push(format!(
            "`{root}` may not be the directory that Traefik's providers.file.directory names, as seen from here"
        ));
        causes.push(format!(
            "Traefik's providersThrottleDuration may be longer than the {} s that were waited: raise wait_seconds",
            errand.wait.as_secs()
        ));
    }
    causes
}
