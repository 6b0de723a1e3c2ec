//! What one cell of the table plays on: a shard that is shared in one way, behind a gateway, and a client at one door.

use serde_json::{Value, json};

use super::client::Client;
use super::door::{Door, Streamable};
use super::pipe::{Pipe, Stream};
use crate::support::{Gateway, Journal};

/// The roots that stand in the shard's file.
pub(super) const OWN_ROOT: &str = "file:///srv/shelf";

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Http,
    Sse,
    Stdio,
    Connect,
}

/// A part of a column: the value of `instances`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    Shared,
    Exclusive,
    PerSession,
}

impl Way {
    pub(super) const ALL: [Self; 4] = [Self::Http, Self::Sse, Self::Stdio, Self::Connect];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Sse => "SSE",
            Self::Stdio => "stdio",
            Self::Connect => "--connect",
        }
    }
}

impl Sharing {
    pub(super) const ALL: [Self; 3] = [Self::Shared, Self::Exclusive, Self::PerSession];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
            Self::PerSession => "per_session",
        }
    }
}

/// A client at its door, and what stands behind that.
pub(super) struct Stage {
    pub(super) client: Client,
    pub(super) sharing: Sharing,
    /// What all children of the shard were sent.
    pub(super) journal: Journal,
    /// None where the door is the gateway.
    gateway: Option<Gateway>,
}

impl Stage {
    /// Sets everything up, until the shard is ready.
    pub(super) async fn set(way: Way, sharing: Sharing) -> Self {
        let journal = Journal::new();
        let instances = sharing.name();
        let text = journal.fake_shard(&[]) + &format!("instances: {instances}\nroots: [\"{OWN_ROOT}\"]\n");
        let builder = Gateway::builder().shard("fake", text);
        let capabilities: Value = json!({"elicitation": {}, "sampling": {}, "roots": {"listChanged": true}});
        let door: Box<dyn Door>;
        let mut gateway = None;
        if way == Way::Stdio {
            door = Box::new(Pipe::open(builder.stdio(), &capabilities).await);
        } else {
            let serving = gateway.insert(builder.start().await);
            serving.until("fake", "ready").await;
            door = match way {
                Way::Http => Box::new(Streamable::open(serving, &capabilities).await),
                Way::Sse => Box::new(Stream::open(serving, &capabilities).await),
                Way::Connect => {
                    let joining = Gateway::builder().flags(&["--connect", &serving.url()]).stdio();
                    Box::new(Pipe::open(joining, &capabilities).await)
                }
                Way::Stdio => unreachable!("it serves itself"),
            };
        }
        Self { client: Client::new(door), sharing, journal, gateway }
    }

    /// The client leaves and the gateway stops. Neither leaves anything behind.
    pub(super) async fn clear(self) {
        self.client.leave().await;
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
    }
}
