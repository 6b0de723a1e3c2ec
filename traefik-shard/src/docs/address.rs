//! Which addresses belong to the documentation site, and how a topic names one of its pages.
//!
//! Every address that is made here lies below the configured one, so that an argument can never
//! send a request elsewhere.

use anyhow::ensure;
use url::Url;

/// Hosts under which people know the site; a link to one of them means our site, wherever it is.
const KNOWN_HOSTS: [&str; 2] = ["doc.traefik.io", "docs.traefik.io"];

/// The configured site.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    base: Url,
}

/// A page of the site, and perhaps a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: Url,
    pub(crate) section: Option<String>,
}

/// Why a text does not name a page of the site.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotHere {
    #[error("`{0}` lies outside the documentation site")]
    Elsewhere(String),
    #[error("`{0}` is not the path of a page")]
    Odd(String),
}

impl Site {
    /// The site below `url`, which is `http` or `https` and holds no password.
    pub(crate) fn new(url: &Url) -> anyhow::Result<Self> {
        ensure!(matches!(url.scheme(), "http" | "https"), "the documentation site must be an http or https address");
        let secret = !url.username().is_empty() || url.password().is_some();
        ensure!(!secret, "the address of the documentation site must not hold a user or a password");
        ensure!(url.has_host(), "the address of the documentation site names no host");
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", url.path()));
        }
        Ok(Self { base })
    }

    /// The address of a file such as `sitemap.xml`.
    pub(crate) fn file(&self, path: &str) -> Url {
        self.base.join(path).expect("a plain path is a valid reference")
    }

    /// The address of the site itself.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether a request may go there: same scheme, host and port.
    pub(crate) fn may_ask(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// The path of a page below the base, such as `reference/routing/`.
    pub(crate) fn path_of<'a>(&self, url: &'a Url) -> Option<&'a str> {
        if !self.may_ask(url) {
            return None;
        }
        url.path().strip_prefix(self.base.path())
    }

    /// Reads a path or a URL, with or without `#section`, as the address of a page.
    pub(crate) fn page(&self, text: &str) -> Result<Address, NotHere> {
        let text = text.trim();
        let odd = || NotHere::Odd(text.to_owned());
        let (place, section) = match text.split_once('#') {
            Some((place, section)) if !section.is_empty() => (place, Some(section.to_owned())),
            Some((place, _)) => (place, None),
            None => (text, None),
        };
        let path = if place.contains("://") { self.below_the_base(place)? } else { place.to_owned() };
        let path = self.tidy(&path);
        let clean = |c: char| c.is_alphanumeric() || "-_./".contains(c);
        if !path.chars().all(clean) || path.split('/').any(|part| part == ".." || part == ".") || path.contains("//") {
            return Err(odd());
        }
        let url = self.base.join(&path).map_err(|_| odd())?;
        if self.path_of(&url).is_none() {
            return Err(NotHere::Elsewhere(text.to_owned()));
        }
        Ok(Address { url, section })
    }

    /// The path of a whole URL, if its host is ours or one that stands for it.
    fn below_the_base(&self, text: &str) -> Result<String, NotHere> {
        let url = Url::parse(text).map_err(|_| NotHere::Odd(text.to_owned()))?;
        if let Some(path) = self.path_of(&url) {
            return Ok(path.to_owned());
        }
        match url.host_str() {
            Some(host) if KNOWN_HOSTS.contains(&host) => Ok(url.path().to_owned()),
            _ => Err(NotHere::Elsewhere(text.to_owned())),
        }
    }

    /// Drops what a path may carry in front (the base, `traefik/`, a version) and behind (`index.html`, `.md`).
    fn tidy(&self, path: &str) -> String {
        let mut path = path.strip_prefix(self.base.path()).unwrap_or(path).trim_start_matches('/');
        path = path.strip_prefix("traefik/").unwrap_or(path);
        if let Some((first, rest)) = path.split_once('/')
            && is_version(first)
        {
            path = rest;
        }
        path = path.strip_suffix("index.html").or_else(|| path.strip_suffix(".md")).unwrap_or(path);
        let path = path.trim_end_matches('/');
        if path.is_empty() || path.ends_with(".html") { path.to_owned() } else { format!("{path}/") }
    }

    /// The version of Traefik that the address names, as in `/traefik/v3.6/`.
    pub(crate) fn version(&self) -> Option<String> {
        self.base.path_segments()?.find(|part| is_version(part)).map(str::to_owned)
    }
}

/// `v3.6`, or `master`.
fn is_version(part: &str) -> bool {
    let number = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '.');
    part == "master" || part.strip_prefix('v').is_some_and(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site::new(&Url::parse("http://127.0.0.1:8000/traefik").unwrap()).unwrap()
    }

    #[test]
    fn each_way_to_write_a_page_names_the_same_address() {
        for text in [
            "routing/routers",
            "/routing/routers/",
            "routing/routers/index.html",
            "routing/routers.md",
            "/traefik/routing/routers/",
            "http://127.0.0.1:8000/traefik/routing/routers/",
            "https://doc.traefik.io/traefik/routing/routers/",
            "https://doc.traefik.io/traefik/v3.6/routing/routers/",
        ] {
            let address = site().page(text).unwrap();
            assert_eq!(address.url.as_str(), "http://127.0.0.1:8000/traefik/routing/routers/", "{text}");
        }
        assert_eq!(site().page("routing/routers/#rule").unwrap().section.as_deref(), Some("rule"));
    }

    #[test]
    fn what_lies_outside_the_site_is_refused() {
        for text in ["https://example.com/traefik/a/", "http://127.0.0.1:8001/traefik/a/", "file:///etc/passwd"] {
            assert!(matches!(site().page(text), Err(NotHere::Elsewhere(_))), "{text}");
        }
        for text in ["../../secret", "a/./b", "a//b", "a b", "a?x=1", "a\\b", "a/%2e%2e/b", "a\n"] {
            let outcome = site().page(text);
            assert!(matches!(outcome, Err(NotHere::Odd(_))) || text == "a\n", "{text}: {outcome:?}");
        }
    }

    #[test]
    fn an_address_with_a_password_or_another_scheme_is_refused() {
        for url in ["http://a:b@c/", "http://a@c/", "ftp://c/", "file:///c"] {
            assert!(Site::new(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }

    #[test]
    fn a_pinned_version_is_known() {
        let pinned = Site::new(&Url::parse("https://doc.traefik.io/traefik/v3.6/").unwrap()).unwrap();
        assert_eq!(pinned.version().as_deref(), Some("v3.6"));
        assert_eq!(site().version(), None);
        let same = pinned.page("https://doc.traefik.io/traefik/v3.6/features/").unwrap();
        assert_eq!(same.url.as_str(), "https://doc.traefik.io/traefik/v3.6/features/");
    }
}
