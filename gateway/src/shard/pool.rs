//! The children of a shard that is not shared: who has which, who waits, and how many there are (DESIGN D2).
//!
//! Invariants: a child that is not shared is one client's for as long as a [`Place`] on it lives; one that may still speak
//! for a call that was given up is leased to nobody.

mod members;
mod place;
mod search;
mod tenant;
mod tending;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

pub use self::place::Place;
pub use self::search::{Prospect, Search};
pub use self::tenant::{Mail, OwnChildren, Owner, Present, Tenant, Unclaimed};
pub(crate) use self::tending::tend;

use self::members::{Member, Members};
use self::place::{Lease, Seat};
use crate::config::{Instances, ShardSpec};
use crate::shard::followed::Audience;
use crate::shard::link::{Link, Refused, Ties, WAITING};
use crate::shard::{Live, Role, Setup, Shard, ShardState};
use crate::tasks::Tasks;
use crate::wire::Level;

/// How many children one call at a time is spread over, with the one that keeps the roster.
pub(crate) const CHILDREN: usize = 4;

/// The children of one shard.
#[derive(Debug)]
pub(crate) struct Pool {
    instances: Instances,
    /// What a further child is made from.
    setup: Setup,
    tasks: Tasks,
    members: Mutex<Members>,
    /// Wakes the task that tends the pool: a child or a waiter has changed.
    woken: Arc<Notify>,
    prospect: watch::Sender<Prospect>,
}

/// One child, for people.
#[derive(Debug, Clone, Copy)]
pub struct Child {
    /// Its process id.
    pub pid: u32,
    /// The calls that it has.
    pub in_flight: usize,
}

impl Pool {
    /// The pool of a shard whose file does not say `shared`; `setup` is that of the child that keeps the roster.
    pub(crate) fn of(spec: &ShardSpec, setup: &Setup, tasks: &Tasks) -> Option<Arc<Self>> {
        let instances = spec.process.instances;
        if instances == Instances::Shared || !matches!(setup.role, Role::Primary) {
            return None;
        }
        let woken = Arc::<Notify>::default();
        let after = setup.after.clone();
        let setup = Setup { changed: Arc::clone(&woken), after: None, asleep: false, ..setup.clone() };
        let (prospect, _) = watch::channel(Prospect::Starting(None));
        let members = Mutex::new(Members::new(after));
        Some(Arc::new(Self { instances, setup, tasks: tasks.clone(), members, woken, prospect }))
    }

    /// For whom the child that keeps the roster follows resources.
    pub(crate) fn audience(&self) -> Audience {
        if self.instances == Instances::PerSession { Audience::Listeners } else { Audience::Everybody }
    }

    /// What the links of the child that keeps the roster have in common with the others.
    pub(crate) fn ties(&self) -> Ties {
        Ties { settled: Some(Arc::clone(&self.woken)), ..Ties::default() }
    }

    /// Asks all but the first child to stop, and lets none follow.
    pub(crate) fn stop(&self, drain: Duration) {
        let waiters = {
            let mut members = self.lock();
            members.closed = true;
            let leaving: Vec<_> = members.others().map(|member| member.id).collect();
            leaving.into_iter().for_each(|id| members.dismiss(id, drain));
            // Dropped without the lock: one may hold a place.
            std::mem::take(&mut members.waiters)
        };
        drop(waiters);
        self.woken.notify_one();
    }

    /// Waits until the children of [`Pool::stop`] are gone.
    pub(crate) async fn stopped(&self) {
        let leaving: Vec<Shard> = {
            let members = self.lock();
            let left = members.leaving.iter().map(|leaving| leaving.shard.clone());
            left.chain(members.others().filter_map(|member| member.shard.clone())).collect()
        };
        for shard in leaving {
            shard.stopped().await;
        }
    }

    pub(crate) fn review(&self, spec: &Arc<ShardSpec>) {
        self.lock()
            .others()
            .filter_map(|member| member.shard.as_ref())
            .for_each(|shard| shard.review(Arc::clone(spec)));
    }

    /// The session is over.
    pub(crate) fn end(&self, client: u128) {
        let mut members = self.lock();
        if let Some(id) = members.private.get(&client).map(|member| member.id) {
            members.dismiss(id, Duration::ZERO);
        }
        drop(members);
        self.woken.notify_one();
    }

    pub(crate) fn set_level(&self, client: u128, level: Level) {
        if let Some(heard) = self.lock().private.get(&client).and_then(|member| member.level.as_ref()) {
            heard.send_replace(Some(level));
        }
    }

    /// The session's own child, while it serves.
    pub(crate) fn private(&self, client: u128) -> Option<Live> {
        let members = self.lock();
        members.private.get(&client).and_then(|member| serving(member.shard.as_ref()?))
    }

    /// All but the first child that serve.
    pub(crate) fn children(&self) -> Vec<Child> {
        let members = self.lock();
        let serving = members.others().filter_map(|member| serving(member.shard.as_ref()?));
        serving.map(|live| Child { pid: live.pid, in_flight: live.link.in_flight().0 }).collect()
    }

    /// The child that can take a call now, if there is one and nobody waits for it.
    pub(crate) fn take(self: &Arc<Self>, primary: &Shard, tenant: &Tenant) -> Option<Place> {
        let mut members = self.lock();
        if let Some(client) = self.own_child_of(tenant) {
            let member = members.private.get_mut(&client)?;
            let shard = member.shard.clone()?;
            let live = serving(&shard)?;
            let seat = Seat::Private { client, id: member.id };
            member.leases += 1;
            return Some(Place::leased(shard, live, Lease::new(self, seat, None)));
        }
        if members.closed || !members.waiters.is_empty() {
            return None;
        }
        self.lease_free(&mut members, primary)
    }

    /// A place in the queue for the next child, or on the session's own, which is started if need be.
    pub(crate) fn seek(self: &Arc<Self>, primary: &Shard, tenant: &Tenant) -> Result<Search, Refused> {
        let mut members = self.lock();
        if members.closed || self.tasks.stop().is_cancelled() {
            return Ok(Search::in_vain(self.prospect.subscribe()));
        }
        if let Some(client) = self.own_child_of(tenant) {
            if !members.private.contains_key(&client) {
                let member = self.employ_private(&mut members, primary, tenant)?;
                members.private.insert(client, member);
            }
            let member = members.private.get_mut(&client).expect("it was there or has just been made");
            let shard = member.shard.clone().expect("only the first child is known by its shard alone");
            member.leases += 1;
            let lease = Lease::new(self, Seat::Private { client, id: member.id }, None);
            return Ok(Search::of_child(shard, Some(lease)));
        }
        members.waiters.retain(|waiter| !waiter.is_closed());
        if members.waiters.len() >= WAITING {
            return Err(Refused::Busy { children: members.exclusive.len(), waiting: WAITING });
        }
        let (grant, granted) = oneshot::channel();
        members.waiters.push_back(grant);
        drop(members);
        self.woken.notify_one();
        Ok(Search::of_queue(granted, self.prospect.subscribe()))
    }

    /// The session whose own child the tenant is to have.
    fn own_child_of(&self, tenant: &Tenant) -> Option<u128> {
        match (self.instances, tenant) {
            (Instances::PerSession, Tenant::Session { client, .. }) => Some(*client),
            _ => None,
        }
    }

    fn lease_free(self: &Arc<Self>, members: &mut Members, primary: &Shard) -> Option<Place> {
        let free = |member: &mut Member| {
            let shard = member.shard.as_ref().unwrap_or(primary);
            let live = serving(shard).filter(|live| member.leases == 0 && live.link.is_settled())?;
            member.leases += 1;
            Some((member.id, shard.clone(), live))
        };
        let (id, shard, live) = members.exclusive.iter_mut().find_map(free)?;
        let link = live.link.clone();
        Some(Place::leased(shard, live, Lease::new(self, Seat::Exclusive { id }, Some(link))))
    }

    /// Another child for one call at a time.
    fn employ(&self, members: &mut Members, primary: &Shard) {
        let ties = Ties { marks: primary.marks(), ..self.ties() };
        let setup = Setup { after: members.after.clone(), ..self.member_setup(primary, ties) };
        let shard = Shard::supervise(primary.spec(), setup, &self.tasks);
        let member = members.member(Some(shard));
        members.exclusive.push(member);
    }

    fn employ_private(&self, members: &mut Members, primary: &Shard, tenant: &Tenant) -> Result<Member, Refused> {
        let Tenant::Session { client, level, asks } = *tenant else { return Err(Refused::Gone) };
        let own = &self.setup.own_children;
        // Under the lock of the pool: whoever ends the session finds the child, or it is not made.
        if own.is_over(client) {
            return Err(Refused::Over);
        }
        let permit = own.take_place().ok_or(Refused::Private { limit: own.limit() })?;
        let (level, heard) = watch::channel(level);
        let owner = Owner { client, asks, level: heard.clone(), post: own.post() };
        let ties = Ties { marks: primary.marks(), owner: Some(owner), ..Ties::default() };
        let setup = Setup { level: heard, after: members.after.clone(), ..self.member_setup(primary, ties) };
        let shard = Shard::supervise(primary.spec(), setup, &self.tasks);
        Ok(Member { level: Some(level), permit: Some(permit), ..members.member(Some(shard)) })
    }

    fn member_setup(&self, primary: &Shard, ties: Ties) -> Setup {
        Setup {
            known: primary.known.borrow().clone(),
            heritage: primary.own_heritage(),
            audience: ties.owner.as_ref().map_or(Audience::Nobody, |owner| Audience::Session(owner.client)),
            role: Role::Member(ties),
            ..self.setup.clone()
        }
    }

    fn release(&self, seat: &Seat, link: Option<&Link>) {
        let mut members = self.lock();
        let Some(member) = members.at(seat) else { return };
        member.leases -= 1;
        member.freed = Instant::now();
        let is_awaited = !members.waiters.is_empty() || link.is_some_and(|link| !link.is_settled());
        drop(members);
        if is_awaited {
            self.woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().expect("no code that can panic runs under this lock")
    }
}

/// The child, if it can take a call now.
fn serving(shard: &Shard) -> Option<Live> {
    match &*shard.state.borrow() {
        ShardState::Ready(live) if !live.link.is_closed() => Some(live.clone()),
        _ => None,
    }
}
