//! The beginning of a child's life: which era it speaks, and what it offers.
//!
//! Invariant: what was remembered of an era is relied on once; if it fails, the shard is asked anew.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::timeout;

use super::listening::Listening;
use super::{End, Offering, Supervisor};
use crate::config::Protocol;
use crate::shard::fetch::{self, Within};
use crate::shard::handshake::{self, Disagreed, Greeting, Plan};
use crate::shard::instance::Instance;
use crate::shard::link::Link;
use crate::shard::roster::{List, Offered, Roster};
use crate::shard::{Reason, Role};
use crate::wire::Era;

impl Supervisor {
    /// What the file says, else what is remembered, else the probe.
    pub(super) fn first_plan(&self) -> Plan {
        match self.spec().process.protocol {
            Protocol::Legacy => Plan::Initialize,
            Protocol::Modern => Plan::Discover,
            Protocol::Auto => match self.remembered() {
                Some(Era::Legacy) => Plan::Initialize,
                Some(Era::Modern) => Plan::Discover,
                None => Plan::Probe,
            },
        }
    }

    pub(super) fn remembered(&self) -> Option<Era> {
        self.known.borrow().as_ref().filter(|known| known.certain).map(|known| known.roster.era())
    }

    /// The era must be asked for again; what is known of the offer is shown until then.
    pub(super) fn forget_era(&self) {
        self.learn(|known| known.iter_mut().for_each(|known| known.certain = false));
    }

    /// The handshake, within `timeouts.start`, or how it came to nothing.
    pub(super) async fn greet(&self, instance: &mut Instance, plan: Plan) -> Result<Box<Greeting>, End> {
        let (limit, protocol) = (self.spec().timeouts.start, self.spec().process.protocol);
        let (link, declared) = (instance.link.clone(), self.spec().declare.clone());
        let mut agreeing = pin!(timeout(limit, handshake::agree(&link, plan, &declared)));
        let (agreed, ended) = tokio::select! {
            biased;
            agreed = &mut agreeing => (agreed, None),
            reason = instance.ended() => {
                let ended = instance.report(reason);
                link.refuse_calls();
                link.fail_all(&ended);
                (agreeing.await, Some(ended))
            }
        };
        let failed = match agreed {
            Ok(Ok(greeting)) => return Ok(greeting),
            Ok(Err(Disagreed::Restart(next))) if protocol == Protocol::Auto => return Err(End::Replan(next)),
            Ok(Err(Disagreed::Restart(_))) => {
                Reason::Handshake("it speaks 2026-07-28, its file says `protocol: legacy`".into())
            }
            Ok(Err(Disagreed::Failed(error))) => {
                let error = self.spec().mask.apply(&error).into_owned();
                Reason::Handshake(match protocol {
                    Protocol::Modern => {
                        format!("its file says `protocol: modern`, and to `server/discover` it says {error}")
                    }
                    Protocol::Auto | Protocol::Legacy => error,
                })
            }
            Err(_) => Reason::Silent(limit),
        };
        if protocol == Protocol::Auto && self.remembered().is_some() {
            self.forget_era();
            return Err(End::Replan(Plan::Probe));
        }
        Err(End::Died(ended.unwrap_or_else(|| instance.report(failed))))
    }

    /// A remembered era says nothing about a server that was exchanged: it may speak the modern one by now.
    pub(super) fn is_another_server(&self, greeting: &Greeting, plan: Plan) -> bool {
        let known = self.known.borrow();
        let Some(known) = known.as_ref().filter(|known| known.certain) else { return false };
        let relied = plan == Plan::Initialize && self.spec().process.protocol == Protocol::Auto;
        relied && known.roster.server_info != greeting.server_info
    }

    /// What the shard offers. It is told what the clients wish: how much it logs, and which of its resources they follow. A
    /// modern one is listened to from here on.
    pub(super) async fn prepare(
        &self,
        link: &Link,
        greeting: &Greeting,
        offer: Offering,
    ) -> (Arc<Roster>, Option<Listening>) {
        let is_modern = greeting.era == Era::Modern;
        let mut listening = is_modern.then(|| Listening::begin(link, &fetch::bare(greeting), &self.ties.marks));
        let is_fetched = offer == Offering::Fetched && matches!(self.setup.role, Role::Primary);
        if let Some(listening) = listening.as_mut().filter(|listening| is_fetched || listening.follows()) {
            listening.begun().await;
        }
        let roster = if !is_fetched {
            let known = self.known.borrow().as_ref().map(|known| known.roster.lists.clone());
            Arc::new(Roster { lists: known.unwrap_or_default(), ..fetch::bare(greeting) })
        } else {
            let said = self.ties.marks.take();
            let within = Within::from_now(self.spec().timeouts.start);
            self.bumped(Arc::new(fetch::roster(link, greeting, within).await), &said)
        };
        self.tell_level(link, &roster).await;
        self.tell_followed(link, &roster).await;
        (roster, listening)
    }

    /// Generations go on counting over the lives of the child, and a list that it fails to tell stays as it was. `said` are
    /// those of which another child has said, while this one was not there, that they have changed.
    fn bumped(&self, mut roster: Arc<Roster>, said: &[List]) -> Arc<Roster> {
        let known = self.known.borrow();
        let Some(before) = known.as_ref() else { return roster };
        let fresh = Arc::make_mut(&mut roster);
        for ((list, old), which) in fresh.lists.iter_mut().zip(&before.roster.lists).zip(List::ALL) {
            let offered = Arc::unwrap_or_clone(std::mem::take(list)).or_what_was(old);
            let changed = said.contains(&which) || before.live && offered.items != old.items;
            *list = Arc::new(Offered { generation: old.generation + u64::from(changed), ..offered });
        }
        roster
    }
}
