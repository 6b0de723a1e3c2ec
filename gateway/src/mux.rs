//! Between the doors and the shards: which shard answers, and what must change on the way.
//!
//! Invariants: lists are answered from bytes that lie ready and wake nobody; a call resolves its name and its link in one
//! snapshot; the mux owns a call, not the door (DESIGN D3, D13).

mod calls;
mod changes;
mod client;
mod failure;
mod levels;
mod overview;
mod registry;
mod relay;
mod rewrite;
mod route;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use self::calls::Calls;
use self::levels::Levels;
use self::route::Shown;
use crate::fleet::World;
use crate::shard::roster::List;
use crate::tasks::Tasks;
use crate::wire::{Chunks, Era, Fault, Id, Level, Notification, Params, Request, code, result_response};

pub use self::changes::Changes;
pub use self::client::{Capabilities, Client, ClientKey, Initialized};
pub use self::overview::{Overview, Tool};
pub use self::registry::{Entry, Registry};
pub use self::relay::{Relay, Relayed};

/// The fleet says when the first start is over; this is for a fleet that cannot say anything any more.
const SETTLE: Duration = Duration::from_secs(6);
/// How many calls may go on after their legacy clients hung up.
const DETACHED: usize = 256;

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
    Call(Relay),
}

/// The meeting point of clients and shards. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mux(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    world: watch::Receiver<Arc<World>>,
    levels: Levels,
    calls: Arc<Calls>,
    shown: Shown,
    /// Places for calls that go on without a reader.
    detached: Arc<Semaphore>,
    tasks: Tasks,
    started: Instant,
}

impl Mux {
    /// A mux over what `world` says. `level` is where the shards hear the most verbose wish of all clients; detached calls
    /// go on among `tasks`.
    pub fn new(world: watch::Receiver<Arc<World>>, level: watch::Sender<Option<Level>>, tasks: &Tasks) -> Self {
        Self(Arc::new(Inner {
            world,
            levels: Levels::new(level),
            calls: Arc::default(),
            shown: Shown::default(),
            detached: Arc::new(Semaphore::new(DETACHED)),
            tasks: tasks.clone(),
            started: Instant::now(),
        }))
    }

    /// A legacy `initialize`: agrees on a revision and reads what the client says of itself. Waits for a first start.
    ///
    /// # Errors
    /// The request has not the shape that the protocol demands.
    pub async fn initialize(&self, key: ClientKey, request: &Request<'_>) -> Result<Initialized, Fault> {
        let client = client::initialize(key, request)?;
        let world = self.settled().await;
        let result = client::initialize_result(&client, world.catalogue.instructions());
        Ok(Initialized { client, result })
    }

    /// The sender of a modern request.
    ///
    /// # Errors
    /// A key that each request needs is missing, or the revision is not spoken here.
    pub fn modern_client(&self, key: ClientKey, params: &Params<'_>) -> Result<Client, Fault> {
        client::modern(key, params)
    }

    /// Any request but a legacy `initialize`; every fault is an answer.
    pub async fn dispatch(&self, client: &Client, request: &Request<'_>, params: &Params<'_>) -> Dispatched {
        let result = match self.own_answer(client, request, params).await {
            Some(result) => result,
            None => match self.call(client, request, params).await {
                Ok(relay) => return Dispatched::Call(relay),
                Err(fault) => Err(fault),
            },
        };
        Dispatched::Answer(answer(request.id, result))
    }

    /// A notification of a client; those that mean nothing here are dropped.
    pub fn notify(&self, client: &Client, notification: &Notification<'_>) {
        if notification.method != "notifications/cancelled" {
            return;
        }
        let id = Params::read(notification.params).ok().and_then(|params| Id::read(params.request_id?));
        if let Some(id) = id {
            self.0.calls.cancel(client.key, &id.key());
        }
    }

    /// Cancels every call of a client and forgets what it set: its session is over.
    pub fn cancel_all(&self, key: ClientKey) {
        self.0.calls.cancel_all(key);
        self.0.levels.forget(key);
    }

    /// The log level that a legacy client has set.
    pub fn level(&self, key: ClientKey) -> Option<Level> {
        self.0.levels.get(key)
    }

    /// Follows the lists from now on.
    pub fn changes(&self) -> Changes {
        Changes::new(self.0.world.clone())
    }

    /// Waits until every enabled shard has been ready, or has failed, once; at most `limit`.
    pub async fn tried(&self, limit: Duration) {
        let mut world = self.0.world.clone();
        // Whether it came to that or the time was over, the registry says.
        let _ = tokio::time::timeout(limit, world.wait_for(|world| world.ready)).await;
    }

    /// What is true now, for people and programs.
    pub fn registry(&self) -> Registry {
        registry::registry(&self.0.world.borrow(), self.0.started)
    }

    /// The same with what the tools are and do, for people.
    pub fn overview(&self) -> Overview {
        let world = Arc::clone(&self.0.world.borrow());
        overview::overview(&world, self.0.started)
    }

    /// The result of a method that the gateway answers itself; `None` for one that shards answer.
    async fn own_answer(
        &self,
        client: &Client,
        request: &Request<'_>,
        params: &Params<'_>,
    ) -> Option<Result<Bytes, Fault>> {
        const EMPTY: Bytes = Bytes::from_static(b"{}");
        let era = client.revision.era();
        let list = List::ALL.into_iter().find(|list| list.method() == request.method);
        if let Some(list) = list {
            return Some(self.list(list, era, params).await);
        }
        match (&*request.method, era) {
            ("ping", Era::Legacy) => Some(Ok(EMPTY)),
            ("logging/setLevel", Era::Legacy) => Some(self.set_level(client, params).map(|()| EMPTY)),
            ("server/discover", Era::Modern) => {
                let world = self.settled().await;
                Some(Ok(client::discover_result(world.catalogue.instructions())))
            }
            _ => None,
        }
    }

    async fn list(&self, list: List, era: Era, params: &Params<'_>) -> Result<Bytes, Fault> {
        if let Some(cursor) = params.cursor {
            let message = format!("unknown cursor {}: a list is one page here", cursor.as_str());
            return Err(Fault::new(code::INVALID_PARAMS, message));
        }
        Ok(self.settled().await.catalogue.list(list, era).clone())
    }

    fn set_level(&self, client: &Client, params: &Params<'_>) -> Result<(), Fault> {
        let missing = || Fault::new(code::INVALID_PARAMS, "`params.level` must be a log level");
        let level = client::read_level(params.level.ok_or_else(missing)?)?;
        self.0.levels.set(client.key, level);
        Ok(())
    }

    async fn call(&self, client: &Client, request: &Request<'_>, params: &Params<'_>) -> Result<Relay, Fault> {
        // Before anything is waited for, so that a cancellation right behind the request finds it.
        let ticket = self.0.calls.enter(client.key, request.id)?;
        let world = self.settled().await;
        let era = client.revision.era();
        let route = route::route(&world.catalogue, &self.0.shown, era, &request.method, params)?;
        let id = request.id.as_str();
        Ok(Relay::start(Arc::clone(&self.0), client, route, ticket, id, request.params, params))
    }

    /// The world, after the first start is over.
    async fn settled(&self) -> Arc<World> {
        let mut world = self.0.world.clone();
        if !world.borrow().settled {
            let _ = tokio::time::timeout(SETTLE, world.wait_for(|world| world.settled)).await;
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
