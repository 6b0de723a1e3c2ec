//! Whom a command asks: the gateway that runs, else shards of its own for as long as the question takes.
//!
//! Invariant: every way out, a signal and the time limit included, ends what was started and cancels what was asked.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Heard, NoGateway, Own, Question, Running, Wanted, Whereabouts, find};
use crate::app::{Exit, LAST_READS, Stop, threads};
use crate::shard::roster::List;

/// What a command may be told of whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// Where a gateway may run; `None` if none shall be asked.
    pub running: Option<Whereabouts>,
    /// The folder of shard files, for shards of its own.
    pub shards: PathBuf,
    /// Where those shards are remembered and noted.
    pub state_dir: Option<PathBuf>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Somebody who answers.
#[derive(Debug)]
pub(crate) enum Peer {
    Running(Running),
    Own(Own),
}

/// Does `work` with whoever answers, until it is done, the time is over, or a signal comes.
///
/// # Errors
/// Those of `work`; the shards cannot be started; it took too long; it was interrupted.
pub(crate) fn with<W>(company: &Company, wanted: &Wanted, work: W) -> anyhow::Result<Exit>
where
    W: AsyncFnOnce(&Peer) -> anyhow::Result<Exit>,
{
    let runtime = threads::runtime(1).context("cannot start")?;
    let done = runtime.block_on(async {
        let mut stop = Stop::new()?;
        let peer = tokio::select! {
            sought = seek(company, wanted) => sought?,
            () = stop.asked() => return Err(stop.interrupted()),
        };
        let done = tokio::select! {
            done = tokio::time::timeout(company.timeout, settled(&peer, company.timeout, work)) => done.unwrap_or_else(|_| {
                let limit = humantime::format_duration(company.timeout);
                Err(anyhow!("no answer within {limit} (`--timeout`); what was under way is cancelled"))
            }),
            () = stop.asked() => Err(stop.interrupted()),
        };
        if let Peer::Own(own) = peer {
            own.stop(&mut stop).await;
        }
        done
    });
    // A read of stdin cannot be interrupted, so nobody waits for it.
    runtime.shutdown_timeout(LAST_READS);
    done
}

async fn seek(company: &Company, wanted: &Wanted) -> anyhow::Result<Peer> {
    let own = || Own::start(company.shards.clone(), company.state_dir.clone(), wanted).map(Peer::Own);
    let Some(whereabouts) = &company.running else { return own() };
    match find(whereabouts).await {
        Ok(running) => Ok(Peer::Running(running)),
        Err(NoGateway::Nowhere(_)) => own(),
        Err(error) => Err(error.into()),
    }
}

async fn settled<W>(peer: &Peer, limit: Duration, work: W) -> anyhow::Result<Exit>
where
    W: AsyncFnOnce(&Peer) -> anyhow::Result<Exit>,
{
    if let Peer::Own(own) = peer {
        own.tried(limit).await;
    }
    work(peer).await
}

impl Peer {
    /// Asks, and tells `hear` of every notice that precedes the answer. Dropped before its end, it cancels the call.
    ///
    /// # Errors
    /// There is no answer, or it is an error.
    pub(crate) async fn ask(
        &self,
        question: Question<'_>,
        hear: &mut (dyn FnMut(&str, &Value) + Send),
    ) -> anyhow::Result<Box<RawValue>> {
        let heard = match self {
            Self::Running(running) => {
                let asked = running.http.ask(running.address.endpoint(), question, hear).await;
                asked.with_context(|| format!("`{}` gives no answer", running.address.shown()))?
            }
            Self::Own(own) => own.ask(question, hear).await?,
        };
        match heard {
            Heard::Result(result) => Ok(result),
            Heard::Refused(refused) => Err(refused.into()),
            Heard::Notice { .. } => bail!("the answer is a notification"),
        }
    }

    /// What a list holds.
    pub(crate) async fn list(&self, list: List) -> anyhow::Result<Vec<Value>> {
        let result = self.ask(Question::list(list.method()), &mut |_, _| {}).await?;
        let mut result: Value = serde_json::from_str(result.get()).context("the list cannot be read")?;
        match result.get_mut(list.member()).map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => bail!("the answer to `{}` holds no `{}`", list.method(), list.member()),
        }
    }

    /// The shards to which the address limits what is seen.
    pub(crate) fn view(&self) -> Option<Vec<String>> {
        match self {
            Self::Running(running) => running.address.view(),
            Self::Own(_) => None,
        }
    }

    /// Every shard and every problem, as `/health` shows them.
    pub(crate) async fn registry(&self) -> anyhow::Result<Value> {
        match self {
            Self::Running(running) => running.registry().await,
            Self::Own(own) => Ok(own.registry()),
        }
    }
}
