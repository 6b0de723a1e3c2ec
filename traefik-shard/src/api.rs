//! Traefik's API: what it answers, as values, or why there is no answer.
//!
//! Only GET is ever sent: nothing in Traefik changes through here.

mod client;
mod connect;
#[cfg(test)]
pub(crate) mod fake;
mod fault;
mod pages;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use self::client::{Client, Reply};
use self::fault::Fault;

pub(crate) use self::connect::install_crypto;
pub(crate) use self::fault::root_cause;
pub(crate) use self::types::{
    Certificate, EntryPoint, HealthCheck, LoadBalancer, Router, RouterTls, Service, Snapshot, Version,
};
use crate::failure::{Code, Failure};
use crate::settings::Settings;

/// A client of one Traefik; its clones share connections and limits.
#[derive(Clone)]
pub(crate) struct Api {
    client: Arc<Client>,
}

impl Api {
    /// Reads the files that the settings name; opens no connection.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self { client: Arc::new(Client::new(settings)?) })
    }

    /// Which Traefik answers.
    pub(crate) async fn version(&self) -> Result<Version, Failure> {
        self.must(&["version"]).await
    }

    /// All routers, services and middlewares: at one moment, or list by list where that is more
    /// than the largest answer that may be read.
    pub(crate) async fn raw(&self) -> Result<Snapshot, Failure> {
        match self.get(&["rawdata"]).await {
            Ok(Some(snapshot)) => Ok(snapshot),
            Ok(None) | Err(Fault::TooLarge { .. }) => Ok(self.client.together(pages::everything(&self.client)).await?),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Where Traefik listens.
    pub(crate) async fn entry_points(&self) -> Result<Vec<EntryPoint>, Failure> {
        let by_name = self.client.together(pages::list(&self.client, &["entrypoints"])).await?;
        Ok(by_name.into_values().collect())
    }

    /// The numbers of the dashboard's first page.
    pub(crate) async fn overview(&self) -> Result<Value, Failure> {
        self.must(&["overview"]).await
    }

    /// The loaded certificates; `None`: this Traefik is older than 3.7 and does not tell.
    pub(crate) async fn certificates(&self) -> Result<Option<Vec<Certificate>>, Failure> {
        match self.client.together(pages::list(&self.client, &["certificates"])).await {
            Ok(by_name) => Ok(Some(by_name.into_values().collect())),
            Err(Fault::NotFound { .. }) => {
                // A whole API that is gone is another thing than an old one.
                self.version().await?;
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// One HTTP middleware as Traefik tells it, secrets included; `None`: there is none.
    pub(crate) async fn http_middleware(&self, full: &str) -> Result<Option<Value>, Failure> {
        Ok(self.get(&["http", "middlewares", full]).await?)
    }

    async fn get<T: DeserializeOwned + Send + 'static>(&self, path: &[&str]) -> Result<Option<T>, Fault> {
        match self.client.get(path, &[]).await? {
            Reply::Found(page) => Ok(Some(page.read().await?)),
            Reply::Missing => Ok(None),
        }
    }

    async fn must<T: DeserializeOwned + Send + 'static>(&self, path: &[&str]) -> Result<T, Failure> {
        let found = self.get(path).await?;
        found.ok_or_else(|| {
            let message = format!("this Traefik's API has no `{}`", path.join("/"));
            Failure::new(Code::ApiNotFound, message, "use Traefik 3, whose API has it")
        })
    }
}
