//! Ends what gateways that were killed have left behind.
//!
//! Invariant: only ledgers that no gateway keeps are swept, and of theirs only what they prove to be their own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use tracing::{info, warn};

use crate::shard::keeper::ending;
use crate::shard::keeper::family::{Claim, shard_in};
use crate::shard::keeper::ledger::{self, Content, Found, Hold};
use crate::shard::os;
use crate::shard::os::table::Seen;

/// What is left over has had no client for as long as its gateway is gone.
const GRACE: Duration = Duration::from_millis(300);
/// How often another that looks at a ledger, or sweeps it, is waited for.
const LOOKS: usize = 150;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Sweeps the folder. Whatever is wrong with it is logged; the ledger of what would not go is kept for the next time.
pub(crate) fn sweep(state_dir: &Path) {
    let here = os::here();
    let found = match ledger::all(state_dir) {
        Ok(found) => found,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(folder = %state_dir.display(), error, "what killed gateways left behind cannot be looked for");
            return;
        }
    };
    let left: Vec<Found> = found.into_iter().filter_map(|found| settled(found, &here)).filter(is_left).collect();
    if left.is_empty() {
        return;
    }
    let claims: Vec<Claim> = left.iter().map(|found| found.claim(&here)).collect();
    let ending = ending::end(&claims, 0, GRACE);
    for seen in &ending.ended {
        let shard = shard_of(seen, &left);
        info!(shard, pid = seen.id.pid, program = seen.name, "ended what a killed gateway left behind");
    }
    for (found, claim) in left.iter().zip(&claims) {
        if claim.over(&ending.left).is_empty() {
            remove(found);
        }
    }
}

fn is_left(found: &Found) -> bool {
    match (&found.hold, &found.content) {
        (Hold::Left { .. }, Err(error)) => {
            warn!(file = %found.path.display(), %error, "a ledger cannot be read; its processes are found by their marker only");
            true
        }
        (Hold::Left { .. }, Ok(_)) => true,
        (Hold::Kept, Err(error)) if error.kind() == ErrorKind::PermissionDenied => {
            warn!(file = %found.path.display(), "a ledger of another user; only that user's gateway can sweep it");
            false
        }
        (Hold::Kept, _) => false,
    }
}

/// Waits until nobody but its own gateway holds it.
fn settled(mut found: Found, here: &str) -> Option<Found> {
    for _ in 0..LOOKS {
        if !found.is_only_looked_at(here) {
            break;
        }
        sleep(PAUSE);
        found = found.again()?;
    }
    Some(found)
}

fn remove(found: &Found) {
    if let Err(error) = fs::remove_file(&found.path) {
        warn!(file = %found.path.display(), error = &error as &dyn std::error::Error, "cannot remove a swept ledger");
    }
}

fn shard_of<'a>(seen: &'a Seen, left: &'a [Found]) -> &'a str {
    let contents = left.iter().filter_map(|found| found.content.as_ref().ok());
    seen.marker.as_deref().and_then(shard_in).or_else(|| named(seen, contents)).unwrap_or("-")
}

/// The shard whose child it is, or in whose group.
pub(crate) fn named<'a>(seen: &Seen, mut contents: impl Iterator<Item = &'a Content>) -> Option<&'a str> {
    contents.find_map(|content| {
        let child = content.children.iter().find(|child| child.id == seen.id || child.id.pid == seen.group)?;
        Some(&*child.shard)
    })
}
