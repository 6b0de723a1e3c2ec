//! One GET after another at the API's base, wherever that turns out to be.
//!
//! A request, the search for the base included, ends within the request timeout; an answer is never
//! read beyond the cap; not more than `AT_ONCE` requests run at a time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use super::connect::{self, Account};
use super::fault::{self, Fault};
use super::types::Version;
use crate::aside::aside;
use crate::settings::Settings;

/// Requests that run at the same time; the others wait.
const AT_ONCE: usize = 8;
/// From this many bytes on an answer takes long to read.
const LARGE: usize = 64 << 10;

/// What came back.
pub(super) enum Reply {
    Found(Page),
    /// Traefik itself says that the named thing does not exist.
    Missing,
}

/// One good answer.
pub(super) struct Page {
    url: String,
    content_type: String,
    body: Vec<u8>,
    /// The next page of a list, as Traefik numbers it.
    pub(super) next: Option<u32>,
}

impl Page {
    /// The JSON as a value; a large one is read aside.
    pub(super) async fn read<T: DeserializeOwned + Send + 'static>(self) -> Result<T, Fault> {
        if self.body.len() > LARGE { aside(move || self.parse()).await } else { self.parse() }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| self.foreign(fault::json_cause(&error)))
    }

    fn foreign(&self, cause: String) -> Fault {
        let words = fault::words(&self.body);
        Fault::Foreign { url: self.url.clone(), cause, content_type: self.content_type.clone(), words }
    }
}

/// The connection pool, and what is known of the API.
pub(super) struct Client {
    http: reqwest::Client,
    bases: [Url; 2],
    host: Option<HeaderValue>,
    account: Account,
    budget: Duration,
    max_mib: u32,
    slots: Semaphore,
    /// The base that answered last.
    known: Mutex<Option<Url>>,
}

impl Client {
    /// Reads the files that the settings name; opens no connection.
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            bases: connect::bases(settings),
            host: connect::host_header(settings)?,
            account: Account::new(settings)?,
            http: connect::http_client(settings)?,
            budget: settings.request_timeout,
            max_mib: settings.api_max_mib,
            slots: Semaphore::new(AT_ONCE),
            known: Mutex::new(None),
        })
    }

    /// The answer of `path` below the base.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, Fault> {
        match timeout(self.budget, self.get_anywhere(path, query)).await {
            Ok(answer) => answer,
            Err(_) => {
                let base = self.known().unwrap_or_else(|| self.bases[0].clone());
                Err(Fault::Slow { url: connect::join(&base, path).to_string(), budget: self.budget })
            }
        }
    }

    /// Several requests that belong together, all of them within six times the time of one.
    pub(super) async fn together<T>(&self, requests: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let budget = self.budget * 6;
        let url = || self.known().unwrap_or_else(|| self.bases[0].clone()).to_string();
        timeout(budget, requests).await.unwrap_or_else(|_| Err(Fault::Slow { url: url(), budget }))
    }

    async fn get_anywhere(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, Fault> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        if let Some(base) = self.known() {
            match self.fetch(&base, path, query).await {
                // Traefik may have come back with another prefix.
                Err(fault) if fault.lost() => self.remember(None),
                answer => return answer,
            }
        }
        let base = self.find_base().await?;
        self.remember(Some(base.clone()));
        self.fetch(&base, path, query).await
    }

    /// The first base whose version is Traefik's; otherwise the fault that tells most.
    async fn find_base(&self) -> Result<Url, Fault> {
        let mut worst: Option<Fault> = None;
        for base in &self.bases {
            let version = self.fetch(base, &["version"], &[]).await.and_then(|reply| match reply {
                Reply::Found(page) => page.parse::<Version>(),
                Reply::Missing => {
                    let url = connect::join(base, &["version"]).to_string();
                    Err(Fault::NotFound { url, words: "nothing of that name".into() })
                }
            });
            match version {
                Ok(_) => return Ok(base.clone()),
                Err(fault) if fault.hopeless() => return Err(fault),
                Err(fault) if worst.as_ref().is_none_or(|other| fault.telling() > other.telling()) => {
                    worst = Some(fault);
                }
                Err(_) => {}
            }
        }
        Err(worst.expect("there is more than one base, and each one failed"))
    }

    async fn fetch(&self, base: &Url, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, Fault> {
        let mut url = connect::join(base, path);
        let shown = url.to_string();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let account = self.account.current().await?;
        let mut request = self.http.get(url);
        if let Some(host) = &self.host {
            request = request.header(HOST, host.clone());
        }
        if let Some((user, password)) = &account {
            request = request.basic_auth(user, Some(password));
        }
        let response = request.send().await.map_err(|error| Fault::of_request(&shown, &error))?;
        self.judge(shown, response, account.map(|(user, _)| user)).await
    }

    async fn judge(&self, url: String, response: reqwest::Response, user: Option<String>) -> Result<Reply, Fault> {
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let content_type = header(CONTENT_TYPE.as_str()).unwrap_or("none").to_owned();
        let next = header("x-next-page").and_then(|next| next.parse().ok());
        if status.is_redirection() {
            return Err(Fault::Elsewhere { target: origin_of(header(LOCATION.as_str())), url });
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(Fault::Unauthorized { url, sent_as: user });
        }
        let body = self.body(&url, response).await?;
        if status == StatusCode::FORBIDDEN {
            return Err(Fault::forbidden(url, &body));
        }
        if status == StatusCode::OK {
            return Ok(Reply::Found(Page { url, content_type, body, next }));
        }
        // Traefik sends its JSON errors as plain text: only the body tells them from a proxy's.
        let said = serde_json::from_slice::<Message>(&body).ok();
        match (status, said) {
            (StatusCode::NOT_FOUND, Some(_)) => Ok(Reply::Missing),
            (StatusCode::NOT_FOUND, None) => Err(Fault::NotFound { words: fault::words(&body), url }),
            _ => Err(Fault::Refused { words: fault::words(&body), status: status.as_u16(), url }),
        }
    }

    async fn body(&self, url: &str, mut response: reqwest::Response) -> Result<Vec<u8>, Fault> {
        let cap = self.max_mib as usize * 1024 * 1024;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Fault::of_request(url, &error))? {
            if body.len() + chunk.len() > cap {
                return Err(Fault::TooLarge { url: url.to_owned(), mib: self.max_mib });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn known(&self) -> Option<Url> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, base: Option<Url>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = base;
    }
}

/// Traefik's own errors.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "message")]
    _message: String,
}

/// A redirect's target without its path, which may hold a token.
fn origin_of(location: Option<&str>) -> String {
    match location.map(Url::parse) {
        Some(Ok(target)) => target.origin().ascii_serialization(),
        Some(Err(_)) => "another path".into(),
        None => "nowhere".into(),
    }
}
