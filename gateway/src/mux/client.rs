//! Who sends a request, and what it said of itself.
//!
//! Invariant: a [`Client`] is a plain value; everything that a legacy one said fits into its session token.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde_json::json;

use crate::catalogue::Catalogue;
use crate::wire::{
    Capabilities, Fault, Kind, Level, Meta, Params, Raw, Request, Revision, code, implementation, read_object,
};

/// The most that is kept of a client's name and version, in bytes.
const INFO: usize = 256;

/// Tells clients apart: equal for all requests of one session or one stdio connection, fresh for each modern HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey(pub u128);

/// Whose work that outlives a request is: parked calls and tasks of the modern era, which has no sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Whoever has this session or connection.
    Connection(ClientKey),
    /// Whoever comes over HTTP without a session: the door lets only one circle of people in, and tells none apart.
    Passing,
}

/// Who sends a request.
#[derive(Debug, Clone)]
pub struct Client {
    /// Which one.
    pub key: ClientKey,
    /// On whose behalf.
    pub principal: Principal,
    /// What it speaks.
    pub revision: Revision,
    /// Its name and version, a JSON object on one line.
    pub info: Arc<str>,
    /// What it can be asked.
    pub capabilities: Capabilities,
    /// The least severe log message that it wants to hear; `None` if it has not said.
    pub level: Option<Level>,
}

/// What came of a legacy `initialize`.
#[derive(Debug)]
pub struct Initialized {
    /// The client, as later requests of the session must bring it along.
    pub client: Client,
    /// The result object for the client.
    pub result: Bytes,
}

/// Reads a legacy `initialize` (2025-11-25, basic/lifecycle).
pub(super) fn initialize(key: ClientKey, request: &Request<'_>) -> Result<Client, Fault> {
    let params = request.params.ok_or_else(|| invalid("`initialize` needs `params`"))?;
    let read = read_object(params, &["protocolVersion", "capabilities", "clientInfo"]);
    let [version, capabilities, info] =
        read.map_err(|ambiguous| Fault::new(code::INVALID_REQUEST, ambiguous.to_string()))?;
    let version = version.and_then(Raw::string);
    let version = version.ok_or_else(|| invalid("`params.protocolVersion` must be a string"))?;
    if capabilities.is_some_and(|capabilities| capabilities.kind() != Kind::Object) {
        return Err(invalid("`params.capabilities` must be an object"));
    }
    Ok(Client {
        key,
        principal: Principal::Connection(key),
        revision: Revision::negotiate(&version),
        info: short_info(info),
        capabilities: Capabilities::read(capabilities),
        level: None,
    })
}

/// Reads what a modern request says of its sender in `_meta` (2026-07-28, basic).
pub(super) fn modern(key: ClientKey, principal: Principal, params: &Params<'_>) -> Result<Client, Fault> {
    // Only legacy sessions need their client's name later, to make modern requests of theirs.
    static UNNAMED: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("{}"));
    let Meta { protocol_version, client_capabilities, log_level, .. } = params.meta;
    let version = protocol_version.and_then(Raw::string).ok_or_else(|| missing(Meta::PROTOCOL_VERSION, "a string"))?;
    let revision = Revision::parse(&version).filter(|revision| *revision == Revision::MODERN);
    let revision = revision.ok_or_else(|| unsupported(&version))?;
    let capabilities = client_capabilities.filter(|capabilities| capabilities.kind() == Kind::Object);
    if capabilities.is_none() {
        return Err(missing(Meta::CLIENT_CAPABILITIES, "an object"));
    }
    let level = log_level.map(read_level).transpose()?;
    let (info, capabilities) = (Arc::clone(&UNNAMED), Capabilities::read(capabilities));
    Ok(Client { key, principal, revision, info, capabilities, level })
}

/// Reads the name of a log level.
pub(super) fn read_level(level: Raw<'_>) -> Result<Level, Fault> {
    level.string().and_then(|name| Level::parse(&name)).ok_or_else(|| {
        let names = Level::ALL.map(Level::as_str).join(", ");
        invalid(format!("unknown log level {}; the levels are {names}", level.as_str()))
    })
}

/// -32022 with what is spoken here.
pub fn unsupported(version: &str) -> Fault {
    let message = format!("protocol version `{version}` is not spoken here");
    let supported = [Revision::MODERN.as_str()];
    Fault::new(code::UNSUPPORTED_VERSION, message).with_data(json!({"supported": supported, "requested": version}))
}

/// The result of `initialize`.
pub(super) fn initialize_result(client: &Client, catalogue: &Catalogue) -> Bytes {
    let head = format!(
        r#"{{"protocolVersion":"{}","capabilities":{},"serverInfo":{}"#,
        client.revision.as_str(),
        catalogue.capabilities(client.revision),
        implementation(),
    );
    with_instructions(head, catalogue.instructions())
}

/// The result of `server/discover`.
pub(super) fn discover_result(catalogue: &Catalogue) -> Bytes {
    let head = format!(
        concat!(
            r#"{{"resultType":"complete","supportedVersions":["{}"],"capabilities":{},"#,
            r#""_meta":{{"io.modelcontextprotocol/serverInfo":{}}},"ttlMs":0,"cacheScope":"private""#
        ),
        Revision::MODERN.as_str(),
        catalogue.capabilities(Revision::MODERN),
        implementation(),
    );
    with_instructions(head, catalogue.instructions())
}

fn with_instructions(mut head: String, instructions: Option<&str>) -> Bytes {
    if let Some(instructions) = instructions {
        head.push_str(r#","instructions":"#);
        head.push_str(&serde_json::Value::from(instructions).to_string());
    }
    head.push('}');
    head.into()
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(code::INVALID_PARAMS, message)
}

fn missing(key: &str, kind: &str) -> Fault {
    invalid(format!("`params._meta` needs `{key}`, {kind}, on each request of revision {}", Revision::MODERN.as_str()))
}

/// Name and version only, cut to fit a session token.
fn short_info(info: Option<Raw<'_>>) -> Arc<str> {
    let text = |key: &str| info.and_then(|info| info.get(key)).and_then(Raw::string).unwrap_or(Cow::Borrowed(""));
    let cut = |text: Cow<'_, str>| text.chars().take(INFO / 16).collect::<String>();
    json!({"name": cut(text("name")), "version": cut(text("version"))}).to_string().into()
}
