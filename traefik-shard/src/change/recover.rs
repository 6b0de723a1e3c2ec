//! What an earlier process left half-done is finished or undone before anything else is written.
//!
//! A change that is live exactly as asked is kept; a deletion is never taken back; everything else is undone.

use std::time::Duration;

use tracing::{info, warn};

use crate::change::asked::{Asked, Verdict};
use crate::change::errand::Errand;
use crate::change::poll::{self, Look, Watch};
use crate::change::{audit, open, undo};
use crate::disk::{Applied, Kind, Left, Locked, Record, Unfinished, blocking};
use crate::failure::{Code, Failure};

/// How long another writer is waited for at the start; if there is one, it sees to the rest itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long Traefik has to show a change that was applied just before its writer was killed.
const SETTLE: Duration = Duration::from_secs(5);

/// Sees to what an earlier process left, if this shard has ever written here.
pub(crate) async fn at_start(errand: &Errand<'_>) -> Result<(), Failure> {
    let store = open(errand).await?;
    let look = store.clone();
    if !blocking(move || look.has_written()).await? {
        return Ok(());
    }
    match store.lock(PATIENCE).await {
        Ok(locked) => under(errand, &locked).await,
        Err(failure) if failure.code() == Code::Busy => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Sees to what an earlier process left. Every writer does this first.
pub(crate) async fn under(errand: &Errand<'_>, locked: &Locked) -> Result<(), Failure> {
    let look = locked.clone();
    let Some(Unfinished { left, operation }) = blocking(move || look.unfinished()).await? else { return Ok(()) };
    errand.step("seeing to what an earlier run left unfinished");
    info!(kind = operation.kind().as_str(), name = %operation.name(), ?left, "an earlier run left a change unfinished");
    let mut record = Record {
        action: "recovered_undone",
        name: operation.name().to_string(),
        file: operation.file(),
        outcome: "ok".to_owned(),
        before: operation.was(),
        after: operation.after().map(str::to_owned),
        detail: Some(format!("{} of {}", operation.kind().as_str(), operation.started())),
    };
    match (left, operation.kind()) {
        (Left::Foreign, _) => {
            warn!(file = operation.file(), "somebody changed a half-done file; it is left as it is");
            record.outcome = "left_foreign".to_owned();
        }
        (Left::NotApplied, _) => {}
        (Left::Applied, Kind::Delete) => record.action = "recovered_finished",
        (Left::Applied, Kind::Probe) => return remove_probe(locked, operation, record).await,
        (Left::Applied, Kind::Create | Kind::Update) => return finish_or_undo(errand, locked, operation, record).await,
    }
    poll::poke(locked.store()).await;
    conclude(locked, operation, record).await
}

async fn remove_probe(locked: &Locked, operation: Applied, record: Record) -> Result<(), Failure> {
    let operation = blocking(move || operation.undo().map(|_| operation)).await?;
    poll::poke(locked.store()).await;
    conclude(locked, operation, record).await
}

/// Forgets the journal once the audit log was told, so that no kill loses the line.
async fn conclude(locked: &Locked, operation: Applied, record: Record) -> Result<(), Failure> {
    audit(locked.store(), record).await;
    blocking(move || operation.close()).await
}

async fn finish_or_undo(
    errand: &Errand<'_>,
    locked: &Locked,
    operation: Applied,
    mut record: Record,
) -> Result<(), Failure> {
    let (store, name) = (locked.store().clone(), operation.name().clone());
    let text = blocking(move || store.read(&name)).await?.map(|managed| managed.text).unwrap_or_default();
    let earlier = operation.before().and_then(Asked::read).unwrap_or_default();
    let asked = Asked::read(&text).unwrap_or_default().replacing(&earlier);
    poll::poke(locked.store()).await;
    let entry_points = errand.api.entry_points().await.unwrap_or_default();
    let mut watch = Watch::begin(errand, locked.store(), SETTLE).await;
    let live = loop {
        let look = async {
            Ok(match poll::judge(errand, &asked, &entry_points).await? {
                Verdict::Differs(missing) => Look::NotYet(missing),
                verdict => Look::Done(verdict),
            })
        };
        if let Some(end) = watch.see(look).await {
            break end;
        }
    };
    if matches!(live, Ok(Verdict::Live { .. })) && !asked.routers.is_empty() {
        record.action = "recovered_finished";
        return conclude(locked, operation, record).await;
    }
    let report = undo::undo(errand, locked, operation, &asked, &entry_points).await;
    if !report.rolled_back {
        record.outcome = "not_undone".to_owned();
    }
    record.detail = Some(report.clause());
    audit(locked.store(), record).await;
    report.close().await;
    Ok(())
}
