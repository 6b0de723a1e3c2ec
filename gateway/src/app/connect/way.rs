//! The way to the gateway: where it is, and a connection to it that is made again when it comes back.
//!
//! Invariant (DESIGN D8): what a gateway may have read is not sent again. Only a connection that nobody took is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use crate::app::peer::{self, Http, NoGateway, Running, Whereabouts};

/// How long a request waits for a gateway that does not listen.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// Why a message has no answer of a gateway.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// Nobody took the connection.
    #[error("{0}; the request was not sent")]
    Unsent(String),
    /// Whoever took the connection says nothing.
    #[error(
        "the gateway's address takes connections, but does not answer within {0:?}; is it the address of a gateway?"
    )]
    Silent(Duration),
    /// It ended before the answer.
    #[error("the connection to the gateway broke off: {0}; the request may have run and is not repeated")]
    Broken(String),
    /// What answers is no gateway, or a proxy before one.
    #[error("the gateway's address answers with HTTP status {0}; is it the address of a gateway, and its path `/mcp`?")]
    Status(StatusCode),
    /// What answers is no gateway.
    #[error(
        "the gateway's address answers with something that is no MCP message: {0}; is it the address of a gateway, and its \
         path `/mcp`?"
    )]
    Nonsense(String),
    /// More than is read.
    #[error("the answer is larger than {0} bytes, which is the most that `--connect` carries")]
    Overlong(usize),
    /// The gateway does not open the session again.
    #[error("the session is over, and the gateway opens no other one: {0}")]
    Refused(String),
}

impl From<peer::Fault> for Lost {
    fn from(fault: peer::Fault) -> Self {
        match fault {
            peer::Fault::Unsent(why) => Self::Unsent(why),
            peer::Fault::Broken(why) => Self::Broken(why),
            peer::Fault::Status(status) => Self::Status(status),
            peer::Fault::Nonsense(why) => Self::Nonsense(why),
            peer::Fault::Overlong(limit) => Self::Overlong(limit),
        }
    }
}

/// Leads to one gateway.
#[derive(Debug)]
pub(super) struct Way {
    whereabouts: Whereabouts,
    /// The one that is known. One that was looked for is looked for again when it is gone.
    found: Mutex<Option<Arc<Running>>>,
    /// A person has been told that there is none.
    is_missed: AtomicBool,
}

impl Way {
    pub(super) fn new(whereabouts: Whereabouts) -> Self {
        Self { whereabouts, found: Mutex::default(), is_missed: AtomicBool::new(false) }
    }

    /// Sends a message as soon as a gateway takes the connection, and gives the head of its answer.
    ///
    /// # Errors
    /// [`Lost::Unsent`] after [`PATIENCE`] without a connection; [`Lost::Broken`] at once.
    pub(super) async fn send(&self, method: Method, headers: &HeaderMap, body: &Bytes) -> Result<Response, Lost> {
        let until = Instant::now() + PATIENCE;
        let mut delay = FIRST_DELAY;
        loop {
            match self.try_send(method.clone(), headers, body).await {
                Err(Lost::Unsent(why)) if Instant::now() + delay < until => {
                    debug!(why, ?delay, "no connection yet");
                    sleep(delay).await;
                    delay = (delay * 2).min(LONGEST_DELAY);
                }
                done => return done,
            }
        }
    }

    /// The same, but without waiting for a gateway that does not listen.
    pub(super) async fn try_send(&self, method: Method, headers: &HeaderMap, body: &Bytes) -> Result<Response, Lost> {
        let gateway = self.gateway().await?;
        match gateway.http.send(method, gateway.address.endpoint(), headers.clone(), body.clone()).await {
            Ok(response) => {
                if self.is_missed.swap(false, Ordering::Relaxed) {
                    info!(url = gateway.address.shown(), "the gateway is there");
                }
                Ok(response)
            }
            Err(peer::Fault::Unsent(why)) => {
                self.miss(&gateway).await;
                let url = gateway.address.shown();
                let way_out = "start it with `mcp-gateway`, or give another address behind `--connect`";
                Err(Lost::Unsent(format!("no gateway answers at `{url}`: {why}; {way_out}")))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// The gateway, looked for by one at a time.
    async fn gateway(&self) -> Result<Arc<Running>, Lost> {
        let mut found = self.found.lock().await;
        if let Some(gateway) = &*found {
            return Ok(Arc::clone(gateway));
        }
        let sought = match &self.whereabouts.url {
            Some(address) => Http::new(address)
                .map(|http| Running { address: address.clone(), http })
                .map_err(|error| NoGateway::Client(error.to_string())),
            None => peer::find(&self.whereabouts).await,
        };
        let gateway = sought.map_err(|error| match error {
            NoGateway::Nowhere(asked) => Lost::Unsent(format!(
                "no gateway answers here (asked: {asked}); start one with `mcp-gateway`, or give its address behind \
                 `--connect`"
            )),
            error => Lost::Unsent(error.to_string()),
        });
        match gateway {
            Ok(gateway) => {
                info!(url = gateway.address.shown(), "joining the gateway");
                Ok(Arc::clone(found.insert(Arc::new(gateway))))
            }
            Err(error) => {
                if !self.is_missed.swap(true, Ordering::Relaxed) {
                    warn!(%error, "there is no gateway yet");
                }
                Err(error)
            }
        }
    }

    /// It took no connection: the next one may be at another address.
    async fn miss(&self, gateway: &Arc<Running>) {
        if self.whereabouts.url.is_none() {
            self.found.lock().await.take_if(|known| Arc::ptr_eq(known, gateway));
        }
        if !self.is_missed.swap(true, Ordering::Relaxed) {
            warn!(url = gateway.address.shown(), "the gateway is gone; looking out for it");
        }
    }
}
