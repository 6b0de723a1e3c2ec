//! Why Traefik's API gave no answer that can be used, and what the operator can do about it.
//!
//! What came from outside is cut and redacted before it is put into a fault.

use std::error::Error;
use std::time::Duration;

use crate::cut::cut;
use crate::failure::{Code, Failure};
use crate::redact;

/// How much of a foreign answer is quoted.
const WORDS: usize = 120;

const SET_URL: &str = "set TRAEFIK_API_URL (--api-url) to the address of Traefik's API, such as http://HOST:8080/api";

/// One request that failed; URLs are without user and password.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot reach Traefik's API at `{url}`: {cause}")]
    Unreachable { url: String, cause: String },
    #[error("Traefik's API at `{url}` did not answer within {budget:?}")]
    Slow { url: String, budget: Duration },
    #[error("the answer of `{url}` broke off: {cause}")]
    Broken { url: String, cause: String },
    #[error("`{url}` refuses us with status 401")]
    Unauthorized { url: String, sent_as: Option<String> },
    #[error("`{url}` refuses us with status 403, as a list of allowed addresses does")]
    NotAllowed { url: String },
    #[error("something before Traefik's API refuses `{url}` with status 403: `{words}`")]
    Forbidden { url: String, words: String },
    #[error("`{url}` is not there (404: `{words}`)")]
    NotFound { url: String, words: String },
    #[error("`{url}` redirects to `{target}`, which is another server and is not followed")]
    Elsewhere { url: String, target: String },
    #[error("`{url}` answers with status {status}: `{words}`")]
    Refused { url: String, status: u16, words: String },
    #[error(
        "`{url}` does not answer as Traefik's API does: {cause} (content type `{content_type}`, it begins with `{words}`)"
    )]
    Foreign { url: String, cause: String, content_type: String, words: String },
    #[error("the answer of `{url}` is larger than {mib} MiB")]
    TooLarge { url: String, mib: u32 },
    #[error("cannot read the API's password from `{file}`: {cause}")]
    Password { file: String, cause: String },
}

impl Fault {
    /// What reqwest says, as a fault of `url`.
    pub(super) fn of_request(url: &str, error: &reqwest::Error) -> Self {
        let (url, cause) = (url.to_owned(), root_cause(error));
        if error.is_body() || error.is_decode() {
            Self::Broken { url, cause }
        } else if error.is_timeout() {
            Self::Unreachable { url, cause: "no connection within the connect timeout".into() }
        } else {
            Self::Unreachable { url, cause }
        }
    }

    /// A 403: what Traefik's `ipAllowList` says has no more than that word, anything else comes from elsewhere.
    pub(super) fn forbidden(url: String, body: &[u8]) -> Self {
        match body.trim_ascii() {
            b"Forbidden" => Self::NotAllowed { url },
            _ => Self::Forbidden { url, words: words(body) },
        }
    }

    /// Whether the base may have moved, so that it is worth looking for it again.
    pub(super) fn lost(&self) -> bool {
        !matches!(self, Self::TooLarge { .. } | Self::Slow { .. } | Self::Password { .. })
    }

    /// Whether other paths of the same server would fail alike.
    pub(super) fn hopeless(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Slow { .. } | Self::Password { .. })
    }

    /// Of two paths that failed, the higher one tells more about what is wrong.
    pub(super) fn telling(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 0,
            Self::Foreign { .. } => 1,
            Self::Refused { .. } | Self::Forbidden { .. } | Self::Elsewhere { .. } => 2,
            _ => 3,
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } => Code::ApiUnreachable,
            Self::Unauthorized { .. } | Self::NotAllowed { .. } => Code::ApiUnauthorized,
            Self::NotFound { .. } => Code::ApiNotFound,
            Self::Password { .. } => Code::IoError,
            _ => Code::ApiError,
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Unreachable { cause, .. } if cause.contains("certificate") => {
                "name the API's certificate authority with TRAEFIK_API_CA (--api-ca), or accept any certificate with \
                 TRAEFIK_API_SKIP_VERIFY (--api-skip-verify)"
                    .into()
            }
            Self::Unreachable { .. } => format!("start Traefik, or {SET_URL}"),
            Self::Slow { .. } => format!(
                "see whether Traefik is overloaded, raise TRAEFIK_REQUEST_TIMEOUT (--request-timeout), or {SET_URL}"
            ),
            Self::Broken { .. } => "try again: Traefik or a proxy before it may have been restarted".into(),
            Self::Unauthorized { sent_as: None, .. } => {
                "set TRAEFIK_API_USER and TRAEFIK_API_PASSWORD_FILE to an account of the API's router".into()
            }
            Self::Unauthorized { sent_as: Some(user), .. } => format!(
                "correct TRAEFIK_API_USER (now `{user}`) and the password; the file is read again on every request"
            ),
            Self::NotAllowed { .. } => {
                "add the address that this shard comes from to the `ipAllowList` of the API's router".into()
            }
            Self::Forbidden { .. } => format!(
                "let the proxy or the login service that answers pass this shard's requests, or {SET_URL}, past it"
            ),
            Self::NotFound { .. } => format!(
                "enable `api` in Traefik's static configuration, {SET_URL}, or set TRAEFIK_API_HOST (--api-host) where \
                 the API's router asks for another Host"
            ),
            Self::Elsewhere { .. } => {
                format!("{SET_URL}; behind a login page give the API a router with basic authentication")
            }
            Self::Refused { status: 500.., .. } => "see Traefik's log, and that of a proxy before it".into(),
            Self::Refused { .. } | Self::Foreign { .. } => SET_URL.into(),
            Self::TooLarge { .. } => "raise TRAEFIK_API_MAX_MIB (--api-max-mib)".into(),
            Self::Password { .. } => "correct TRAEFIK_API_PASSWORD_FILE, or make the file readable".into(),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::new(fault.code(), fault.to_string(), fault.hint())
    }
}

/// The beginning of a foreign answer on one line, without anything secret.
pub(super) fn words(body: &[u8]) -> String {
    // A secret that is cut in the middle is no longer recognised: what is redacted is longer than what is shown.
    let start = String::from_utf8_lossy(&body[..body.len().min(8 * WORDS)]);
    let line = start.split_whitespace().collect::<Vec<_>>().join(" ");
    let safe = redact::text(&line);
    let printable: String = safe.chars().filter(|c| !c.is_control()).collect();
    cut(&printable, WORDS)
}

/// Where a JSON text goes wrong; serde's own message may quote a value.
pub(super) fn json_cause(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => "the JSON ends too early".into(),
        Category::Syntax | Category::Io => "it is not JSON".into(),
        Category::Data => {
            format!("the JSON is of another shape at line {}, column {}", error.line(), error.column())
        }
    }
}

/// The innermost error, which is what the operating system or TLS said.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    redact::text(&cause.to_string())
}
