//! What a person who opens the gateway sees: a page for browsers, a few lines for `curl`.
//!
//! Invariant: a client that speaks MCP never gets a page, and a page can run nothing: it has no script, and its policy
//! lets only its own stylesheet in.

mod connect;
mod head;
mod shards;
mod tame;
mod text;
mod tools;
mod wanted;

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::door::body;
use crate::door::clients::Place;
use crate::door::refusal::Refused;
use crate::door::streamable::Door;
use crate::mux::{Overview, View};
use crate::tasks::work_on;
use tame::{tame, with_code};

pub(crate) use wanted::is_wanted;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const VARY: HeaderValue = HeaderValue::from_static("Accept");
/// How much of a fault a page repeats.
const FAULT: usize = 1_000;
const STYLE: &str = include_str!("page/style.css");
/// Browsers would ask for a file of their own choice.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath \
    fill='none' stroke='%23556fd6' stroke-width='2' stroke-linecap='round' d='M2 3h3l3 5h6M2 13h3l3-5M2 8h6'/%3E%3C/svg%3E";

/// Nothing but the one stylesheet, told by its hash, and the icon. No other page may frame this one.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("base64 is visible ASCII")
});

/// Serves `/`.
pub(crate) async fn welcome(State(door): State<Arc<Door>>, uri: Uri, headers: HeaderMap) -> Response {
    if is_wanted(&headers) {
        return answer(&door, Ok(View::All), &uri, &headers).await;
    }
    let lines = text::welcome(&door.mux.overview(), &Here::new(door.place(), &View::All, &uri, &headers));
    ([(header::VARY, VARY)], lines).into_response()
}

/// The page of a view, as it is now.
pub(crate) async fn answer(door: &Door, view: Result<View, Refused>, uri: &Uri, headers: &HeaderMap) -> Response {
    let shown = match view {
        Ok(view) => door.mux.at(view).await.map_err(Refused::from),
        Err(refused) => Err(refused),
    };
    match shown {
        Ok(mux) => {
            let here = Here::new(door.place(), mux.view(), uri, headers);
            let overview = mux.overview();
            let page = work_on(overview.size(), || render(&overview, &here, SystemTime::now()));
            respond(StatusCode::OK, page)
        }
        Err(refused) => nothing(door.place(), &refused, uri, headers),
    }
}

/// The page of an address at which there is nothing to see.
pub(crate) fn nothing(place: &Place, refused: &Refused, uri: &Uri, headers: &HeaderMap) -> Response {
    explain(refused, Some(&Here::new(place, &View::All, uri, headers).base))
}

/// The page for those whom the guard does not let in. It leads nowhere.
pub(crate) fn turned_away(refused: &Refused) -> Response {
    explain(refused, None)
}

fn respond(status: StatusCode, page: Markup) -> Response {
    let mut response = body::whole(status, HTML, [Bytes::from(page.into_string())].into_iter());
    let more = [
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::VARY, VARY),
    ];
    response.headers_mut().extend(more);
    response
}

/// Where the gateway is for the one who asks: at the public URL, else under the name that led here, which the guard has
/// let in.
struct Here {
    /// For the clients' snippets; its URL is the one of the view.
    place: Place,
    /// The address without the path of any view.
    root: String,
    /// What stands before a link to another page.
    base: String,
    view: View,
}

impl Here {
    fn new(place: &Place, view: &View, uri: &Uri, headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let host = text("host").unwrap_or("localhost");
        let public = place.url.as_deref().and_then(|url| url.strip_suffix("/mcp"));
        let base = base(public, host, uri.path());
        let root = public.map(ToOwned::to_owned).unwrap_or_else(|| {
            // A proxy that takes care of TLS says so.
            let secure = text("x-forwarded-proto") == Some("https");
            format!("{}://{host}", if secure { "https" } else { "http" })
        });
        Self { place: Place { url: Some(format!("{root}{view}")), ..place.clone() }, root, base, view: view.clone() }
    }

    fn url(&self) -> &str {
        self.place.url.as_deref().unwrap_or(&self.root)
    }

    /// A link to a path of the gateway.
    fn link(&self, path: &str) -> String {
        format!("{}{}", self.base, path.trim_start_matches('/'))
    }
}

/// The path of the public URL where that led here. Elsewhere the way up from `path`, which holds whatever a proxy puts
/// before it.
fn base(public: Option<&str>, host: &str, path: &str) -> String {
    /// No page lies deeper.
    const DEEPEST: usize = 8;
    let behind_host = |url: &str| url.split_once("://").and_then(|(_, rest)| Some(rest.strip_prefix(host)?.to_owned()));
    match public.and_then(behind_host) {
        Some(prefix) if prefix.is_empty() || prefix.starts_with('/') => format!("{prefix}/"),
        _ => format!("./{}", "../".repeat(path.matches('/').count().saturating_sub(1).min(DEEPEST))),
    }
}

fn render(overview: &Overview, here: &Here, now: SystemTime) -> Markup {
    let content = html! {
        (head::header(&overview.registry, here, now))
        main {
            (head::problems(&overview.registry, here))
            (shards::section(&overview.registry, here))
            (tools::section(overview, here))
            (connect::section(here))
        }
        footer { (footer(here)) }
    };
    document(overview.registry.status, &content)
}

fn explain(refused: &Refused, base: Option<&str>) -> Response {
    let (status, fault) = refused.shown();
    let content = html! {
        header { h1 { "mcp-gateway " span.badge.invalid { (status) } } }
        main {
            p.note dir="auto" { (with_code(&sentence(&tame(fault, FAULT)))) }
            @if let Some(base) = base { p { a href=(base) { "All shards, and how to connect a client" } } }
        }
    };
    respond(status, document(status.canonical_reason().unwrap_or("refused"), &content))
}

/// A fragment as an error has it, for a person.
fn sentence(fragment: &str) -> String {
    let mut rest = fragment.chars();
    let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}{}", rest.as_str(), if fragment.ends_with('?') { "" } else { "." })
}

fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { "mcp-gateway: " (title) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body { (content) }
        }
    }
}

fn footer(here: &Here) -> Markup {
    let link = |path: &'static str| html! { a href=(here.link(path)) { (path) } };
    html! { "For programs: " (link("/health")) " (all shards as JSON), " (link("/livez")) " and " (link("/readyz")) "." }
}

#[cfg(test)]
mod tests;
