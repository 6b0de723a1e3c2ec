//! One GET to the documentation site.
//!
//! A request only ever goes to the configured origin, and what comes back is bounded in size, in
//! time and in the number of redirects.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION,
};
use reqwest::{Client, Response, StatusCode, redirect};
use url::Url;

use crate::docs::address::Site;

/// How many redirects of HTTP are followed.
const REDIRECTS: usize = 5;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What is asked for: each kind has its own limit and its own content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Page,
    Index,
    Sitemap,
}

impl Kind {
    /// The most that is read, in MiB; unpacked.
    fn limit_mib(self) -> usize {
        match self {
            Self::Page => 2,
            Self::Index | Self::Sitemap => 8,
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::Page => "text/html",
            Self::Index => "application/json",
            Self::Sitemap => "application/xml",
        }
    }

    /// Whether that content type will do. Servers disagree on the type of data files, so for these
    /// only a page is refused: it is the mark of a login form or a captive portal.
    fn accepts(self, found: &str) -> bool {
        let html = found == "text/html" || found == "application/xhtml+xml";
        (self == Self::Page) == html
    }
}

/// Why nothing came, or nothing that could be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("the connection broke off: {0}")]
    Broken(String),
    #[error("no complete answer within {0:?}")]
    TimedOut(Duration),
    #[error("the site answered 404 Not Found")]
    NotFound,
    #[error("the site answered {0}")]
    Status(u16),
    #[error("the site redirects to `{0}`, outside of itself")]
    OffSite(String),
    #[error("the redirects go round in a circle or never end")]
    Redirects,
    #[error("the answer is `{found}` instead of `{wanted}`")]
    ContentType { found: String, wanted: &'static str },
    #[error("the answer is larger than {0} MiB")]
    TooLarge(usize),
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
}

impl Fault {
    /// Whether it may be over within seconds, such as a missing network.
    pub(crate) fn is_of_the_network(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Broken(_) | Self::TimedOut(_))
    }
}

/// What makes the next request for the same thing conditional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    etag: Option<String>,
    modified: Option<String>,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// `url` is where the redirects led to.
    New { url: Url, text: String, validators: Validators },
    /// What the validators belong to is still right.
    Unchanged,
}

/// Makes the requests.
#[derive(Clone)]
pub(crate) struct Fetcher {
    client: Client,
    site: Site,
    total: Duration,
}

impl Fetcher {
    /// Opens no connection. `total` is the time for one request with its redirects and its body.
    pub(crate) fn new(site: Site, total: Duration) -> anyhow::Result<Self> {
        // Whoever comes first installs it; it is the same provider everywhere in this process.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT.min(total))
            .pool_max_idle_per_host(2)
            .build()
            .context("cannot prepare requests to the documentation site")?;
        Ok(Self { client, site, total })
    }

    /// Asks for one address. Dropping the future ends the request.
    pub(crate) async fn get(&self, url: &Url, kind: Kind, known: &Validators) -> Result<Fetched, Fault> {
        let answer = tokio::time::timeout(self.total, self.follow(url, kind, known)).await;
        answer.unwrap_or(Err(Fault::TimedOut(self.total)))
    }

    async fn follow(&self, url: &Url, kind: Kind, known: &Validators) -> Result<Fetched, Fault> {
        let mut seen = Vec::new();
        let mut url = url.clone();
        while seen.len() <= REDIRECTS && !seen.contains(&url) {
            if !self.site.may_ask(&url) {
                return Err(Fault::OffSite(shown(&url)));
            }
            let response = self.ask(&url, kind, known).await?;
            match response.status() {
                StatusCode::NOT_MODIFIED if *known != Validators::default() => return Ok(Fetched::Unchanged),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Fault::NotFound),
                StatusCode::OK => return read(response, url, kind).await,
                status if status.is_redirection() && response.headers().contains_key(LOCATION) => {
                    let next = target(&url, response.headers())?;
                    seen.push(std::mem::replace(&mut url, next));
                }
                status => return Err(Fault::Status(status.as_u16())),
            }
        }
        Err(Fault::Redirects)
    }

    async fn ask(&self, url: &Url, kind: Kind, known: &Validators) -> Result<Response, Fault> {
        let mut request = self.client.get(url.clone()).header(ACCEPT, kind.wanted());
        if let Some(etag) = &known.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &known.modified {
            request = request.header(IF_MODIFIED_SINCE, modified);
        }
        request.send().await.map_err(|error| failed(&error))
    }
}

/// Where a redirect leads.
fn target(from: &Url, headers: &HeaderMap) -> Result<Url, Fault> {
    let text = header(headers, &LOCATION).unwrap_or_default();
    let mut next = from.join(&text).map_err(|_| Fault::Malformed("a redirect without a valid target".to_owned()))?;
    next.set_fragment(None);
    Ok(next)
}

async fn read(mut response: Response, url: Url, kind: Kind) -> Result<Fetched, Fault> {
    let found = header(response.headers(), &CONTENT_TYPE).unwrap_or_default();
    let found = found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !kind.accepts(&found) {
        return Err(Fault::ContentType { found, wanted: kind.wanted() });
    }
    let headers = response.headers();
    let validators = Validators { etag: header(headers, &ETAG), modified: header(headers, &LAST_MODIFIED) };
    let limit = kind.limit_mib() << 20;
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| failed(&error))?;
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > limit {
            return Err(Fault::TooLarge(kind.limit_mib()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched::New { url, text: String::from_utf8_lossy(&body).into_owned(), validators })
}

fn header(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // These fail only for addresses that can have neither, such as `data:`.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.to_string()
}

fn failed(error: &reqwest::Error) -> Fault {
    let cause = cause(error);
    if error.is_connect() {
        Fault::Unreachable(cause)
    } else if error.is_decode() {
        Fault::Malformed(cause)
    } else {
        Fault::Broken(cause)
    }
}

/// The innermost cause: the outer ones repeat the address and say nothing.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
