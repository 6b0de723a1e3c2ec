//! Which routes a call asked for, and which page of them.
//!
//! The order is by protocol and name, and a cursor names the last route of its page: what is
//! added or deleted between two pages moves nothing else.

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use super::{Live, View, host};
use crate::backends::{Protocol, provider_of};
use crate::failure::{Code, Failure};

/// Routers of which protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProtocolFilter {
    #[default]
    All,
    Http,
    Tcp,
    Udp,
}

/// Routers that Traefik calls how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusFilter {
    Enabled,
    Warning,
    Disabled,
}

/// What a route must be like; without any wish every route but Traefik's own is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) protocol: ProtocolFilter,
    pub(crate) provider: Option<String>,
    pub(crate) status: Option<StatusFilter>,
    pub(crate) entry_point: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) search: Option<String>,
    pub(crate) managed_only: bool,
    pub(crate) include_internal: bool,
}

/// One page of what was selected.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) routes: Vec<Live<'a>>,
    /// The routes that the filter lets through, on all pages.
    pub(crate) selected: Vec<Live<'a>>,
    pub(crate) next_cursor: Option<String>,
}

/// The routes that the filter lets through, and of these `limit` after the cursor.
pub(crate) fn select<'a>(
    view: &View<'a>,
    filter: &Filter,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<'a>, Failure> {
    let after = cursor.map(read_cursor).transpose()?;
    let wanted = Wanted::new(filter)?;
    let selected: Vec<Live<'a>> = view.routers().filter(|live| wanted.has(view, *live)).collect();
    let is_after = |live: &&Live<'a>| after.is_none_or(|after| (live.protocol, live.full) > after);
    let mut routes: Vec<Live<'a>> = selected.iter().filter(is_after).take(limit + 1).copied().collect();
    let mut next_cursor = None;
    if routes.len() > limit {
        routes.truncate(limit);
        next_cursor = routes.last().map(|live| format!("{}/{}", live.protocol.name(), live.full));
    }
    Ok(Page { routes, selected, next_cursor })
}

fn read_cursor(cursor: &str) -> Result<(Protocol, &str), Failure> {
    let protocol = |name| [Protocol::Http, Protocol::Tcp, Protocol::Udp].into_iter().find(|p| p.name() == name);
    let read = cursor.split_once('/').and_then(|(name, full)| Some((protocol(name)?, full)));
    read.ok_or_else(|| {
        let message = format!("`cursor` is `{}`", cursor.chars().take(80).collect::<String>());
        Failure::new(Code::InvalidInput, message, "give the `next_cursor` of an earlier answer, or none")
    })
}

/// The filter, made ready for comparing.
struct Wanted<'f> {
    filter: &'f Filter,
    host: Option<String>,
    search: Option<String>,
}

impl<'f> Wanted<'f> {
    fn new(filter: &'f Filter) -> Result<Self, Failure> {
        let host = filter.host.as_deref().map(clean_host).transpose()?;
        Ok(Self { filter, host, search: filter.search.as_ref().map(|text| text.to_lowercase()) })
    }

    fn has(&self, view: &View<'_>, live: Live<'_>) -> bool {
        let (filter, router) = (self.filter, live.router);
        let protocol = match filter.protocol {
            ProtocolFilter::All => true,
            ProtocolFilter::Http => live.protocol == Protocol::Http,
            ProtocolFilter::Tcp => live.protocol == Protocol::Tcp,
            ProtocolFilter::Udp => live.protocol == Protocol::Udp,
        };
        let status = match filter.status {
            None => true,
            Some(StatusFilter::Enabled) => router.status == "enabled",
            Some(StatusFilter::Warning) => router.status == "warning",
            Some(StatusFilter::Disabled) => router.status == "disabled",
        };
        let provider = provider_of(live.full);
        // One who asks for the provider `internal` wants to see it.
        let named = filter.provider.as_deref();
        let visible = filter.include_internal || provider != "internal" || named == Some("internal");
        let at = |entry: &String| router.using.contains(entry) || router.entry_points.contains(entry);
        protocol
            && status
            && visible
            && named.is_none_or(|named| named == provider)
            && filter.entry_point.as_ref().is_none_or(at)
            && self.search.as_deref().is_none_or(|text| mentions(live, text))
            && (!filter.managed_only || view.managed_name(live).is_some())
            && self.host.as_deref().is_none_or(|host| answers_for(live, host))
    }
}

/// A rule that is not understood, or none as in UDP, answers for no host.
fn answers_for(live: Live<'_>, host: &str) -> bool {
    live.parsed().is_some_and(|rule| host::may_answer(&rule, host))
}

fn mentions(live: Live<'_>, text: &str) -> bool {
    [live.full, &live.router.rule, &live.router.service].iter().any(|place| place.to_lowercase().contains(text))
}

/// Lower case, without a port and a final dot.
fn clean_host(host: &str) -> Result<String, Failure> {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if !bare.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => bare,
        _ => host,
    };
    let clean = bare.trim_end_matches('.').to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | ':' | '[' | ']');
    if clean.is_empty() || !clean.chars().all(plain) {
        let message = format!("`host` is `{}`", host.chars().take(80).collect::<String>());
        let hint = "give a host name alone, such as app.example.com, and an international one in its xn-- form";
        return Err(Failure::new(Code::InvalidInput, message, hint));
    }
    Ok(clean)
}
