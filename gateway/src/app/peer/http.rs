//! The HTTP client of the commands.
//!
//! Invariant: an answer is bounded, and nothing that was sent is sent again.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::Address;

/// A page of a gateway is not longer.
const PAGE: usize = 16 << 20;
const CONNECT: Duration = Duration::from_secs(10);

/// A client for one gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Nothing came, or it broke off.
    #[error("{0}")]
    Broken(String),
    /// Something else than what was asked for.
    #[error("it answers with HTTP status {0}")]
    Status(StatusCode),
    /// More than is read.
    #[error("its answer is larger than {0} bytes")]
    Overlong(usize),
}

impl Http {
    /// A client that goes to `address`: on this machine past every proxy, and without the system's certificates if there
    /// is no TLS, since a small container may have none.
    pub(crate) fn new(address: &Address) -> reqwest::Result<Self> {
        // The error only says that a provider is there, and all parts install the same.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().connect_timeout(CONNECT).redirect(Policy::none()).tcp_nodelay(true);
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        if address.is_plain() {
            builder = builder.tls_certs_only([]);
        }
        builder = builder.user_agent(concat!("mcp-gateway/", env!("CARGO_PKG_VERSION")));
        Ok(Self(builder.build()?))
    }

    /// Reads a page. The caller sets the time limit.
    pub(crate) async fn get(&self, url: &Url) -> Result<Bytes, Fault> {
        let response = self.0.get(url.clone()).send().await.map_err(|error| broken(&error))?;
        if response.status() != StatusCode::OK {
            return Err(Fault::Status(response.status()));
        }
        whole(response, PAGE).await
    }
}

async fn whole(mut response: Response, limit: usize) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + piece.len() > limit {
            return Err(Fault::Overlong(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// The first cause is the one that tells something; the layers above repeat the URL.
fn broken(error: &reqwest::Error) -> Fault {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    Fault::Broken(text)
}
