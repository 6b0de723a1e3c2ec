//! From an address to its content: the cache in front, the fetcher behind.
//!
//! At most one request per address is on its way. Those who wait for it take what it brought; if
//! its caller goes away, the next of them asks instead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;
use url::Url;

use crate::docs::cache::{Cache, Content, Kept, Known};
use crate::docs::catalogue;
use crate::docs::fetch::{Fault, Fetched, Fetcher, Kind, Validators};

/// How long the search index and the sitemap are used without asking again.
const CATALOGUE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Content, and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) kept: Kept,
    /// No body was sent for it this time.
    pub(crate) from_cache: bool,
    /// Why it could not be renewed, if it is older than it should be.
    pub(crate) stale: Option<Fault>,
}

/// Loads and remembers.
pub(crate) struct Loader {
    fetcher: Fetcher,
    page_ttl: Duration,
    cache: Mutex<Cache>,
    flights: Mutex<HashMap<Url, Weak<tokio::sync::Mutex<()>>>>,
}

impl Loader {
    /// An empty cache of `limit` bytes before this fetcher.
    pub(crate) fn new(fetcher: Fetcher, page_ttl: Duration, limit: usize) -> Self {
        Self { fetcher, page_ttl, cache: Mutex::new(Cache::new(limit)), flights: Mutex::new(HashMap::new()) }
    }

    /// The content of an address: fresh from the cache, else from the site, else old with the reason.
    pub(crate) async fn load(&self, url: &Url, kind: Kind) -> Result<Loaded, Fault> {
        let flight = self.flight(url);
        let _only_one = flight.lock().await;
        let old = match self.cache().look(url, Instant::now()) {
            Known::Fresh(kept) => return Ok(Loaded { kept, from_cache: true, stale: None }),
            Known::Failed(fault, old) => return fall_back(fault, old),
            Known::Expired(kept) => Some(kept),
            Known::Nothing => None,
        };
        match self.renew(url, kind, old.as_ref()).await {
            Ok(loaded) => {
                self.cache().keep(url, loaded.kept.clone(), Instant::now(), self.ttl(kind));
                Ok(loaded)
            }
            Err(fault) => {
                self.cache().fail(url, fault.clone(), Instant::now());
                fall_back(fault, old)
            }
        }
    }

    async fn renew(&self, url: &Url, kind: Kind, old: Option<&Kept>) -> Result<Loaded, Fault> {
        let known = old.map(|kept| kept.validators.clone()).unwrap_or_default();
        let fetched = self.fetcher.get(url, kind, &known).await?;
        let fetched_at = OffsetDateTime::now_utc();
        match (fetched, old) {
            (Fetched::Unchanged, Some(old)) => {
                Ok(Loaded { kept: Kept { fetched_at, ..old.clone() }, from_cache: true, stale: None })
            }
            // Only a request with validators is answered so, and those come from an old one.
            (Fetched::Unchanged, None) => Err(Fault::Status(304)),
            (Fetched::New { url, text, validators }, _) => Ok(new(kind, url, text, validators, fetched_at).await?),
        }
    }

    fn ttl(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Page => self.page_ttl,
            Kind::Index | Kind::Sitemap => CATALOGUE_TTL,
        }
    }

    /// The lock of that address; it lives as long as someone holds or awaits it.
    fn flight(&self, url: &Url) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(url).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::default();
        flights.insert(url.clone(), Arc::downgrade(&flight));
        flight
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An old content serves where a new one cannot be had, unless the site says that it is gone.
fn fall_back(fault: Fault, old: Option<Kept>) -> Result<Loaded, Fault> {
    match old {
        Some(kept) if fault != Fault::NotFound => Ok(Loaded { kept, from_cache: true, stale: Some(fault) }),
        _ => Err(fault),
    }
}

async fn new(
    kind: Kind,
    url: Url,
    text: String,
    validators: Validators,
    fetched_at: OffsetDateTime,
) -> Result<Loaded, Fault> {
    let content = match kind {
        Kind::Page => Content::Page(text.into()),
        Kind::Index => Content::Catalogue(read(text, catalogue::of_index).await?),
        Kind::Sitemap => Content::Catalogue(read(text, catalogue::of_sitemap).await?),
    };
    Ok(Loaded { kept: Kept { content, url, validators, fetched_at }, from_cache: false, stale: None })
}

/// Reads a big file where it holds nobody up.
async fn read(
    text: String,
    reader: fn(&str) -> Result<catalogue::Catalogue, String>,
) -> Result<Arc<catalogue::Catalogue>, Fault> {
    let outcome = tokio::task::spawn_blocking(move || reader(&text)).await;
    let outcome = outcome.unwrap_or_else(|_| Err("reading it failed".to_owned()));
    outcome.map(Arc::new).map_err(Fault::Malformed)
}

#[cfg(test)]
mod tests;
