//! How the API is spoken to: TLS, proxies, the Host header and who we are.
//!
//! The password is read again on every request, so that a rotated one needs no restart.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use reqwest::header::HeaderValue;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, ClientBuilder};
use tokio::task::spawn_blocking;
use url::{Host, Url};

use super::fault::Fault;
use crate::settings::Settings;

/// Redirects within the API's own origin that are followed.
const REDIRECTS: usize = 3;
/// A password file is a line, not a disk.
const PASSWORD_BYTES: u64 = 4096;

/// A client that follows the operator's settings; every request needs a deadline of its own.
pub(super) fn http_client(settings: &Settings) -> anyhow::Result<reqwest::Client> {
    install_crypto();
    let mut builder = ClientBuilder::new()
        .connect_timeout(settings.connect_timeout)
        .redirect(Policy::custom(stay_at_home))
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    if is_loopback(&settings.api_url) {
        builder = builder.no_proxy();
    }
    if let Some(file) = &settings.api_ca {
        let pem = std::fs::read(file).with_context(|| format!("cannot read TRAEFIK_API_CA `{}`", file.display()))?;
        let roots = Certificate::from_pem_bundle(&pem)
            .with_context(|| format!("TRAEFIK_API_CA `{}` is not a PEM file", file.display()))?;
        if roots.is_empty() {
            bail!("TRAEFIK_API_CA `{}` holds no certificate", file.display());
        }
        builder = builder.tls_certs_only(roots);
    } else if settings.api_url.scheme() == "http" {
        // Without TLS the system's roots are not needed, and a small container may have none.
        builder = builder.tls_certs_only([]);
    }
    builder = builder.tls_danger_accept_invalid_certs(settings.api_skip_verify);
    builder.build().context("cannot set up the client of Traefik's API")
}

/// Makes `ring` the process's cryptography, unless some other part already did.
pub(crate) fn install_crypto() {
    // The error only says that a provider is there, and all parts install the same.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}

/// Where to look for the API: at the URL itself, which is one of the web, then below `/api`.
pub(super) fn bases(settings: &Settings) -> [Url; 2] {
    let mut base = settings.api_url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let cleared = base.set_username("").and_then(|()| base.set_password(None));
    cleared.expect("an http URL has a host and may lose its user");
    let below = join(&base, &["api"]);
    [base, below]
}

/// The URL of a path below `base`; every segment is percent-encoded.
pub(super) fn join(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("an http URL can be a base").pop_if_empty().extend(path);
    url
}

/// The Host header to send instead of the URL's own.
pub(super) fn host_header(settings: &Settings) -> anyhow::Result<Option<HeaderValue>> {
    let Some(host) = &settings.api_host else { return Ok(None) };
    let value = HeaderValue::from_str(host).with_context(|| format!("TRAEFIK_API_HOST `{host}` is not a host"))?;
    Ok(Some(value))
}

/// Who we are at the API.
pub(super) enum Account {
    Nobody,
    Fixed { user: String, password: String },
    FromFile { user: String, file: PathBuf },
}

impl Account {
    /// The account of the settings; a password file must be readable now.
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let url = &settings.api_url;
        let in_url = (!url.username().is_empty()).then(|| decoded(url.username()));
        let Some(user) = settings.api_user.clone().or(in_url) else {
            if settings.api_password.is_some() || settings.api_password_file.is_some() {
                bail!("a password for Traefik's API needs TRAEFIK_API_USER (--api-user)");
            }
            return Ok(Self::Nobody);
        };
        if let Some(file) = &settings.api_password_file {
            read_password(file)?;
            return Ok(Self::FromFile { user, file: file.clone() });
        }
        let in_url = url.password().map(decoded);
        let password = settings.api_password.clone().or(in_url).unwrap_or_default();
        Ok(Self::Fixed { user, password })
    }

    /// User and password as they are now.
    pub(super) async fn current(&self) -> Result<Option<(String, String)>, Fault> {
        let (user, file) = match self {
            Self::Nobody => return Ok(None),
            Self::Fixed { user, password } => return Ok(Some((user.clone(), password.clone()))),
            Self::FromFile { user, file } => (user.clone(), file.clone()),
        };
        let shown = file.display().to_string();
        let read = spawn_blocking(move || read_password(&file).map_err(|error| error.root_cause().to_string()));
        let password = read.await.unwrap_or_else(|error| Err(error.to_string()));
        password.map(|password| Some((user, password))).map_err(|cause| Fault::Password { file: shown, cause })
    }
}

fn read_password(file: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;

    let place = || format!("cannot read TRAEFIK_API_PASSWORD_FILE `{}`", file.display());
    let mut text = String::new();
    std::fs::File::open(file)
        .with_context(place)?
        .take(PASSWORD_BYTES)
        .read_to_string(&mut text)
        .with_context(place)?;
    // An editor ends the line; blanks before that may belong to the password.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn decoded(part: &str) -> String {
    // The URL's own parser is the one that knows percent signs: as a query the text decodes alike, but for `+`.
    let query = format!("v={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn stay_at_home(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// Whether the host is this machine, where no proxy has any business.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}
