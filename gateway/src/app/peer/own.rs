//! Shards of a command's own, for when no gateway runs: started for one question, and gone after it.
//!
//! Invariant: whoever starts one stops it, and then no process of it is left.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use super::message::{self, Heard, Question};
use crate::app::{self, Door, PRIVATE_CHILDREN, Settings, Stop};
use crate::config::watch::WatchMode;
use crate::config::{Host, ShardName, ShardSpec, dir};
use crate::door::session::passing_key;
use crate::door::stdio::StdioSettings;
use crate::mux::{Dispatched, Mux, ParkLimits, Principal, Relayed};
use crate::shard::Keeper;
use crate::tasks::Tasks;
use crate::wire::{Chunks, Message, Params, Raw};

/// What all results together may take.
const RESULT_MEMORY: usize = 256 << 20;
/// As for a gateway.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// Which shards a question needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It is about all of them.
    All,
    /// Those that may have the tool of this name.
    Tool(String),
}

/// A fleet of this process.
#[derive(Debug)]
pub(crate) struct Own {
    mux: Mux,
    keeper: Keeper,
    doors: Tasks,
    shards: Tasks,
    house: Tasks,
}

impl Own {
    /// Starts the wanted shards of the folder, and waits for nobody.
    pub(super) fn start(shards: PathBuf, state_dir: Option<PathBuf>, wanted: &Wanted) -> anyhow::Result<Self> {
        let reading = tokio::task::block_in_place(|| dir::read(&shards, &Host, &dir::Specs::new()));
        if let Some(problem) = reading.problems.iter().find(|problem| problem.file == shards) {
            bail!("{problem}");
        }
        let only = match wanted {
            Wanted::All => None,
            Wanted::Tool(tool) => holders(&reading.specs, tool),
        };
        let door = Door::Stdio(StdioSettings::default());
        let (watch, workers) = (WatchMode::Off, 1);
        let settings = Settings {
            shards,
            state_dir,
            watch,
            result_memory: RESULT_MEMORY,
            private_children: PRIVATE_CHILDREN,
            parked: ParkLimits::default(),
            stop_grace: STOP_GRACE,
            workers,
            door,
        };
        let [doors, tasks, house] = [Tasks::default(), Tasks::default(), Tasks::default()];
        let keeper = app::keep_house(&settings, "a command", &house)?;
        let mux = app::start_fleet(&settings, only, &keeper, &tasks, &doors).context("cannot start the shards")?;
        Ok(Self { mux, keeper, doors, shards: tasks, house })
    }

    /// Waits until each shard has been ready, or has failed, once.
    pub(super) async fn tried(&self, limit: Duration) {
        self.mux.tried(limit).await;
    }

    /// The registry, as `/health` would show it.
    pub(super) fn registry(&self) -> Value {
        serde_json::to_value(self.mux.registry()).expect("a registry has string keys only")
    }

    /// Asks the shards. Dropped before its end, it cancels the call.
    pub(super) async fn ask(
        &self,
        question: Question<'_>,
        hear: &mut (dyn FnMut(&str, &Value) + Send),
    ) -> anyhow::Result<Heard> {
        let text = question.text();
        let message = Message::read(Raw::parse(text.as_bytes())?)?;
        let Message::Request(request) = message else { unreachable!("a question is a request") };
        let params = Params::read(request.params)?;
        let client = self
            .mux
            .modern_client(passing_key(), Principal::Passing, &params)
            .map_err(|fault| anyhow!(fault.message))?;
        let mut relay = match self.mux.dispatch(&client, &request, &params).await {
            Dispatched::Answer(answer) => return heard(&answer.body),
            Dispatched::Call(relay) => relay,
        };
        loop {
            match relay.next().await {
                Relayed::Notice(notice) => {
                    if let Heard::Notice { method, params } = message::read(&notice).map_err(anyhow::Error::msg)? {
                        hear(&method, &params);
                    }
                }
                Relayed::Done(answer) => return heard(&answer.body),
                Relayed::Cancelled => return Err(anyhow!("the call was cancelled")),
            }
        }
    }

    /// Ends all of it.
    pub(super) async fn stop(self, stop: &mut Stop) {
        app::shut_down(STOP_GRACE, &self.doors, &self.shards, stop).await;
        // It only listens, so it is gone at once.
        let _ = self.house.shutdown(app::LAST_WORDS).await;
        tokio::task::block_in_place(|| self.keeper.end());
    }
}

fn heard(body: &Chunks) -> anyhow::Result<Heard> {
    let mut text = Vec::new();
    body.append_to(&mut text);
    message::read(&text).map_err(anyhow::Error::msg)
}

/// The shards whose prefix `tool` has, or that have none; all, if a slip in the prefix leaves nobody.
fn holders(specs: &dir::Specs, tool: &str) -> Option<BTreeSet<ShardName>> {
    let may_hold = |spec: &ShardSpec| {
        let prefix = spec.view.prefix.as_str();
        prefix.is_empty() || tool.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("__"))
    };
    let names: BTreeSet<_> =
        specs.values().filter(|spec| spec.enabled && may_hold(spec)).map(|spec| spec.name.clone()).collect();
    (!names.is_empty()).then_some(names)
}
