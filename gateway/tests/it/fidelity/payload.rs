//! What is sent, and what must arrive, as text.
//!
//! Invariant: what must arrive is told by editing the list of members that the text was written from, never by parsing
//! the text.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary::{Member, key, member, object_text, value};
use super::rig::{Era, Way};

const PREFIX: &str = "io.modelcontextprotocol/";
const MODERN: [(&str, &str); 3] = [
    ("protocolVersion", "\"2026-07-28\""),
    ("clientInfo", r#"{"name":"test","version":"1"}"#),
    ("clientCapabilities", "{}"),
];
/// Where the shard puts its own progress token.
const TOKEN: &str = "<token>";

/// The interpreted keys of `params`, lower case, and what the shard itself reads of a wrong type.
const PARAMS: [&str; 13] = [
    "name",
    "uri",
    "ref",
    "cursor",
    "requestid",
    "level",
    "_meta",
    "arguments",
    "taskid",
    "notifications",
    "requeststate",
    "inputresponses",
    "protocolversion",
];
const META: [&str; 5] = [
    "progresstoken",
    "io.modelcontextprotocol/protocolversion",
    "io.modelcontextprotocol/clientinfo",
    "io.modelcontextprotocol/clientcapabilities",
    "io.modelcontextprotocol/loglevel",
];
const RESULT: [&str; 3] = ["resulttype", "ttlms", "cachescope"];

/// The parameters of a call: their members, and those of `_meta`.
#[derive(Debug, Clone)]
pub(super) struct Params {
    members: Vec<Member>,
    meta: Vec<Member>,
    /// Whether a legacy client writes `_meta`.
    legacy_meta: bool,
}

/// Parameters with unknown members around those that are interpreted, in any order.
pub(super) fn params() -> impl Strategy<Value = Params> {
    let required = [member(spelled("name"), Just(String::new())), member(spelled("_meta"), Just(String::new()))];
    let arguments = option::of(member(spelled("arguments"), value()));
    let members = (unknown(&PARAMS), required, arguments).prop_map(|(members, required, arguments)| {
        members.into_iter().chain(required).chain(arguments).collect::<Vec<_>>()
    });
    let modern = MODERN.map(|(name, text)| member(spelled(&format!("{PREFIX}{name}")), Just(text.to_owned())));
    let meta = (unknown(&META), modern, option::of(member(spelled("progressToken"), token())));
    let meta =
        meta.prop_map(|(members, modern, token)| members.into_iter().chain(modern).chain(token).collect::<Vec<_>>());
    (members.prop_shuffle(), meta.prop_shuffle(), any::<bool>()).prop_map(|(members, meta, legacy_meta)| Params {
        members,
        meta,
        legacy_meta,
    })
}

impl Params {
    /// As the client writes them.
    pub(super) fn sent(&self, way: Way, tool: &str) -> String {
        let (members, meta) = self.written(way.client);
        filled(&members, &way.exposed(tool), &meta)
    }

    /// As the shard must get them; `number` is the id that the gateway gave the call.
    pub(super) fn expected(&self, way: Way, tool: &str, number: &str) -> String {
        let (mut members, mut meta) = self.written(way.client);
        for token in meta.iter_mut().filter(|member| member.name() == "progressToken") {
            token.value = number.to_owned();
        }
        match (way.client, way.shard) {
            (Era::Modern, Era::Legacy) => meta.retain(|member| !member.name().starts_with(PREFIX)),
            (Era::Legacy, Era::Modern) => {
                if !members.iter().any(|member| member.name() == "_meta") {
                    members.push(Member::plain("_meta", ""));
                }
                meta.extend(MODERN.map(|(name, text)| Member::plain(&format!("{PREFIX}{name}"), text)));
            }
            _ => {}
        }
        one_line(&filled(&members, tool, &meta))
    }

    /// What a client of this era has to write.
    fn written(&self, client: Era) -> (Vec<Member>, Vec<Member>) {
        let Self { mut members, mut meta, legacy_meta } = self.clone();
        if client == Era::Legacy {
            let modern = |member: &Member| MODERN.iter().any(|(name, _)| member.name() == format!("{PREFIX}{name}"));
            meta.retain(|member| legacy_meta && !modern(member));
            members.retain(|member| legacy_meta || member.name() != "_meta");
        }
        (members, meta)
    }
}

fn filled(members: &[Member], name: &str, meta: &[Member]) -> String {
    let mut members = members.to_vec();
    for member in &mut members {
        match &*member.name() {
            "name" => member.value = format!("\"{name}\""),
            "_meta" => member.value = object_text(meta),
            _ => {}
        }
    }
    object_text(&members)
}

/// The members of a result, with `resultType` or without.
pub(super) fn result() -> impl Strategy<Value = Vec<Member>> {
    with(unknown(&RESULT), option::of(member(spelled("resultType"), Just("\"complete\"".to_owned()))))
}

/// The members of an error.
pub(super) fn error() -> impl Strategy<Value = Vec<Member>> {
    let codes = select(vec!["-32602", "-32601", "-32002", "-32020", "1.0", "99999999999999999999", "\"x\""]);
    let known = (member(spelled("code"), codes.prop_map(str::to_owned)), member(spelled("message"), value()));
    (unknown(&["code"]), known)
        .prop_map(|(members, (code, message))| members.into_iter().chain([code, message]).collect::<Vec<_>>())
        .prop_shuffle()
}

/// The members of the `params` of a progress notification, with a place for the token.
pub(super) fn progress() -> impl Strategy<Value = Vec<Member>> {
    with(unknown(&["progresstoken"]), member(spelled("progressToken"), Just(TOKEN.to_owned())).prop_map(Some))
}

/// The members of the `params` of a log message.
pub(super) fn log() -> impl Strategy<Value = Vec<Member>> {
    with(unknown(&["level"]), member(spelled("level"), Just("\"error\"".to_owned())).prop_map(Some))
}

/// A progress token of a client.
pub(super) fn token() -> impl Strategy<Value = String> {
    let odd = select(vec!["0", "1.50", "-0", "1e2", "123456789012345678901234567890", r#""\u0041\/""#]);
    prop_oneof![odd.prop_map(str::to_owned), "\"[a-z]{0,9}\""]
}

/// The text around each place for the token.
pub(super) fn pieces(members: &[Member]) -> Vec<String> {
    object_text(members).split(TOKEN).map(str::to_owned).collect()
}

/// The text without line breaks, which is all that may change of a payload.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// What `_meta` holds that a client of this era needs in order to hear of everything.
pub(super) fn curious_meta(client: Era, token: &str) -> String {
    let mut meta = vec![Member::plain("progressToken", token)];
    if client == Era::Modern {
        meta.extend(MODERN.map(|(name, text)| Member::plain(&format!("{PREFIX}{name}"), text)));
        meta.push(Member::plain(&format!("{PREFIX}logLevel"), "\"debug\""));
    }
    object_text(&meta)
}

/// A result as it must arrive: a modern client needs `resultType`, which a legacy shard does not write.
pub(super) fn expected_result(way: Way, members: &[Member]) -> String {
    let mut members = members.to_vec();
    let typed = members.iter().any(|member| member.name() == "resultType");
    if way.client == Era::Modern && way.shard == Era::Legacy && !typed {
        members.push(Member::plain("resultType", "\"complete\""));
    }
    one_line(&object_text(&members))
}

/// An error as it must arrive: revision 2026-07-28 forbids the old code of a resource that is not there, and has given the codes
/// from -32020 on meanings of its own, of which a legacy shard knows nothing.
pub(super) fn expected_error(way: Way, members: &[Member]) -> String {
    let mut members = members.to_vec();
    let forbidden = |member: &&mut Member| member.name() == "code" && ["-32002", "-32020"].contains(&&*member.value);
    if way.client == Era::Modern && way.shard == Era::Legacy {
        members.iter_mut().filter(forbidden).for_each(|member| member.value = "-32603".to_owned());
    }
    one_line(&object_text(&members))
}

/// Members that nobody on the way reads.
fn unknown(read: &'static [&'static str]) -> impl Strategy<Value = Vec<Member>> {
    let free = move |member: &Member| !read.contains(&&*member.name().to_lowercase());
    vec(member(key(), value()).prop_filter("is read on the way", free), 0..4)
}

fn with(
    members: impl Strategy<Value = Vec<Member>>,
    one: impl Strategy<Value = Option<Member>>,
) -> impl Strategy<Value = Vec<Member>> {
    (members, one).prop_map(|(members, one)| members.into_iter().chain(one).collect::<Vec<_>>()).prop_shuffle()
}

/// The literal of a key that is read, plain or with one character escaped.
fn spelled(name: &str) -> impl Strategy<Value = String> + use<> {
    let name = name.to_owned();
    let places = name.len();
    option::weighted(0.3, 0..places).prop_map(move |escaped| match escaped {
        None => format!("\"{name}\""),
        Some(at) => format!("\"{}\\u{:04x}{}\"", &name[..at], name.as_bytes()[at], &name[at + 1..]),
    })
}
