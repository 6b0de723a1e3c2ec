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
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::door::body;
use crate::door::clients::Place;
use crate::door::streamable::Door;
use crate::mux::Overview;

pub(crate) use wanted::is_wanted;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
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
pub(crate) async fn welcome(State(door): State<Arc<Door>>, headers: HeaderMap) -> Response {
    let mut response = if is_wanted(&headers) {
        answer(&door, &headers)
    } else {
        text::welcome(&door.mux.overview(), &place(&door, &headers)).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// The page, as it is now.
pub(crate) fn answer(door: &Door, headers: &HeaderMap) -> Response {
    let page = render(&door.mux.overview(), &place(door, headers), SystemTime::now()).into_string();
    let mut response = body::whole(StatusCode::OK, HTML, [Bytes::from(page)].into_iter());
    let more = [
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::VARY, HeaderValue::from_static("Accept")),
    ];
    response.headers_mut().extend(more);
    response
}

/// Where the gateway is for the one who asks: at the public URL, else under the name that led here, which the guard has
/// let in. A proxy that takes care of TLS says so.
fn place(door: &Door, headers: &HeaderMap) -> Place {
    let place = door.place().clone();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let url = place.url.or_else(|| {
        let secure = text("x-forwarded-proto") == Some("https");
        let scheme = if secure { "https" } else { "http" };
        Some(format!("{scheme}://{}/mcp", text("host")?))
    });
    Place { url, ..place }
}

/// The whole document.
fn render(overview: &Overview, place: &Place, now: SystemTime) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { "mcp-gateway: " (overview.registry.status) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head::header(&overview.registry, place, now))
                main {
                    (head::problems(&overview.registry, place))
                    (shards::section(&overview.registry, place))
                    (tools::section(overview, place))
                    (connect::section(place))
                }
                footer { (footer()) }
            }
        }
    }
}

fn footer() -> Markup {
    html! {
        "For programs: " a href="/health" { "/health" } " (all of this as JSON), "
        a href="/livez" { "/livez" } " and " a href="/readyz" { "/readyz" } "."
    }
}

#[cfg(test)]
mod tests;
