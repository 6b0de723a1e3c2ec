//! Which era a request belongs to, and how the two handshakes are answered or refused.
//!
//! The lock only ever closes: a connection that was pinned to an era never leaves it.

use crate::flags::{Era, Options};
use crate::wire::{LEGACY, MODERN, Meta, Refusal, json};
use crate::{jobs, tasks};

const KNOWN: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY];
const CAPABILITIES: &str = r#""tools":{"listChanged":true},"prompts":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"completions":{},"logging":{}"#;

/// How one request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    Legacy,
    Modern,
}

/// What the connection has decided so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Nothing yet.
    Open,
    /// Legacy, and `initialize` has not been answered yet.
    Waiting,
    Legacy,
    Modern,
}

impl Lock {
    pub(crate) fn new(era: Era) -> Self {
        match era {
            Era::Legacy => Self::Waiting,
            Era::Modern => Self::Modern,
            Era::Python | Era::Ts => Self::Open,
        }
    }

    /// Says how to answer a request other than `initialize`, or why not at all.
    pub(crate) fn admit(&mut self, era: Era, method: &str, meta: &Meta) -> Result<Speech, Refusal> {
        let enveloped = meta.protocol_version.is_some();
        if method == "ping" && matches!(self, Self::Waiting | Self::Legacy) {
            return Ok(Speech::Legacy);
        }
        match (*self, method) {
            (Self::Waiting | Self::Legacy, "server/discover") => Err(unknown_method(method)),
            (Self::Waiting, _) => Err(Refusal::new(-32600, "not initialized")),
            // A legacy-only server has never heard of the envelope.
            (Self::Legacy, _) if enveloped && era != Era::Legacy => {
                Err(Refusal::new(-32600, "this connection serves the handshake era"))
            }
            (Self::Legacy, _) => Ok(Speech::Legacy),
            (Self::Open | Self::Modern, _) => {
                check_envelope(meta)?;
                if era == Era::Python {
                    *self = Self::Modern;
                }
                Ok(Speech::Modern)
            }
        }
    }

    /// Answers `initialize` with JSON text, or refuses it.
    pub(crate) fn initialize(&mut self, options: &Options, requested: Option<&str>) -> Result<String, Refusal> {
        if *self == Self::Modern {
            return Err(unsupported(requested));
        }
        *self = Self::Legacy;
        let version = requested.filter(|requested| KNOWN.contains(requested)).unwrap_or(LEGACY);
        Ok(format!(
            r#"{{"protocolVersion":"{version}","capabilities":{},"serverInfo":{}{}}}"#,
            capabilities(options, tasks::CAPABILITY),
            server_info(options),
            instructions(options),
        ))
    }
}

/// The answer to `server/discover`, as JSON text.
pub(crate) fn discover(options: &Options) -> String {
    let versions = match options.era {
        Era::Legacy | Era::Modern => vec![MODERN],
        Era::Python | Era::Ts => KNOWN.into_iter().chain([MODERN]).collect(),
    };
    format!(
        r#"{{"resultType":"complete","supportedVersions":{},"capabilities":{}{},"ttlMs":{},"cacheScope":"{}","_meta":{{"io.modelcontextprotocol/serverInfo":{}}}}}"#,
        json(&versions),
        capabilities(options, jobs::CAPABILITY),
        instructions(options),
        options.ttl_ms,
        options.cache_scope,
        server_info(options),
    )
}

fn capabilities(options: &Options, tasks: &str) -> String {
    let tasks = options.tasks.then_some(tasks);
    let more = tasks.into_iter().chain(options.capability.as_deref());
    more.fold(format!("{{{CAPABILITIES}"), |all, one| all + "," + one) + "}"
}

/// The refusal of a method that this era does not have.
pub(crate) fn unknown_method(method: &str) -> Refusal {
    Refusal::new(-32601, format!("Method not found: {method}"))
}

fn check_envelope(meta: &Meta) -> Result<(), Refusal> {
    let (Some(version), Some(_), Some(_)) = (&meta.protocol_version, meta.client_info, meta.client_capabilities) else {
        return Err(Refusal::new(-32602, "_meta must hold protocolVersion, clientInfo and clientCapabilities"));
    };
    if version == MODERN { Ok(()) } else { Err(unsupported(Some(version))) }
}

fn unsupported(requested: Option<&str>) -> Refusal {
    let data = format!(r#"{{"supported":["{MODERN}"],"requested":{}}}"#, json(&requested));
    Refusal::new(-32022, "Unsupported protocol version").with_data(data)
}

fn server_info(options: &Options) -> String {
    format!(r#"{{"name":{},"version":{}}}"#, json(&options.name), json(&options.version))
}

fn instructions(options: &Options) -> String {
    let text = options.instructions.as_ref();
    text.map(|text| format!(r#","instructions":{}"#, json(text))).unwrap_or_default()
}
