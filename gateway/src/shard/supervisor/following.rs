//! Keeps the child's subscriptions equal to what clients follow, over restarts and swaps (DESIGN D4).
//!
//! Invariant: each difference is told once; a child that refuses is not asked again before it is another one. What one begins
//! to report on counts as updated, since nobody knows what has become of it until then.

use super::Supervisor;
use super::listening::Listening;
use crate::shard::followed::Standing;
use crate::shard::link::{Due, Failure, Link, Reply, Told};
use crate::shard::roster::Roster;
use crate::wire::Era;

/// How many subscriptions a child is told at once.
const AT_ONCE: usize = 64;

/// How a child has taken what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It has answered all of it.
    InTime,
    /// Not within `timeouts.start`.
    Late,
}

impl Supervisor {
    /// Tells a new child, before anybody calls it, of all that is followed. One that does not answer hears the rest later.
    pub(super) async fn tell_followed(&self, link: &Link, roster: &Roster) {
        if roster.era() == Era::Legacy {
            while self.tell_some(link).await == Some(Taken::InTime) {}
        }
    }

    /// Tells the child what has changed since, for as long as it lives.
    pub(super) async fn keep_followed(&self, link: &Link, listening: Option<Listening>) {
        if let Some(listening) = listening {
            return listening.keep().await;
        }
        let mut followed = link.feed().followed.subscribe();
        loop {
            followed.mark_unchanged();
            while self.tell_some(link).await.is_some() {}
            if followed.changed().await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Returns when anybody follows a resource on which the child, which sleeps, would have to report.
    pub(super) async fn followed(&self) {
        let name = self.spec().name.as_str().into();
        let mut followed = self.setup.feed.followed.subscribe();
        let anybody = followed.wait_for(|followed| !followed.wishes(&name, self.setup.audience).is_empty()).await;
        drop(anybody.expect("the setup holds a sender"));
    }

    /// `None` if there is nothing to tell.
    async fn tell_some(&self, link: &Link) -> Option<Taken> {
        link.settle_told();
        let asked = link.tell_due(AT_ONCE, self.spec().timeouts.start);
        let mut taken = None;
        for Due { begins, call } in asked {
            taken.get_or_insert(Taken::InTime);
            let Ok(call) = call else { continue };
            let done = call.done().await;
            if let Err(Failure::Deadline { .. }) = done {
                taken = Some(Taken::Late);
            }
            let Some((uri, standing)) = begins else { continue };
            match done {
                Ok(Reply::Result(_)) => {
                    link.has_said(&uri, Told::Agreed);
                    // It may have changed before the child heard that somebody follows it.
                    if standing == Standing::Kept {
                        link.touch(&uri);
                    }
                }
                Ok(Reply::Error(_)) | Err(Failure::Deadline { .. }) => link.has_said(&uri, Told::Refused),
                // The next child is asked.
                Err(_) => {}
            }
        }
        link.settle_told();
        taken
    }
}
