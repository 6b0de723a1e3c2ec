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
    way: Way,
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
        if way == Way::Stdio {
            let client = Client::new(Box::new(Pipe::open(builder.stdio(), &capabilities()).await));
            return Self { client, sharing, way, journal, gateway: None };
        }
        let gateway = builder.start().await;
        gateway.until("fake", "ready").await;
        let client = open(way, &gateway).await;
        Self { client, sharing, way, journal, gateway: Some(gateway) }
    }

    /// Another client at the same door, unless the door is the client's own.
    pub(super) async fn another(&self) -> Option<Client> {
        Some(open(self.way, self.gateway.as_ref()?).await)
    }

    /// The client leaves and the gateway stops. Neither leaves anything behind.
    pub(super) async fn clear(self) {
        self.client.leave().await;
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
    }
}

fn capabilities() -> Value {
    json!({"elicitation": {}, "sampling": {}, "roots": {"listChanged": true}})
}

/// A client at one door of a gateway that runs.
async fn open(way: Way, gateway: &Gateway) -> Client {
    let capabilities = capabilities();
    let door: Box<dyn Door> = match way {
        Way::Http => Box::new(Streamable::open(gateway, &capabilities).await),
        Way::Sse => Box::new(Stream::open(gateway, &capabilities).await),
        Way::Connect => {
            let joining = Gateway::builder().flags(&["--connect", &gateway.url()]).stdio();
            Box::new(Pipe::open(joining, &capabilities).await)
        }
        Way::Stdio => unreachable!("it serves itself"),
    };
    Client::new(door)
}
