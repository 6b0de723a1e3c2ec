//! The load generator: clients that call one after the other, as many at once as are wanted, for a while.
//!
//! Invariant: every answer is verified, those of the warm-up too, and only calls that ended within the window count.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use gateway::wire::Era;
use tokio::runtime;
use tokio::task::JoinSet;

use crate::rig::{Client, Latencies, Notices, Outcome, cpu_time};

/// Where the calls go.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The gateway, which opens sessions and answers calls.
    pub gateway: String,
    /// The floor, if that is what is measured; it gets what the gateway would get.
    pub floor: Option<String>,
    /// The process whose processor time is measured.
    pub pid: u32,
    /// The era of the clients.
    pub era: Era,
    /// The tools, called in turn.
    pub tools: Vec<String>,
    /// What precedes each answer.
    pub notices: Notices,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Calls under way at once; each client has a connection of its own.
    pub in_flight: usize,
    /// For connecting and warming up.
    pub warm_up: Duration,
    /// How long calls count.
    pub window: Duration,
    /// The generator's threads.
    pub threads: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Sample {
    /// One for each right answer within the window.
    pub latencies: Latencies,
    /// Every other outcome.
    pub faults: Vec<String>,
    /// The window.
    pub window: Duration,
    /// The processor time of the measured process within the window.
    pub cpu: Duration,
}

impl Sample {
    /// Calls per second.
    pub fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.window.as_secs_f64()
    }

    /// The processor time per call, in microseconds.
    pub fn cpu_per_call(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.rate() * self.window.as_secs_f64()).max(1.0)
    }
}

impl Peer {
    /// A client of it.
    ///
    /// # Errors
    /// It is not there.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let mut client = Client::connect(&self.gateway, self.era).await?;
        if let Some(floor) = &self.floor {
            client.freeze();
            client.reconnect(floor).await?;
        }
        Ok(client)
    }

    /// Calls for a while.
    ///
    /// # Errors
    /// A client could not connect; calls that fail are in the sample instead.
    pub fn load(&self, load: Load) -> anyhow::Result<Sample> {
        let from = Instant::now() + load.warm_up;
        let until = from + load.window;
        let window = Window { from, until };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..load.threads)
                .map(|first| scope.spawn(move || self.work(window, (first..load.in_flight).step_by(load.threads))))
                .collect();
            thread::sleep(from.saturating_duration_since(Instant::now()));
            let before = cpu_time(self.pid)?;
            thread::sleep(until.saturating_duration_since(Instant::now()));
            let cpu = cpu_time(self.pid)?.saturating_sub(before);
            let mut whole = Sample { window: load.window, cpu, ..Sample::default() };
            for worker in workers {
                let part = worker.join().map_err(|_| anyhow!("a worker panicked"))??;
                whole.latencies.merge(part.latencies);
                whole.faults.extend(part.faults);
            }
            Ok(whole)
        })
    }

    fn work(&self, window: Window, clients: impl Iterator<Item = usize>) -> anyhow::Result<Sample> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut calling = JoinSet::new();
            for client in clients {
                calling.spawn(self.clone().call_on(window, client));
            }
            let mut whole = Sample::default();
            while let Some(part) = calling.join_next().await {
                let part = part??;
                whole.latencies.merge(part.latencies);
                whole.faults.extend(part.faults);
            }
            Ok(whole)
        })
    }

    async fn call_on(self, window: Window, number: usize) -> anyhow::Result<Sample> {
        let mut client = self.client().await?;
        let prepared: Vec<_> =
            self.tools.iter().map(|tool| client.prepare_with(tool, self.notices)).collect::<Result<_, _>>()?;
        let mut sample = Sample::default();
        for call in prepared.iter().cycle().skip(number % prepared.len().max(1)) {
            let start = Instant::now();
            let outcome = client.call(call).await;
            let end = Instant::now();
            match outcome {
                Outcome::Echoed if end < window.from => {}
                Outcome::Echoed if end < window.until => sample.latencies.record(end - start),
                Outcome::Echoed => break,
                fault => sample.faults.push(format!("{fault:?}")),
            }
            if end >= window.until {
                break;
            }
            // A connection that broke stays so.
            if matches!(sample.faults.last(), Some(fault) if fault.starts_with("Lost")) {
                break;
            }
        }
        Ok(sample)
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}
