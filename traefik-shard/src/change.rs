//! The one writer of this process: it takes changes from the tools one by one and sees each to its end.
//!
//! A change that has begun is finished or undone, even if nobody waits for the answer any more.

mod address;
mod asked;
mod causes;
mod create;
mod delete;
mod errand;
mod plan;
mod poll;
mod probe;
mod recover;
mod references;
mod reload;
mod reload_command;
mod undo;
mod users;

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{info, warn};

pub(crate) use self::create::Created;
pub(crate) use self::delete::{Deleted, Deletion};
use self::errand::{Errand, Steps};
pub(crate) use self::reload::Reloaded;
use crate::api::Api;
use crate::disk::{Record, Store, blocking};
use crate::failure::{Code, Failure};
use crate::progress::Progress;
use crate::route::Request;
use crate::settings::Settings;

/// How many changes may wait for their turn.
const QUEUE: usize = 16;
/// How many steps may wait to be told; more are lost.
const STEPS: usize = 16;

/// How long another process may write: its change waits 10 s for Traefik, unless it was given longer, and one that
/// is taken back 10 s more for the old state. Where several in a row fail, the last hears `busy` and why.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    settings: Settings,
    api: Api,
    jobs: mpsc::Sender<Job>,
}

/// Owns the writer's task; whoever holds it ends it with [`Keeper::finish`].
pub(crate) struct Keeper {
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

/// One order and the way back.
enum Job {
    Create(Box<Request>, Steps, Reply<Created>),
    Delete(Deletion, Steps, Reply<Deleted>),
    Reload(Option<u64>, Steps, Reply<Reloaded>),
}

type Reply<T> = oneshot::Sender<Result<T, Failure>>;

impl Writer {
    /// Begins the writer's task, which first sees to what an earlier process left unfinished.
    pub(crate) fn start(settings: Settings, api: Api) -> (Self, Keeper) {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(work(settings.clone(), api.clone(), queue, stopped));
        (Self { settings, api, jobs }, Keeper { stop, tasks })
    }

    /// Makes or changes a route. Dropping the future leaves the change to end by itself.
    ///
    /// A dry run takes no turn: it writes nothing.
    pub(crate) async fn create(&self, request: Request, progress: &Progress) -> Result<Created, Failure> {
        if request.dry_run {
            let errand = Errand::new(&self.settings, &self.api, Steps::untold(), request.wait_seconds)?;
            return Box::pin(create::dry_run(&errand, &request)).await;
        }
        self.order(progress, |steps, reply| Job::Create(Box::new(request), steps, reply)).await
    }

    /// Deletes a managed route. Dropping the future leaves the change to end by itself.
    pub(crate) async fn delete(&self, deletion: Deletion, progress: &Progress) -> Result<Deleted, Failure> {
        self.order(progress, |steps, reply| Job::Delete(deletion, steps, reply)).await
    }

    /// Proves that Traefik reads its files now, or says why it does not.
    pub(crate) async fn reload(&self, wait_seconds: Option<u64>, progress: &Progress) -> Result<Reloaded, Failure> {
        self.order(progress, |steps, reply| Job::Reload(wait_seconds, steps, reply)).await
    }

    /// Queues an order, tells its steps and returns its answer.
    async fn order<T>(&self, progress: &Progress, job: impl FnOnce(Steps, Reply<T>) -> Job) -> Result<T, Failure> {
        if self.settings.read_only {
            return Err(Failure::new(
                Code::ReadOnly,
                "this shard was started read-only",
                "start it without --read-only (TRAEFIK_READ_ONLY) to let it write",
            ));
        }
        let (steps, mut doing) = mpsc::channel(STEPS);
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(job(Steps::told(steps), reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::new(
                Code::Busy,
                format!("{QUEUE} changes already wait for their turn"),
                "wait until some of them have ended and try again",
            ),
            mpsc::error::TrySendError::Closed(_) => stopping(),
        })?;
        let tell = async {
            while let Some(step) = doing.recv().await {
                progress.step(&step).await;
            }
        };
        let ((), answer) = tokio::join!(tell, answer);
        answer.map_err(|_| stopping())?
    }
}

impl Keeper {
    /// Lets the change that is under way end, at most for `limit`, and takes no further one.
    ///
    /// What is cut off is in the journal, and the next start sees to it.
    pub(crate) async fn finish(mut self, limit: Duration) {
        // An error only says that the task has already ended.
        let _ = self.stop.send(());
        if tokio::time::timeout(limit, self.tasks.join_next()).await.is_err() {
            warn!(?limit, "a change was still under way; the next start finishes or undoes it");
            self.tasks.shutdown().await;
        }
    }
}

/// The writer's task.
async fn work(settings: Settings, api: Api, mut queue: mpsc::Receiver<Job>, mut stopped: oneshot::Receiver<()>) {
    if settings.dynamic_dir.is_some() && !settings.read_only {
        recover_at_start(&settings, &api).await;
    }
    loop {
        let job = tokio::select! {
            biased;
            _ = &mut stopped => return,
            job = queue.recv() => job,
        };
        match job {
            Some(job) => Box::pin(carry_out(&settings, &api, job)).await,
            None => return,
        }
    }
}

async fn recover_at_start(settings: &Settings, api: &Api) {
    let recovered = async {
        let errand = Errand::new(settings, api, Steps::untold(), None)?;
        recover::at_start(&errand).await
    };
    if let Err(failure) = Box::pin(recovered).await {
        warn!(%failure, "could not see to what an earlier run left unfinished");
    }
}

/// Carries one job out, unless its client left before it began.
async fn carry_out(settings: &Settings, api: &Api, job: Job) {
    match job {
        Job::Create(_, _, reply) if reply.is_closed() => info!("the client left before its route was made"),
        Job::Delete(_, _, reply) if reply.is_closed() => info!("the client left before its route was deleted"),
        Job::Reload(_, _, reply) if reply.is_closed() => info!("the client left before the reload"),
        Job::Create(request, steps, reply) => {
            let answer = match Errand::new(settings, api, steps, request.wait_seconds) {
                Ok(errand) => create::run(&errand, &request).await,
                Err(failure) => Err(failure),
            };
            give(reply, answer);
        }
        Job::Delete(deletion, steps, reply) => {
            let answer = match Errand::new(settings, api, steps, deletion.wait_seconds) {
                Ok(errand) => delete::run(&errand, &deletion).await,
                Err(failure) => Err(failure),
            };
            give(reply, answer);
        }
        Job::Reload(wait_seconds, steps, reply) => {
            let answer = match Errand::new(settings, api, steps, wait_seconds) {
                Ok(errand) => reload::run(&errand).await,
                Err(failure) => Err(failure),
            };
            give(reply, answer);
        }
    }
}

fn give<T>(reply: Reply<T>, answer: Result<T, Failure>) {
    if let Err(Err(failure)) = reply.send(answer) {
        info!(%failure, "the client left before its answer");
    }
}

fn stopping() -> Failure {
    Failure::new(Code::Busy, "the shard is stopping", "try again when it runs")
}

/// The managed place, as it is now.
async fn open(errand: &Errand<'_>) -> Result<Store, Failure> {
    let settings = errand.settings.clone();
    blocking(move || Store::open(&settings)).await
}

/// Tells the audit log, whose faults stop nothing.
async fn audit(store: &Store, record: Record) {
    let store = store.clone();
    let told = blocking(move || {
        store.state().audit(&record);
        Ok(())
    });
    if let Err(failure) = told.await {
        warn!(%failure, "the audit log was not told");
    }
}
