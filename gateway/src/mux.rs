//! Between the doors and the shards: which shard answers, and what must change on the way.
//!
//! Invariants: lists are answered from bytes that lie ready and wake nobody; a call resolves its name and its link in one
//! snapshot; the mux owns a call, not the door (DESIGN D3, D13).

mod asks;
mod calls;
mod changes;
mod client;
mod failure;
mod following;
mod inbox;
mod levels;
mod listens;
mod overview;
mod parked;
mod passing;
mod private;
mod registry;
mod relay;
mod rewrite;
mod route;
mod subscriptions;
mod task_ids;
mod urls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use self::asks::Asks;
use self::calls::Calls;
use self::inbox::Inboxes;
use self::levels::Levels;
use self::listens::Listens;
use self::parked::Parked;
use self::relay::Waiting;
use self::route::{Errand, Shown};
use self::subscriptions::{Course, Subscriptions};
use self::task_ids::{Holder, TaskIds};
use crate::catalogue::{Catalogue, Mirrored};
use crate::fleet::World;
use crate::shard::budget::Budget;
use crate::shard::followed::Feed;
use crate::shard::pool::{Mail, OwnChildren};
use crate::shard::roster::List;
use crate::tasks::Tasks;
use crate::wire::{Chunks, Era, Fault, Id, Level, Notification, Params, Request, Response, code, result_response};

pub use self::changes::{Changes, all_changed};
pub use self::client::{Client, ClientKey, Initialized, Principal, unsupported};
pub use self::listens::{Listening, listened};
pub use self::overview::{Overview, Tool};
pub use self::parked::ParkLimits;
pub use self::registry::{Entry, Registry};
pub use self::relay::{Relay, Relayed};
pub use crate::fleet::{NoView, View};

/// The fleet says when the first start is over; this is for a fleet that cannot say anything any more.
const SETTLE: Duration = Duration::from_secs(6);
/// How many calls may go on after their legacy clients hung up.
const DETACHED: usize = 256;
/// The method that opens a subscription of the modern era.
pub const LISTEN: &str = "subscriptions/listen";
/// The result that says nothing but that it is so.
const EMPTY: Bytes = Bytes::from_static(b"{}");

/// A whole JSON-RPC response.
#[derive(Debug)]
pub struct Answer {
    /// The message.
    pub body: Chunks,
    /// The error's code, if it is an error.
    pub code: Option<i64>,
}

/// What came of a request.
#[derive(Debug)]
pub enum Dispatched {
    /// The gateway knew the answer.
    Answer(Answer),
    /// A shard is asked.
    Call(Box<Relay>),
    /// A modern client listens.
    Listen(Box<Listening>),
}

/// The meeting point of clients and shards, as one view shows it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mux {
    inner: Arc<Inner>,
    view: Arc<View>,
}

#[derive(Debug)]
struct Inner {
    world: watch::Receiver<Arc<World>>,
    levels: Levels,
    calls: Arc<Calls>,
    asks: Asks,
    /// The calls of modern clients that wait for answers.
    parked: Arc<Parked<Waiting>>,
    /// What calls that may go round keep.
    kept: Budget,
    task_ids: TaskIds,
    inboxes: Arc<Inboxes>,
    subscriptions: Arc<Subscriptions>,
    listens: Listens,
    shown: Shown,
    /// Places for calls that go on without a reader.
    detached: Arc<Semaphore>,
    /// The sessions with children of their own.
    own_children: OwnChildren,
    tasks: Tasks,
    started: Instant,
}

impl Mux {
    /// A mux over all that `world` says. `level` is where the shards hear the most verbose wish of all clients, `feed` where
    /// they hear what clients follow. What the children of sessions say outside of calls arrives as `mail`. What goes on
    /// without a client does so among `tasks`, and what waits for one keeps to `parked`.
    pub fn new(
        world: watch::Receiver<Arc<World>>,
        level: watch::Sender<Option<Level>>,
        feed: Feed,
        (own_children, mail): (OwnChildren, Receiver<Mail>),
        parked: ParkLimits,
        tasks: &Tasks,
    ) -> Self {
        let inboxes = Arc::<Inboxes>::default();
        let subscriptions = Arc::new(Subscriptions::new(feed, Arc::clone(&inboxes)));
        tasks.spawn_until_stop(Arc::clone(&subscriptions).run());
        let inner = Arc::new(Inner {
            world,
            levels: Levels::new(level),
            calls: Arc::default(),
            asks: Asks::default(),
            parked: Arc::new(Parked::new(parked)),
            kept: relay::kept(),
            task_ids: TaskIds::default(),
            subscriptions: Arc::clone(&subscriptions),
            listens: Listens::default(),
            inboxes,
            shown: Shown::default(),
            detached: Arc::new(Semaphore::new(DETACHED)),
            own_children,
            tasks: tasks.clone(),
            started: Instant::now(),
        });
        tasks.spawn_until_stop(private::carry(Arc::downgrade(&inner), mail));
        Self { inner, view: Arc::default() }
    }

    /// The same mux as `view` shows it: lists, instructions, changes and calls keep to the view; sessions, calls under way
    /// and log levels are those of all views. Waits until the folder of shard files has been read.
    ///
    /// # Errors
    /// A shard that the view names is unknown, or none of them runs.
    pub async fn at(&self, view: View) -> Result<Self, NoView> {
        if view == *self.view {
            return Ok(self.clone());
        }
        self.world(|world| world.is_read).await.check(&view)?;
        Ok(Self { inner: Arc::clone(&self.inner), view: Arc::new(view) })
    }

    /// What it shows.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// A legacy `initialize`: agrees on a revision and reads what the client says of itself. Waits for a first start.
    ///
    /// # Errors
    /// The request has not the shape that the protocol demands.
    pub async fn initialize(&self, key: ClientKey, request: &Request<'_>) -> Result<Initialized, Fault> {
        let client = client::initialize(key, request)?;
        let result = client::initialize_result(&client, &*self.settled().await);
        Ok(Initialized { client, result })
    }

    /// The sender of a modern request.
    ///
    /// # Errors
    /// A key that each request needs is missing, or the revision is not spoken here.
    pub fn modern_client(&self, key: ClientKey, principal: Principal, params: &Params<'_>) -> Result<Client, Fault> {
        client::modern(key, principal, params)
    }

    /// What HTTP clients repeat in headers of the arguments of the tool that the view calls `name`. Waits for a first start.
    pub async fn mirrored(&self, name: &str) -> Option<Arc<Mirrored>> {
        self.settled().await.tool(name)?.mirrored.clone()
    }

    /// Any request but a legacy `initialize`; every fault is an answer.
    pub async fn dispatch(&self, client: &Client, request: &Request<'_>, params: &Params<'_>) -> Dispatched {
        if request.method == LISTEN && client.revision.era() == Era::Modern {
            return match self.listen(client, request, params).await {
                Ok(listening) => Dispatched::Listen(Box::new(listening)),
                Err(fault) => Dispatched::Answer(answer(request.id, Err(fault))),
            };
        }
        let result = match self.own_answer(client, request, params).await {
            Some(result) => result,
            None => match self.call(client, request, params).await {
                Ok(Some(relay)) => return Dispatched::Call(Box::new(relay)),
                Ok(None) => Ok(EMPTY),
                Err(fault) => Err(fault),
            },
        };
        Dispatched::Answer(answer(request.id, result))
    }

    /// A notification of a client; those that mean nothing here are dropped.
    pub fn notify(&self, client: &Client, notification: &Notification<'_>) {
        match &*notification.method {
            "notifications/cancelled" => {
                let id = Params::read(notification.params).ok().and_then(|params| Id::read(params.request_id?));
                let reason = notification.params.and_then(|params| params.get("reason")?.string());
                if let Some(id) = id {
                    self.inner.calls.cancel(client.key, &id.key(), reason.as_deref());
                }
            }
            "notifications/progress" => self.inner.asks.progress(client.key, notification.params),
            method @ "notifications/roots/list_changed" => {
                self.inner.tell_own(client.key, method, notification.params);
            }
            _ => self.pass(client, notification),
        }
    }

    /// The answer of a client to something that a shard has asked it. One that nobody waits for is dropped.
    pub fn respond(&self, key: ClientKey, response: &Response<'_>) {
        self.inner.asks.respond(key, response);
    }

    /// Cancels every call of a client and forgets what it set: its session is over.
    pub fn end(&self, key: ClientKey) {
        self.inner.calls.cancel_all(key);
        self.inner.asks.end(key);
        self.inner.parked.end(key);
        self.inner.task_ids.end(key);
        self.inner.end_own(key);
        self.inner.levels.forget(key);
        self.inner.inboxes.forget(key);
        self.inner.subscriptions.forget(key);
    }

    /// The log level that a legacy client has set.
    pub fn level(&self, key: ClientKey) -> Option<Level> {
        self.inner.levels.get(key)
    }

    /// Follows from now on what a client with a session is told outside of its calls. Of several of one session each
    /// message is told by one.
    pub fn changes(&self, key: ClientKey) -> Changes {
        let ear = self.inner.inboxes.open(key, &self.view);
        Changes::new(key, &self.inner, &self.view, ear)
    }

    /// Waits until every enabled shard has been ready, or has failed, once; at most `limit`.
    pub async fn tried(&self, limit: Duration) {
        let mut world = self.inner.world.clone();
        // Whether it came to that or the time was over, the registry says.
        let _ = tokio::time::timeout(limit, world.wait_for(|world| world.ready)).await;
    }

    /// What is true now of all shards, whatever the view, for people and programs.
    pub fn registry(&self) -> Registry {
        let mut registry = registry::registry(&self.inner.world.borrow(), &View::All, self.inner.started);
        for entry in &mut registry.shards {
            entry.parked = self.inner.parked.count_of(&entry.name);
        }
        registry
    }

    /// The shards of the view, with what the tools are and do, for people.
    pub fn overview(&self) -> Overview {
        let world = Arc::clone(&self.inner.world.borrow());
        overview::overview(&world, &self.view, self.inner.started)
    }

    /// The result of a method that the gateway answers itself; `None` for one that shards answer.
    async fn own_answer(
        &self,
        client: &Client,
        request: &Request<'_>,
        params: &Params<'_>,
    ) -> Option<Result<Bytes, Fault>> {
        let era = client.revision.era();
        let list = List::ALL.into_iter().find(|list| list.method() == request.method);
        if let Some(list) = list {
            return Some(self.list(list, era, params).await);
        }
        match (&*request.method, era) {
            ("ping", Era::Legacy) => Some(Ok(EMPTY)),
            ("logging/setLevel", Era::Legacy) => Some(self.set_level(client, params).map(|()| EMPTY)),
            ("server/discover", Era::Modern) => Some(Ok(client::discover_result(&*self.settled().await))),
            (method, Era::Modern) if params.input_responses.is_some() => urls::declined(method, params),
            _ => None,
        }
    }

    async fn list(&self, list: List, era: Era, params: &Params<'_>) -> Result<Bytes, Fault> {
        if let Some(cursor) = params.cursor {
            let message = format!("unknown cursor {}: a list is one page here", cursor.as_str());
            return Err(Fault::new(code::INVALID_PARAMS, message));
        }
        Ok(self.settled().await.list(list, era).clone())
    }

    fn set_level(&self, client: &Client, params: &Params<'_>) -> Result<(), Fault> {
        let missing = || Fault::new(code::INVALID_PARAMS, "`params.level` must be a log level");
        let level = client::read_level(params.level.ok_or_else(missing)?)?;
        self.inner.levels.set(client.key, level);
        self.inner.set_own_level(client.key, level);
        Ok(())
    }

    /// The call at the shard that answers; `None` if no shard need be asked to say yes.
    async fn call(&self, client: &Client, request: &Request<'_>, params: &Params<'_>) -> Result<Option<Relay>, Fault> {
        // Before anything is waited for, so that a cancellation right behind the request finds it.
        let ticket = self.inner.calls.enter(client.key, request.id)?;
        if let Some(waiting) = self.waiting(client, request, params).await? {
            let mux = Arc::clone(&self.inner);
            return Ok(Some(Relay::resumed(mux, client, waiting, ticket, request.id.as_str(), params)));
        }
        let catalogue = self.settled().await;
        let era = client.revision.era();
        let route = match self.left(client, &request.method, params) {
            Some(route) => route,
            None => route::route(&self.scope(&catalogue, client), era, &request.method, params)?,
        };
        if matches!(route.errand, Errand::Makes) {
            self.inner.task_ids.has_room(Holder::of(client))?;
        }
        if let Some(followed) = self.followed_at_modern(client, &route).await {
            return followed.map(|()| None);
        }
        let pending = match self.following(client, &route)? {
            Some(Course::Settled) => return Ok(None),
            Some(Course::AskShard(pending)) => Some(pending),
            None => None,
        };
        let id = request.id.as_str();
        let relay = Relay::start(Arc::clone(&self.inner), client, route, ticket, id, request.params, params);
        Ok(Some(relay.following(pending)))
    }

    /// What the view shows, after the first start is over.
    async fn settled(&self) -> Arc<Catalogue> {
        self.world(|world| world.is_settled_for(&self.view)).await.seen(&self.view)
    }

    /// The world when it has come so far, or will not any more.
    async fn world(&self, mut is_so_far: impl FnMut(&World) -> bool) -> Arc<World> {
        let mut world = self.inner.world.clone();
        if !is_so_far(&world.borrow()) {
            let _ = tokio::time::timeout(SETTLE, world.wait_for(|world| is_so_far(world))).await;
        }
        let world = world.borrow();
        Arc::clone(&world)
    }
}

fn answer(id: Id<'_>, result: Result<Bytes, Fault>) -> Answer {
    match result {
        Ok(result) => Answer { body: result_response(id.as_str(), result), code: None },
        Err(fault) => Answer { body: fault.response(id.as_str()), code: Some(fault.code) },
    }
}
