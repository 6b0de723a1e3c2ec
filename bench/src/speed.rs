//! The speed of the gateway beside that of the floor, in rounds that take turns.
//!
//! Invariant: a ratio compares two runs of the same round, one right after the other, and every figure is a median of
//! rounds. What the machine does besides hits both.

mod allocations;
mod calls;
mod eras;
mod lists;
mod report;
mod starts;
mod streams;
mod turns;

use std::io::{Write as _, stdout};
use std::path::Path;
use std::thread;
use std::time::Duration;

use clap::Args;
use gateway::wire::Era;
use tokio::runtime::{self, Runtime};

use crate::cli::{Target, Verdict};
use crate::floor::Floor;
use crate::load::Peer;
use crate::rig::{Client, Gateway, Notices, echo_shard};

use self::report::Report;

/// How the run is made.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    /// Two minutes instead of six: shorter windows, fewer rounds, more noise.
    #[arg(long)]
    quick: bool,
    /// The generator's threads.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    threads: usize,
    /// Measures only calls, eras, lists, streams, starts or allocations; may be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// A part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Calls,
    Eras,
    Lists,
    Streams,
    Starts,
    Allocations,
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rounds: usize,
    window: Duration,
    warm_up: Duration,
    starts: usize,
    threads: usize,
}

/// One era's gateways and floors.
struct Stage {
    era: Era,
    one: Gateway,
    ten: Gateway,
    /// Answers calls of the one shard.
    floor: Floor,
    /// Answers lists.
    list_floor: Floor,
    list: bytes::Bytes,
}

const ERAS: [Era; 2] = [Era::Modern, Era::Legacy];
const SHARDS: usize = 10;
/// For all shards to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures, prints and judges.
///
/// # Errors
/// Something could not be started.
pub fn run(options: &Options) -> anyhow::Result<Verdict> {
    let binary = options.target.binary()?;
    let millis = Duration::from_millis;
    let (rounds, window, starts) = if options.quick { (3, millis(500), 10) } else { (5, millis(1200), 20) };
    let pace = Pace { rounds, window, warm_up: millis(300), starts, threads: options.threads };
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::default();
    if wanted(Part::Calls) || wanted(Part::Lists) {
        let stages: Vec<Stage> =
            ERAS.iter().map(|era| Stage::set(*era, &binary, &runtime)).collect::<Result<_, _>>()?;
        thread::sleep(Duration::from_secs(2));
        for stage in &stages {
            report.idle(stage.era, stage.ten.memory()?);
        }
        if wanted(Part::Calls) {
            calls::measure(&stages, pace, &mut report)?;
            for stage in &stages {
                report.after_load(stage.era, stage.ten.memory()?);
            }
        }
        if wanted(Part::Lists) {
            runtime.block_on(lists::measure(&stages, pace, &mut report))?;
        }
        for stage in stages {
            runtime.block_on(stage.strike())?;
        }
    }
    if wanted(Part::Eras) {
        eras::measure(&binary, &runtime, pace, &mut report)?;
    }
    if wanted(Part::Streams) {
        streams::measure(&binary, &runtime, pace, &mut report)?;
    }
    if wanted(Part::Allocations) {
        runtime.block_on(allocations::measure(&mut report))?;
    }
    if wanted(Part::Starts) {
        runtime.block_on(starts::measure(&binary, pace, &mut report))?;
    }
    writeln!(stdout(), "{report}")?;
    Ok(report.verdict())
}

impl Stage {
    fn set(era: Era, binary: &Path, runtime: &Runtime) -> anyhow::Result<Self> {
        let shard = |tools: &str| echo_shard(&["--era", era.as_str(), "--tools", tools]);
        let tens: Vec<(String, String)> =
            (0..SHARDS).map(|number| Ok((format!("s{number}"), shard("10")?))).collect::<anyhow::Result<_>>()?;
        let tens: Vec<(&str, String)> = tens.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        runtime.block_on(async {
            let one = Gateway::start(binary, &[("s0", shard("1000")?)], &[]).await?;
            one.until_ready(1, PATIENCE).await?;
            let ten = Gateway::start(binary, &tens, &[]).await?;
            ten.until_ready(SHARDS, PATIENCE).await?;
            let mut client = Client::connect(one.host(), era).await?;
            client.freeze();
            let call = client.prepare("s0__echo")?;
            let answer = client.send(&call).await?.body;
            let list = client.post("tools/list", serde_json::json!({})).await?.body;
            let (floor, list_floor) = (Floor::start(&answer)?, Floor::start(&list)?);
            let stage = Self { era, one, ten, floor, list_floor, list };
            calls::check_floor(&stage).await?;
            Ok(stage)
        })
    }

    /// Who is measured, in the order of the table: the floor, one shard, ten shards.
    fn peers(&self) -> [Peer; 3] {
        let peer = |gateway: &Gateway, floor: Option<&Floor>, shards| Peer {
            gateway: gateway.host().to_owned(),
            floor: floor.map(|floor| floor.host().to_owned()),
            pid: floor.map_or(gateway.pid(), Floor::pid),
            era: self.era,
            tools: (0..shards).map(|number| format!("s{number}__echo")).collect(),
            notices: Notices::None,
        };
        [peer(&self.one, Some(&self.floor), 1), peer(&self.one, None, 1), peer(&self.ten, None, SHARDS)]
    }

    async fn strike(self) -> anyhow::Result<()> {
        self.one.stop().await?;
        self.ten.stop().await?;
        Ok(())
    }
}
