//! Puts the parts together: fleet, mux and one door, from the start to the stop.
//!
//! Invariant: doors stop before shards, and the whole stop fits into one budget.

pub mod add;
mod banner;
pub mod call;
pub mod check;
pub mod client;
pub mod connect;
pub mod drop_in;
mod files;
pub mod import;
pub mod list;
pub mod new;
mod output;
pub mod peer;
pub mod ps;
pub mod status;
mod taken;
pub mod threads;
mod wish;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::catalogue::Store;
use crate::config::ShardName;
use crate::config::watch::WatchMode;
use crate::door::clients::Place;
use crate::door::guard::Guard;
use crate::door::stdio::{self, StdioSettings};
use crate::door::{HttpSettings, Key, Limits, Sessions, Times, http};
use crate::fleet;
use crate::log;
use crate::mux::{Mux, ParkLimits};
use crate::shard::Keeper;
use crate::shard::followed::Feed;
use crate::shard::pool::OwnChildren;
use crate::tasks::Tasks;

pub use self::wish::{Exit, Wish};

/// How many sessions have children of their own if nobody says otherwise.
pub const PRIVATE_CHILDREN: usize = 64;
/// The table of shards is printed when all have been tried, or after this.
const TABLE: Duration = Duration::from_secs(6);
/// What it takes at most to tell clients that their calls have failed because the gateway stops.
const LAST_WORDS: Duration = Duration::from_millis(250);
const LAST_READS: Duration = Duration::from_millis(50);

/// Everything that the gateway can be told.
#[derive(Debug)]
pub struct Settings {
    /// The folder of shard files.
    pub shards: PathBuf,
    /// Where rosters and the session key are kept; `None` keeps nothing.
    pub state_dir: Option<PathBuf>,
    /// How the folder is watched.
    pub watch: WatchMode,
    /// What all results together may take in memory, in bytes.
    pub result_memory: usize,
    /// How many sessions may have children of their own, of all shards together.
    pub private_children: usize,
    /// How many calls may wait for answers of their clients, and for how long.
    pub parked: ParkLimits,
    /// How long stopping may take.
    pub stop_grace: Duration,
    /// How many threads carry messages.
    pub workers: usize,
    /// The way in.
    pub door: Door,
}

/// The way in for clients.
#[derive(Debug)]
pub enum Door {
    /// Over HTTP.
    Http(HttpOptions),
    /// Over this process's own stdin and stdout.
    Stdio(StdioSettings),
}

/// What the HTTP door is told on the command line.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the flag of its name")]
pub struct HttpOptions {
    pub listen: String,
    pub allow_hosts: Vec<String>,
    pub allow_origins: Vec<String>,
    pub public_url: Option<String>,
    pub max_body: usize,
    pub max_body_memory: usize,
    pub max_requests: usize,
    pub max_streams: usize,
    /// Bytes of events that clients whose connections broke may ask for again.
    pub max_replay_memory: usize,
    pub max_connections: usize,
    pub session_ttl: Duration,
}

/// Runs the gateway on threads of its own until a signal, or the end of stdin, stops it.
///
/// # Errors
/// It could not start: an address is taken, the folder cannot be watched, a host name cannot be read.
pub fn serve(settings: Settings) -> anyhow::Result<()> {
    let runtime = threads::runtime(settings.workers).context("cannot start")?;
    let outcome = runtime.block_on(run(settings));
    // A read of stdin cannot be interrupted, so nobody waits for it.
    runtime.shutdown_timeout(LAST_READS);
    outcome
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut stop = Stop::new()?;
    let doors = Tasks::default();
    let shards = Tasks::default();
    let house = Tasks::default();
    let keeper;
    match &settings.door {
        Door::Http(options) => {
            // Bound before any shard starts: a second gateway at the same address must not start a second fleet.
            let listener = TcpListener::bind(&options.listen).await;
            let listener = listener.with_context(|| {
                format!("cannot listen on `{}`; give another address with `--listen`", options.listen)
            })?;
            let place = place(options, &settings.shards);
            let http = http_settings(options, place, settings.state_dir.as_deref())?;
            let url = url(&listener, options.public_url.as_deref())?;
            // Commands on this machine find it by this address, which a proxy's need not be.
            keeper = keep_house(&settings, &self::url(&listener, None)?, &house)?;
            files::allow(options.max_connections);
            let mux = start_fleet(&settings, None, &keeper, &shards, &doors)?;
            doors.spawn(serve_http(listener, mux.clone(), http, doors.clone()));
            print(&banner::address(&url, &settings.shards));
            tokio::select! {
                () = stop.asked() => {}
                () = show_shards(&mux, &url, &settings.shards) => {}
            }
        }
        Door::Stdio(options) => {
            keeper = keep_house(&settings, "stdio", &house)?;
            let mux = start_fleet(&settings, None, &keeper, &shards, &doors)?;
            let (stdin, stdout) = (tokio::io::stdin(), tokio::io::stdout());
            tokio::select! {
                () = stop.asked() => {}
                () = stdio::serve(stdin, stdout, mux, options.clone(), &doors) => {}
            }
        }
    }
    shut_down(settings.stop_grace, &doors, &shards, &mut stop).await;
    // It only listens, so it is gone at once.
    let _ = house.shutdown(LAST_WORDS).await;
    tokio::task::block_in_place(|| keeper.end());
    Ok(())
}

/// The owner of all children, with the task that buries those of others that come to us.
fn keep_house(settings: &Settings, door: &str, house: &Tasks) -> anyhow::Result<Keeper> {
    let keeper = Keeper::start(settings.state_dir.as_deref(), door).context("cannot start the thread of children")?;
    house.spawn_until_stop(keeper.bury().context("cannot listen for signals")?);
    Ok(keeper)
}

async fn serve_http(listener: TcpListener, mux: Mux, settings: HttpSettings, tasks: Tasks) {
    http::serve(listener, mux, settings, &tasks).await;
}

/// Starts the shards of the folder, or `only` some of them.
fn start_fleet(
    settings: &Settings,
    only: Option<BTreeSet<ShardName>>,
    keeper: &Keeper,
    shards: &Tasks,
    doors: &Tasks,
) -> anyhow::Result<Mux> {
    let store = Store::open(settings.state_dir.as_deref()).unwrap_or_else(|error| {
        warn!(error = &error as &dyn std::error::Error, "serving on without a memory");
        Store::nowhere()
    });
    let (level, heard) = watch::channel(None);
    let (own_children, mail) = OwnChildren::new(settings.private_children);
    let feed = Feed::default();
    let fleet = fleet::Settings {
        shards: settings.shards.clone(),
        only,
        watch: settings.watch,
        keeper: keeper.clone(),
        store,
        result_memory: settings.result_memory,
        level: heard,
        own_children: own_children.clone(),
        feed: feed.clone(),
    };
    Ok(Mux::new(fleet::start(fleet, shards)?, level, feed, (own_children, mail), settings.parked, doors))
}

fn http_settings(options: &HttpOptions, place: Place, state_dir: Option<&Path>) -> anyhow::Result<HttpSettings> {
    let guard = Guard::new(&options.allow_hosts, &options.allow_origins, options.public_url.as_deref())?;
    let key = state_dir.map_or_else(Key::random, Key::load_or_create);
    let limits = Limits {
        body: options.max_body,
        body_bytes: options.max_body_memory,
        requests: options.max_requests,
        streams: options.max_streams,
        replay: options.max_replay_memory,
        connections: options.max_connections,
        ..Limits::default()
    };
    let sessions = Sessions::new(&key, options.session_ttl);
    Ok(HttpSettings { guard, place, sessions, limits, times: Times::default() })
}

/// What the page tells of this gateway; without a public URL the address is the one that led to the page.
fn place(options: &HttpOptions, shards: &Path) -> Place {
    let url = options.public_url.as_deref().map(|url| format!("{}/mcp", url.trim_end_matches('/')));
    Place { program: banner::own_program(), shards: banner::absolute(shards), url }
}

/// The address for clients: the public one, else the one that is bound.
fn url(listener: &TcpListener, public: Option<&str>) -> anyhow::Result<String> {
    let bound = listener.local_addr()?;
    let host = if bound.ip().is_unspecified() { format!("127.0.0.1:{}", bound.port()) } else { bound.to_string() };
    Ok(public.map_or_else(|| format!("http://{host}"), |url| url.trim_end_matches('/').to_owned()))
}

/// Prints the table of shards once all have been tried, and never returns.
async fn show_shards(mux: &Mux, url: &str, folder: &Path) {
    mux.tried(TABLE).await;
    print(&banner::shards(&mux.registry(), url, folder));
    std::future::pending::<()>().await;
}

fn print(text: &str) {
    log::stderr().print(text.as_bytes());
}

/// Closes the doors, then the shards, within `grace`; a second signal stops at once.
async fn shut_down(grace: Duration, doors: &Tasks, shards: &Tasks, stop: &mut Stop) {
    info!("stopping");
    let until = Instant::now() + grace;
    let orderly = async {
        let left = || until.saturating_duration_since(Instant::now());
        // What calls need to end leaves the shards half of the time.
        let calls = doors.shutdown(grace / 2).await;
        if let Err(left) = &calls {
            warn!(%left, "calls are cut off");
        }
        let ended = shards.shutdown(left()).await;
        if calls.is_err() {
            // With their shards those calls have ended; a client that does not listen now misses it.
            let _ = doors.shutdown(LAST_WORDS.min(left())).await;
        }
        ended
    };
    tokio::select! {
        ended = orderly => match ended {
            Ok(()) => info!("stopped"),
            Err(left) => warn!(%left, "shards are killed"),
        },
        () = stop.asked_twice() => warn!("stopped at once by a second signal"),
    }
}

/// The signals that ask the gateway to stop.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed.
    hangup: Signal,
    /// How many have come.
    signals: u32,
    /// The latest.
    latest: SignalKind,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
            signals: 0,
            latest: SignalKind::terminate(),
        })
    }

    /// Ready at the next signal. Safe to cancel.
    async fn asked(&mut self) {
        self.latest = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hangup.recv() => SignalKind::hangup(),
        };
        self.signals += 1;
    }

    /// What a command says that the latest signal has ended.
    fn interrupted(&self) -> anyhow::Error {
        let signal = u8::try_from(self.latest.as_raw_value()).unwrap_or_default();
        wish::Interrupted { signal }.into()
    }

    /// Ready at the second signal since the start. A client that has closed stdin sends its first one soon after, and
    /// means the stop that is under way. Safe to cancel.
    async fn asked_twice(&mut self) {
        while self.signals < 2 {
            self.asked().await;
        }
    }
}
