//! Traefik's API: what it answers, as values, or why there is no answer.
//!
//! Only GET is ever sent: nothing in Traefik changes through here.

mod types;

use serde_json::Value;

pub(crate) use self::types::{
    Certificate, EntryPoint, HealthCheck, LoadBalancer, Middleware, Router, RouterTls, Server, Service, Snapshot,
    Version,
};
use crate::failure::{Code, Failure};
use crate::settings::Settings;

/// A client of one Traefik; its clones share connections and limits.
#[derive(Clone)]
pub(crate) struct Api {}

impl Api {
    /// Reads the files that the settings name; opens no connection.
    pub(crate) fn new(_settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {})
    }

    /// Which Traefik answers.
    pub(crate) async fn version(&self) -> Result<Version, Failure> {
        self.unfinished().await
    }

    /// All routers, services and middlewares, at one moment.
    pub(crate) async fn raw(&self) -> Result<Snapshot, Failure> {
        self.unfinished().await
    }

    /// Where Traefik listens.
    pub(crate) async fn entry_points(&self) -> Result<Vec<EntryPoint>, Failure> {
        self.unfinished().await
    }

    /// The numbers of the dashboard's first page.
    pub(crate) async fn overview(&self) -> Result<Value, Failure> {
        self.unfinished().await
    }

    /// The loaded certificates; `None`: this Traefik is older than 3.7 and does not tell.
    pub(crate) async fn certificates(&self) -> Result<Option<Vec<Certificate>>, Failure> {
        self.unfinished().await
    }

    /// One HTTP router by its full name, such as `app@file`; `None`: there is none.
    pub(crate) async fn http_router(&self, _full: &str) -> Result<Option<Router>, Failure> {
        self.unfinished().await
    }

    /// One HTTP service by its full name; `None`: there is none.
    pub(crate) async fn http_service(&self, _full: &str) -> Result<Option<Service>, Failure> {
        self.unfinished().await
    }

    /// One HTTP middleware as Traefik tells it, secrets included; `None`: there is none.
    pub(crate) async fn http_middleware(&self, _full: &str) -> Result<Option<Value>, Failure> {
        self.unfinished().await
    }

    #[expect(clippy::unused_async, reason = "the client follows in the next commit")]
    async fn unfinished<T>(&self) -> Result<T, Failure> {
        Err(Failure::new(Code::NotConfigured, "the client follows in the next commit", "wait"))
    }
}
