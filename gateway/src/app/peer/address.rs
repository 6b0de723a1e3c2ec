//! The address of a gateway: its MCP endpoint and its pages, from whatever of it a person has given.
//!
//! Invariant: an address is one of the web and has a host.

use std::net::IpAddr;

use reqwest::Url;

use super::without_user;

/// Where a gateway is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What its pages stand below.
    base: Url,
    /// Where MCP is spoken.
    endpoint: Url,
}

impl Address {
    /// Reads `http://host:port`, with or without `/mcp`, a view behind it, and a path that a proxy has put before it.
    ///
    /// # Errors
    /// What is wrong with it, and how one looks.
    pub fn read(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| {
            format!("`{}` is no URL of the web; write for instance http://127.0.0.1:9100", masked(text))
        })?;
        let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let at = segments.iter().position(|segment| *segment == "mcp").unwrap_or(segments.len());
        let base = below(&url, &segments[..at]);
        let endpoint =
            if at < segments.len() { url.clone() } else { below(&base, &[&segments[..], &["mcp"]].concat()) };
        Ok(Self { base, endpoint })
    }

    /// The endpoint.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The shards that the endpoint shows, if not all.
    pub(crate) fn view(&self) -> Option<Vec<String>> {
        let last = self.endpoint.path_segments().into_iter().flatten().next_back();
        if let Some(name) = last.filter(|last| *last != "mcp") {
            return Some(vec![name.to_owned()]);
        }
        let (_, names) = self.endpoint.query_pairs().find(|(key, _)| key == "shards")?;
        Some(names.split(',').map(ToOwned::to_owned).collect())
    }

    /// One of the pages, such as `health`.
    pub(crate) fn page(&self, name: &str) -> Url {
        let mut page = self.base.clone();
        page.path_segments_mut().expect("a URL of the web can be a base").pop_if_empty().push(name);
        page
    }

    /// As a person may see it.
    pub(crate) fn shown(&self) -> String {
        without_user(&self.base)
    }

    /// On this machine, where no proxy is between.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    pub(super) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }
}

/// What was typed, without what may be a password before an `@`.
fn masked(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    }
}

fn below(url: &Url, segments: &[&str]) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&segments.join("/"));
    url
}

/// The address of a gateway on this machine that was told to listen at `listen`; `None` if that does not say the port.
pub(super) fn of_listener(listen: &str) -> Option<String> {
    let (host, port) = listen.rsplit_once(':')?;
    if port.parse::<u16>().ok()? == 0 {
        return None;
    }
    let is_every = host.is_empty() || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
    Some(if is_every { format!("http://127.0.0.1:{port}") } else { format!("http://{listen}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_its_endpoint() {
        let check = |text: &str, base: &str, endpoint: &str| {
            let address = Address::read(text).unwrap();
            assert_eq!((address.shown().as_str(), address.endpoint().as_str()), (base, endpoint), "{text}");
        };
        check("http://127.0.0.1:9100", "http://127.0.0.1:9100", "http://127.0.0.1:9100/mcp");
        check("http://h:9100/", "http://h:9100", "http://h:9100/mcp");
        check("http://h:9100/mcp", "http://h:9100", "http://h:9100/mcp");
        check("http://h:9100/mcp/", "http://h:9100", "http://h:9100/mcp/");
        check("https://h/tools", "https://h/tools", "https://h/tools/mcp");
        check("https://h/tools/mcp/git", "https://h/tools", "https://h/tools/mcp/git");
        check("http://h/mcp?shards=a,b", "http://h", "http://h/mcp?shards=a,b");
        check("http://me:secret@h", "http://h", "http://me:secret@h/mcp");
        assert_eq!(Address::read("https://h/tools/mcp").unwrap().page("health").as_str(), "https://h/tools/health");
        for none in ["127.0.0.1:9100", "localhost:9100", "ftp://h", "http://", ""] {
            assert!(Address::read(none).unwrap_err().contains("http://127.0.0.1:9100"), "{none}");
        }
        assert!(!Address::read("me:secret@h").unwrap_err().contains("secret"));
    }

    #[test]
    fn a_view_names_its_shards() {
        for (url, expected) in [
            ("http://h:1", None),
            ("http://h:1/mcp?a=b", None),
            ("http://h:1/proxy/mcp/git", Some(&["git"][..])),
            ("http://h:1/mcp?shards=git,time", Some(&["git", "time"])),
        ] {
            let view = Address::read(url).unwrap().view();
            assert_eq!(view, expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect()), "{url}");
        }
    }

    #[test]
    fn only_this_machine_is_asked_without_a_proxy() {
        for (url, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://192.168.1.5:9100", false),
            ("https://gateway.lan", false),
        ] {
            assert_eq!(Address::read(url).unwrap().is_loopback(), expected, "{url}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        let check = |listen, expected: Option<&str>| assert_eq!(of_listener(listen).as_deref(), expected, "{listen}");
        check("0.0.0.0:9100", Some("http://127.0.0.1:9100"));
        check("[::]:9200", Some("http://127.0.0.1:9200"));
        check("192.168.1.5:9100", Some("http://192.168.1.5:9100"));
        check("localhost:9100", Some("http://localhost:9100"));
        check("127.0.0.1:0", None);
        check("nowhere", None);
    }
}
