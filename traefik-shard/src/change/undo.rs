//! Taking a change back: the old file in its place, and Traefik seen to serve the old state again.
//!
//! A change that cannot be taken back is told loudly, with what is on the disk and the way by hand.

use std::time::Duration;

use tracing::error;

use crate::api::EntryPoint;
use crate::change::asked::{Asked, Verdict};
use crate::change::errand::Errand;
use crate::change::poll::{self, Look, Overdue, Watch};
use crate::disk::{Applied, Locked, Undone, blocking};
use crate::failure::Failure;

/// How long Traefik has to show the old state again.
const CONFIRM: Duration = Duration::from_secs(10);

/// What became of a change that was to be taken back.
pub(crate) struct Report {
    /// The file is as it was before the change.
    pub(crate) rolled_back: bool,
    /// Traefik was seen to serve the old state.
    pub(crate) confirmed: bool,
    /// What a person must know or do, if anything.
    pub(crate) advice: Option<String>,
    /// What is still to be closed, once everybody was told.
    rest: Option<Applied>,
}

/// Takes the change back, pokes Traefik and waits until it serves the old state.
///
/// `asked` is what the change wanted; what was there before is in the journal, which stays until the report is
/// closed: a process killed here leaves the poke and the line in the audit log to the next.
pub(crate) async fn undo(
    errand: &Errand<'_>,
    locked: &Locked,
    applied: Applied,
    asked: &Asked,
    entry_points: &[EntryPoint],
) -> Report {
    errand.step("taking the change back");
    let (file, before) = (applied.file(), applied.before().map(str::to_owned));
    let (undone, applied) = match blocking(move || Ok((applied.undo(), applied))).await {
        Ok((Ok(undone), applied)) => (undone, applied),
        Ok((Err(failure), _)) | Err(failure) => return lost(&file, before.is_some(), &failure),
    };
    let rest = Some(applied);
    if undone == Undone::LeftForeign {
        let advice = format!("`{file}` was changed by somebody else meanwhile and was left as it is: look at it");
        return Report { rolled_back: false, confirmed: false, advice: Some(advice), rest };
    }
    poll::poke(locked.store()).await;
    let advice = match wait_for_old(errand, locked, before.as_deref(), asked, entry_points).await {
        Ok(()) => None,
        Err(overdue) => {
            Some(format!("the files are as before, but Traefik was not seen to serve the old state: {overdue}"))
        }
    };
    Report { rolled_back: true, confirmed: advice.is_none(), advice, rest }
}

/// `before` is the old text, or `None` where there was no file.
async fn wait_for_old(
    errand: &Errand<'_>,
    locked: &Locked,
    before: Option<&str>,
    asked: &Asked,
    entry_points: &[EntryPoint],
) -> Result<(), Overdue> {
    let before = before.map(|text| Asked::read(text).map(|before| before.replacing(asked)));
    let mut watch = Watch::begin(errand, locked.store(), CONFIRM).await;
    loop {
        let look = async {
            match &before {
                None if asked.gone(&errand.api.raw().await?) => Ok(Look::Done(())),
                None => Ok(Look::NotYet("the new route is still there".to_owned())),
                // A file that somebody edited may be of any shape; it is back, and that is all that can be told.
                Some(None) => Ok(Look::Done(())),
                Some(Some(before)) => Ok(match poll::judge(errand, before, entry_points).await? {
                    Verdict::Differs(missing) => Look::NotYet(missing),
                    Verdict::Live { .. } | Verdict::Refused { .. } => Look::Done(()),
                }),
            }
        };
        if let Some(end) = watch.see(look).await {
            return end;
        }
    }
}

fn lost(file: &str, replaced: bool, failure: &Failure) -> Report {
    error!(%failure, file, "a change could not be taken back");
    let by_hand = match replaced {
        true => format!("put the backup of `{file}` back by hand"),
        false => format!("remove `{file}` by hand"),
    };
    let advice = format!(
        "the change could NOT be taken back and its file is still there ({failure}): {by_hand}; the next writer tries again too"
    );
    Report { rolled_back: false, confirmed: false, advice: Some(advice), rest: None }
}

impl Report {
    /// There was nothing to take back.
    pub(crate) fn nothing_written() -> Self {
        let advice = "nothing was written, because the file holds this route already".to_owned();
        Self { rolled_back: false, confirmed: false, advice: Some(advice), rest: None }
    }

    /// Ends the operation; a journal that stays is seen to by the next writer.
    pub(crate) async fn close(self) {
        let Some(applied) = self.rest else { return };
        if let Err(failure) = blocking(move || applied.close()).await {
            error!(%failure, "the journal of an undone change could not be removed; the next writer tries again");
        }
    }

    /// Adds to a failure, for programs, what became of the change behind it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        failure
            .with("rolled_back", self.rolled_back)
            .with("old_state_confirmed", self.confirmed)
            .with("rollback", self.clause())
    }

    /// The end of a sentence that says why.
    pub(crate) fn clause(&self) -> String {
        match &self.advice {
            Some(advice) => advice.clone(),
            None => "it was taken back, and all files are as before".to_owned(),
        }
    }
}
