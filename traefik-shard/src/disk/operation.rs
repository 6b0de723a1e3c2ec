//! One change of one file: begun, applied, perhaps undone, closed; and what a killed process left of it.
//!
//! Everything that needs room on the disk is done in `begin`, before any configuration file changes.

use crate::disk::dir::Entry;
use crate::disk::journal::{Journal, Kind};
use crate::disk::lock::Locked;
use crate::disk::managed::{Draft, Managed, sha256};
use crate::disk::name::Name;
use crate::disk::places;
use crate::disk::store::LARGEST;
use crate::failure::{Code, Failure};

/// What is to be done. `was` is the digest of the file as the caller knows it.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Create(Draft),
    Update {
        draft: Draft,
        was: String,
    },
    Delete {
        name: Name,
        was: String,
    },
    /// A file under [`Name::probe`]; one that an earlier probe left is replaced.
    Probe(Draft),
}

/// An operation whose journal is durable and that has changed nothing yet. Dropped, it is left to the next
/// holder of the lock, as if this process had been killed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Pending {
    step: Step,
}

/// An operation whose file has changed. Dropped, it is left to the next holder of the lock.
#[derive(Debug)]
#[must_use]
pub(crate) struct Applied {
    step: Step,
}

/// What a killed process left, and the means to undo or close it.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) left: Left,
    pub(crate) operation: Applied,
}

/// How far a killed process came, judged by the file alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The file is as before the operation, or as before once more. Traefik may still serve the new one: poke.
    NotApplied,
    /// The file is as the operation wanted it.
    Applied,
    /// The file is neither: somebody else changed it.
    Foreign,
}

/// What `undo` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    Restored,
    /// The file was as before already.
    WasAsBefore,
    /// The file was changed by somebody else meanwhile, so it was left alone.
    LeftForeign,
}

#[derive(Debug)]
struct Step {
    locked: Locked,
    journal: Journal,
    name: Name,
}

impl Locked {
    /// Checks that the file is what the caller takes it for, and writes everything down. On an error nothing
    /// has changed: `name_conflict`, `precondition_failed`, `not_managed` or `io_error`.
    pub(crate) fn begin(&self, operation: Operation) -> Result<Pending, Failure> {
        let (kind, name, draft, was) = match operation {
            Operation::Create(draft) => (Kind::Create, draft.name.clone(), Some(draft), None),
            Operation::Update { draft, was } => (Kind::Update, draft.name.clone(), Some(draft), Some(was)),
            Operation::Delete { name, was } => (Kind::Delete, name, None, Some(was)),
            Operation::Probe(draft) => (Kind::Probe, draft.name.clone(), Some(draft), None),
        };
        if let Some(Unfinished { operation, .. }) = self.unfinished()? {
            let message = format!("an earlier {} of `{}` is not finished", operation.kind().as_str(), operation.name());
            return Err(Failure::new(Code::Busy, message, "try again: it is finished or undone first"));
        }
        if draft.as_ref().is_some_and(|draft| draft.text.len() > LARGEST) {
            let message = format!("the configuration of `{name}` is larger than {} KiB", LARGEST / 1024);
            return Err(Failure::new(Code::InvalidInput, message, "split it into several routes"));
        }
        let present = self.store().read_in(self.dir(), &name)?;
        self.check(&name, present.as_ref(), was.as_deref())?;
        let after = draft.as_ref().map(|draft| draft.sha256.clone());
        let before = present.filter(|_| kind != Kind::Probe).map(|present| present.text);
        let journal = Journal::new(kind, &name, before, after);
        let step = Step { locked: self.clone(), journal, name };
        step.prepare(draft.as_ref()).inspect_err(|_| step.discard_copies())?;
        Ok(Pending { step })
    }

    /// What a killed process left, if anything; and removes its stray temporary files. Call it before `begin`.
    pub(crate) fn unfinished(&self) -> Result<Option<Unfinished>, Failure> {
        let found = Journal::load(self.dir(), self.store().places())?;
        self.sweep(found.as_ref().map(|(journal, _)| journal.id.as_str()))?;
        let Some((journal, name)) = found else { return Ok(None) };
        let step = Step { locked: self.clone(), journal, name };
        Ok(Some(Unfinished { left: step.left()?, operation: Applied { step } }))
    }

    fn check(&self, name: &Name, present: Option<&Managed>, was: Option<&str>) -> Result<(), Failure> {
        let file = self.store().file_of(name);
        match (present, was) {
            (None, None) => Ok(()),
            (Some(present), Some(was)) if present.sha256 == was => Ok(()),
            // Left over from a probe whose journal somebody removed.
            (Some(_), None) if name.is_probe() => self.dir().remove(&self.store().places().file(name)),
            (Some(_), None) => Err(Failure::new(
                Code::NameConflict,
                format!("`{file}` is there already"),
                "choose another name, or set overwrite",
            )
            .with("file", file)),
            (present, Some(_)) => Err(changed(&file, present.map(|present| present.sha256.as_str()))),
        }
    }

    /// Removes temporary files of ours, except those of the operation `of`. Nobody else has any: we hold the lock.
    fn sweep(&self, of: Option<&str>) -> Result<(), Failure> {
        let places = self.store().places();
        let strays = self.dir().names()?;
        for stray in strays.iter().filter(|entry| places.operation_of(entry).is_some_and(|id| Some(id) != of)) {
            self.dir().remove(stray)?;
        }
        let root = self.store().root_dir()?;
        // Nothing to remove is the rule, and a root that cannot be written is the caller's to find out.
        root.names()?.iter().filter(|entry| places::is_poke(entry)).for_each(|poke| root.discard(poke));
        Ok(())
    }
}

impl Pending {
    /// Changes the file. On an error the file is as it was and the operation is over; only if even that could
    /// not be achieved the journal stays, for the next holder of the lock.
    pub(crate) fn apply(self) -> Result<Applied, Failure> {
        let step = self.step;
        // Before the file was touched there is nothing to undo, whatever somebody else made of it.
        let applied = match step.unchanged() {
            Ok(()) => step.switch().inspect_err(|_| step.end(step.undo().map(drop))),
            Err(failure) => Err(failure).inspect_err(|_| step.end(Ok(()))),
        };
        applied.map(|()| Applied { step })
    }
}

impl Applied {
    /// Puts the old file back, or removes the new one. The journal stays until `close`, so that Traefik can be
    /// poked first. Needs no room on the disk if this process did the update.
    pub(crate) fn undo(&self) -> Result<Undone, Failure> {
        self.step.undo()
    }

    /// Ends the operation, done or undone. After an error the journal is still there.
    pub(crate) fn close(self) -> Result<(), Failure> {
        self.step.close()
    }

    /// What was done.
    pub(crate) fn kind(&self) -> Kind {
        self.step.journal.kind
    }

    /// To what it was done.
    pub(crate) fn name(&self) -> &Name {
        &self.step.name
    }

    /// The file, relative to the watched directory.
    pub(crate) fn file(&self) -> String {
        self.step.locked.store().file_of(&self.step.name)
    }

    /// The whole old text; `None`: there was no file.
    pub(crate) fn before(&self) -> Option<&str> {
        self.step.journal.before.as_deref()
    }

    /// The digest of the old text; `None`: there was no file.
    pub(crate) fn was(&self) -> Option<String> {
        self.before().map(|text| sha256(text.as_bytes()))
    }

    /// The digest of the new text; `None`: there is to be no file.
    pub(crate) fn after(&self) -> Option<&str> {
        self.step.journal.after.as_deref()
    }

    /// When it began, RFC 3339.
    pub(crate) fn started(&self) -> &str {
        &self.step.journal.started
    }
}

impl Step {
    fn file(&self) -> String {
        self.locked.store().places().file(&self.name)
    }

    fn fresh(&self) -> String {
        self.locked.store().places().fresh(&self.file(), &self.journal.id)
    }

    fn kept(&self) -> String {
        self.locked.store().places().kept(&self.file(), &self.journal.id)
    }

    /// Steps 2 to 5 of the module's table.
    fn prepare(&self, draft: Option<&Draft>) -> Result<(), Failure> {
        let dir = self.locked.dir();
        // A deletion is never taken back, and must not need more room than it has to.
        if let (Some(before), Some(_)) = (&self.journal.before, draft) {
            dir.write_new(&self.kept(), before.as_bytes(), 0o644)?;
        }
        if let Some(draft) = draft {
            dir.write_new(&self.fresh(), draft.text.as_bytes(), 0o644)?;
        }
        self.journal.save(dir, self.locked.store().places())
    }

    /// Finds a person's change since `begin`, up to the instant before step 6.
    fn unchanged(&self) -> Result<(), Failure> {
        let digest = self.digest()?;
        let before = self.journal.before.as_ref().map(|text| sha256(text.as_bytes()));
        if digest == before {
            return Ok(());
        }
        Err(changed(&self.locked.store().file_of(&self.name), digest.as_deref()))
    }

    /// Step 6 of the module's table.
    fn switch(&self) -> Result<(), Failure> {
        let dir = self.locked.dir();
        match (&self.journal.before, &self.journal.after) {
            (_, None) => dir.remove(&self.file())?,
            (Some(_), Some(_)) => dir.rename(&self.fresh(), &self.file())?,
            (None, Some(_)) => {
                if !dir.rename_new(&self.fresh(), &self.file())? {
                    return Err(changed(&self.locked.store().file_of(&self.name), None));
                }
            }
        }
        dir.sync()
    }

    fn undo(&self) -> Result<Undone, Failure> {
        match self.left()? {
            Left::NotApplied => return Ok(Undone::WasAsBefore),
            Left::Foreign => return Ok(Undone::LeftForeign),
            Left::Applied => {}
        }
        let dir = self.locked.dir();
        match &self.journal.before {
            None => dir.remove(&self.file())?,
            Some(before) => {
                if dir.read(&self.kept(), LARGEST)? != Entry::File(before.clone().into_bytes()) {
                    dir.remove(&self.kept())?;
                    dir.write_new(&self.kept(), before.as_bytes(), 0o644)?;
                }
                dir.rename(&self.kept(), &self.file())?;
            }
        }
        dir.sync()?;
        Ok(Undone::Restored)
    }

    /// The journal goes first: without it the copies are strays, and with it they may still be needed.
    fn close(&self) -> Result<(), Failure> {
        let dir = self.locked.dir();
        dir.remove(self.locked.store().places().journal())?;
        self.discard_copies();
        dir.sync()
    }

    /// Ends an operation that failed, once it is undone.
    fn end(&self, undone: Result<(), Failure>) {
        if let Err(error) = undone.and_then(|()| self.close()) {
            tracing::error!(%error, "a failed change is left to the next writer");
        }
    }

    fn discard_copies(&self) {
        self.locked.dir().discard(&self.fresh());
        self.locked.dir().discard(&self.kept());
    }

    fn left(&self) -> Result<Left, Failure> {
        let digest = self.digest()?;
        if digest == self.journal.after {
            return Ok(Left::Applied);
        }
        let before = self.journal.before.as_ref().map(|text| sha256(text.as_bytes()));
        Ok(if digest == before { Left::NotApplied } else { Left::Foreign })
    }

    /// Of the file as it is now; `None`: there is none. What is no file of ours has a digest that no file has.
    fn digest(&self) -> Result<Option<String>, Failure> {
        Ok(match self.locked.dir().read(&self.file(), LARGEST)? {
            Entry::Absent => None,
            Entry::File(bytes) => Some(sha256(&bytes)),
            Entry::Odd(why) => Some(why),
        })
    }
}

fn changed(file: &str, digest: Option<&str>) -> Failure {
    let message = match digest {
        Some(_) => format!("`{file}` was changed by somebody else"),
        None => format!("`{file}` came or went by somebody else's hand"),
    };
    Failure::new(Code::PreconditionFailed, message, "look at the file as it is now and decide anew")
        .with("file", file)
        .with("sha256", digest)
}
