//! Clients that call one tool after the other until they are told to stop, and keep a record of each call.
//!
//! Invariant: no call is made again. A connection that broke is replaced, and the call that it broke is on record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use gateway::wire::Era;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::rig::{Client, Outcome, Prepared};

/// No call is waited for any longer.
const LONGEST: Duration = Duration::from_secs(30);

/// One call.
#[derive(Debug, Clone)]
pub struct Record {
    /// The shard, by its place among those that are called.
    pub shard: usize,
    /// When it was made.
    pub start: Instant,
    /// When its outcome was known.
    pub end: Instant,
    /// The token that it carried.
    pub token: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Record {
    /// How long it took.
    pub fn took(&self) -> Duration {
        self.end - self.start
    }
}

/// Whom the clients call, and how.
#[derive(Debug, Clone)]
pub struct Calling {
    /// The gateway.
    pub host: String,
    /// The tools by their exposed names, one of each shard.
    pub tools: Vec<String>,
    /// How many clients there are; every second one is of the modern era.
    pub clients: usize,
    /// How long each client pauses between two calls.
    pub pause: Duration,
}

/// Clients at work.
#[derive(Debug)]
pub struct Callers {
    calling: JoinSet<anyhow::Result<Vec<Record>>>,
    stop: Arc<AtomicBool>,
}

impl Callers {
    /// Connects all clients and lets them call tools at random.
    ///
    /// # Errors
    /// A client cannot connect.
    pub async fn start(calling: &Calling, dice: &mut Rng) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut at_work = JoinSet::new();
        for number in 0..calling.clients {
            let era = if number % 2 == 0 { Era::Legacy } else { Era::Modern };
            let client = Client::connect(&calling.host, era).await?;
            let calls = calling.tools.iter().map(|tool| client.prepare(tool)).collect::<Result<_, _>>()?;
            let (host, pause) = (calling.host.clone(), calling.pause);
            let caller = Caller { client, calls, host, pause, dice: dice.fork(), stop: Arc::clone(&stop) };
            at_work.spawn(caller.call_on());
        }
        Ok(Self { calling: at_work, stop })
    }

    /// Lets every client end its call, and gives all records.
    ///
    /// # Errors
    /// A client could not connect again.
    pub async fn stop(mut self) -> anyhow::Result<Vec<Record>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut records = Vec::new();
        while let Some(ended) = self.calling.join_next().await {
            records.extend(ended??);
        }
        Ok(records)
    }
}

struct Caller {
    client: Client,
    calls: Vec<Prepared>,
    host: String,
    pause: Duration,
    dice: Rng,
    stop: Arc<AtomicBool>,
}

impl Caller {
    async fn call_on(mut self) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let shard = self.dice.usize(..self.calls.len());
            let start = Instant::now();
            let called = timeout(LONGEST, self.client.call(&self.calls[shard])).await;
            let outcome = called.unwrap_or_else(|_| Outcome::Lost(format!("no answer within {LONGEST:?}")));
            let broke = matches!(outcome, Outcome::Lost(_));
            records.push(Record { shard, start, end: Instant::now(), token: self.client.last_token(), outcome });
            if broke {
                self.client.reconnect(&self.host).await?;
            }
            if !self.pause.is_zero() {
                sleep(self.pause).await;
            }
        }
        Ok(records)
    }
}
