//! Owns the children of this gateway: starts them, writes them down, finds what has left their groups, and ends all.
//!
//! Invariant: all children are started by one thread that ends after the last of them, because they die with the thread
//! that started them; and none is spoken to before it stands in the ledger.

mod ending;
mod family;
pub(crate) mod inventory;
pub(crate) mod ledger;
mod sweep;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit};
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use self::family::{Claim, Marks};
use self::ledger::{Content, Entry, Ledger, Owner};
use crate::config::ShardName;
use crate::shard::os;
use crate::shard::os::table::{self, Id, MARKER};
use crate::shard::process::Process;

/// Orders wait here while the one before is carried out; a shard has one at a time.
const ORDERS: usize = 256;
/// Children die in bursts; they are buried together.
const BURST: Duration = Duration::from_millis(20);
/// What has left its group has so long between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(300);

/// The owner of the children. Cheap to clone; its thread ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
struct Shared {
    token: String,
    /// Of files, as it was when the gateway started.
    open_files: Rlimit,
    book: Mutex<Book>,
}

/// What is owned, in memory and on disk.
#[derive(Debug)]
struct Book {
    content: Content,
    /// How many have been started.
    started: u64,
    /// `None` where the disk refused it.
    ledger: Option<Ledger>,
    /// The last write failed, and that has been said.
    is_behind: bool,
    /// Nothing is started any more.
    is_closed: bool,
}

#[derive(Debug)]
enum Order {
    Start(Box<Start>),
    /// Dead processes may have come to us.
    Reap,
    /// Its owner is gone.
    Abandon(Entry),
}

#[derive(Debug)]
struct Start {
    command: Command,
    shard: ShardName,
    keeper: Keeper,
    started: oneshot::Sender<io::Result<Process>>,
}

impl Keeper {
    /// Returns at once. What killed gateways have left behind is ended first, and the first child waits for that. `door`
    /// is where clients find this gateway. To be called in a runtime, and before the limit of open files is raised.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn start(state_dir: Option<&Path>, door: &str) -> io::Result<Self> {
        let pid = std::process::id();
        let id = table::seen(pid).map_or(Id { pid, started: 0 }, |seen| seen.id);
        let mut token = [0; 8];
        getrandom::fill(&mut token).map_err(io::Error::other)?;
        let token = format!("{:016x}", u64::from_ne_bytes(token));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let gateway = Owner { id, place: os::here(), token: token.clone(), version, door: door.to_owned() };
        let content = Content { gateway, children: Vec::new() };
        let book = Mutex::new(Book { content, started: 0, ledger: None, is_behind: false, is_closed: false });
        let open_files = getrlimit(Resource::Nofile);
        let shared = Arc::new(Shared { token, open_files, book });
        if let Err(error) = os::adopt_orphans() {
            warn!(error = &error as &dyn std::error::Error, "processes that lose their parent are not adopted");
        }
        let (orders, waiting) = mpsc::channel(ORDERS);
        let (kept, state_dir, runtime) = (Arc::clone(&shared), state_dir.map(Path::to_owned), Handle::current());
        let keep = move || kept.keep(state_dir, waiting, &runtime);
        std::thread::Builder::new().name("keeper".into()).spawn(keep)?;
        Ok(Self { shared, orders })
    }

    /// Starts a child of `shard` with our marker in its environment. If the caller is gone by then, the child goes too.
    pub(crate) async fn launch(&self, shard: &ShardName, mut command: Command) -> io::Result<Process> {
        os::tie(&mut command, self.shared.open_files);
        let (started, answer) = oneshot::channel();
        let start = Start { command, shard: shard.clone(), keeper: self.clone(), started };
        let gone = || io::Error::other("the thread that starts children has ended");
        self.orders.send(Order::Start(Box::new(start))).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// What is a child's now and alive. Blocks.
    pub(crate) fn family(entry: &Entry) -> Vec<Id> {
        let all = table::all_marked(entry.id.started);
        entry.claim(&[]).over(&all).iter().map(|seen| seen.id).collect()
    }

    /// Ends whatever is left of a child whose group has ended, `known` processes among it, and strikes the child off. Blocks.
    pub(crate) fn finish(&self, entry: &Entry, known: &[Id]) {
        self.shared.end_rest(entry, known, GRACE);
    }

    /// The same without a grace, later, by the thread.
    pub(crate) fn abandon(&self, entry: &Entry) {
        // If the thread has too much to do, or is gone, the end of the gateway or the next sweep finds it.
        let _ = self.orders.try_send(Order::Abandon(entry.clone()));
    }

    /// Buries the dead that come to us as children of others, until the task is dropped.
    ///
    /// # Errors
    /// The signal cannot be listened for.
    pub fn bury(&self) -> io::Result<impl Future<Output = ()> + Send + use<>> {
        let died = signal(SignalKind::child())?;
        Ok(bury(died, self.orders.clone()))
    }

    /// The end: nothing is started any more, all that is still owned is killed, and the ledger is closed. Blocks, for a
    /// second at most.
    pub fn end(&self) {
        let mut book = self.shared.book();
        book.is_closed = true;
        let known = book.content.children.iter().map(|child| child.id).collect();
        let claim = Claim { known, marks: Marks::Token(self.shared.token.clone()) };
        let ending = ending::end(&[claim], book.content.gateway.id.started, Duration::ZERO);
        for seen in &ending.left {
            warn!(pid = seen.id.pid, program = seen.name, "a process of a shard is left behind");
        }
        if let Some(ledger) = book.ledger.take_if(|_| ending.left.is_empty())
            && let Err(error) = ledger.end()
        {
            warn!(error = &error as &dyn std::error::Error, "cannot remove the ledger");
        }
    }
}

async fn bury(mut died: Signal, orders: mpsc::Sender<Order>) {
    loop {
        let _ = orders.send(Order::Reap).await;
        if died.recv().await.is_none() {
            return;
        }
        tokio::time::sleep(BURST).await;
    }
}

impl Shared {
    /// What the thread does.
    fn keep(&self, state_dir: Option<PathBuf>, mut orders: mpsc::Receiver<Order>, runtime: &Handle) {
        let _entered = runtime.enter();
        self.book().begin(state_dir.as_deref());
        if let Some(state_dir) = state_dir {
            sweep::sweep(&state_dir);
        }
        while let Some(order) = orders.blocking_recv() {
            match order {
                Order::Start(start) => self.start(*start),
                Order::Reap => self.reap(),
                Order::Abandon(entry) => self.end_rest(&entry, &[], Duration::ZERO),
            }
        }
    }

    fn start(&self, start: Start) {
        let Start { mut command, shard, keeper, started } = start;
        let mut book = self.book();
        if book.is_closed {
            let _ = started.send(Err(io::Error::other("the gateway stops")));
            return;
        }
        book.started += 1;
        let marker = format!("{}.{shard}.{}", self.token, book.started);
        command.env(MARKER, &marker);
        let process = command.spawn().map(|child| {
            // Nobody waits for it yet, so it is in the table even if it has ended.
            let pid = child.id().unwrap_or_default();
            let id = table::seen(pid).map_or(Id { pid, started: 0 }, |seen| seen.id);
            let entry = Entry { shard: shard.to_string(), id, marker };
            book.content.children.push(entry.clone());
            book.write();
            Process::own(child, entry, keeper)
        });
        drop(book);
        // A caller that is gone drops the process, and that ends it.
        let _ = started.send(process);
    }

    fn reap(&self) {
        let own: Vec<Id> = self.book().content.children.iter().map(|child| child.id).collect();
        // No child is started meanwhile: this is the thread that does.
        let buried = os::reap_adopted(&own);
        if buried > 0 {
            debug!(buried, "buried adopted processes");
        }
    }

    fn end_rest(&self, entry: &Entry, known: &[Id], grace: Duration) {
        let ending = ending::end(&[entry.claim(known)], entry.id.started, grace);
        for seen in &ending.ended {
            let (pid, program) = (seen.id.pid, &seen.name);
            debug!(shard = entry.shard, pid, program, "ended a process that the shard had left behind");
        }
        for seen in &ending.left {
            warn!(
                shard = entry.shard,
                pid = seen.id.pid,
                program = seen.name,
                "a process of the shard cannot be ended"
            );
        }
        if ending.left.is_empty() {
            let mut book = self.book();
            book.content.children.retain(|child| child != entry);
            book.write();
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A list of numbers is as good as it was before whatever panicked.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn begin(&mut self, state_dir: Option<&Path>) {
        let begun = match state_dir {
            Some(state_dir) => Ledger::begin(state_dir, &self.content),
            None => Err(io::Error::other("there is no state folder")),
        };
        match begun {
            Ok(ledger) => self.ledger = Some(ledger),
            Err(error) => warn!(
                error = &error as &dyn std::error::Error,
                "no ledger of child processes: should this gateway be killed, the next one cannot end what it leaves behind"
            ),
        }
    }

    /// Said once, and again after it has worked in between: a disk that is full stays so for many starts.
    fn write(&mut self) {
        if self.is_closed {
            return;
        }
        let Some(ledger) = &mut self.ledger else { return };
        let written = ledger.write(&self.content);
        if let Err(error) = &written
            && !self.is_behind
        {
            let lost = "the ledger of child processes cannot be written: should this gateway be killed, the next one \
                        finds what it leaves behind by its marker only";
            warn!(error = error as &dyn std::error::Error, "{lost}");
        }
        self.is_behind = written.is_err();
    }
}

#[cfg(test)]
mod tests;
