//! The one reading of interpreted keys.
//!
//! Invariant (DESIGN D1): a key on which the gateway decides is compared unescaped, and a duplicate or a case-variant of
//! it is refused, so that gateway and shard never read two different tools out of one message.

use std::borrow::Cow;

use crate::wire::{Kind, Raw};

/// A message that two readers could read in two ways.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// The same key twice.
    #[error("duplicate key `{0}`")]
    Duplicate(Cow<'static, str>),
    /// A key that differs from an interpreted one in case only.
    #[error("key `{found}` differs from `{expected}` in case only")]
    Variant {
        /// The key as the peer wrote it.
        found: String,
        /// The key that the protocol, or a tool's schema, names.
        expected: Cow<'static, str>,
    },
}

/// Reads the values of `keys` from an object in one walk. Other keys are not looked at; a value that is no object has none.
///
/// # Errors
/// [`Ambiguous`] if one of `keys` stands twice or in another case.
pub fn read_object<'a, const N: usize>(
    object: Raw<'a>,
    keys: &[&'static str; N],
) -> Result<[Option<Raw<'a>>; N], Ambiguous> {
    let mut found = [None; N];
    for member in object.members() {
        let key = member.key();
        let is_ascii = key.is_ascii();
        for (slot, expected) in found.iter_mut().zip(keys) {
            if key == *expected {
                if slot.replace(member.value).is_some() {
                    return Err(Ambiguous::Duplicate(Cow::Borrowed(expected)));
                }
            } else if key.eq_ignore_ascii_case(expected) || (!is_ascii && folds_to(&key, expected)) {
                return Err(Ambiguous::Variant { found: key.into_owned(), expected: Cow::Borrowed(expected) });
            }
        }
    }
    Ok(found)
}

/// Reads the value of one key that only a schema names. Of keys that differ from it in case only, those that the schema names
/// too mean something else.
///
/// # Errors
/// [`Ambiguous`] if the key stands twice, or in a case that the schema does not name.
pub fn read_key<'a>(object: Raw<'a>, key: &str, named: &[Box<str>]) -> Result<Option<Raw<'a>>, Ambiguous> {
    let expected = || Cow::Owned(key.to_owned());
    let mut found = None;
    for member in object.members() {
        let other = member.key();
        if other == key {
            if found.replace(member.value).is_some() {
                return Err(Ambiguous::Duplicate(expected()));
            }
        } else if is_variant(&other, key) && !named.iter().any(|named| **named == *other) {
            return Err(Ambiguous::Variant { found: other.into_owned(), expected: expected() });
        }
    }
    Ok(found)
}

/// Whether a lenient parser takes one key for the other.
fn is_variant(key: &str, expected: &str) -> bool {
    key.eq_ignore_ascii_case(expected) || (!(key.is_ascii() && expected.is_ascii()) && folds_to(key, expected))
}

fn folds_to(key: &str, expected: &str) -> bool {
    folded(key) == folded(expected)
}

/// What a key is to lenient parsers, which fold cases: `ſ` meets `s` and `K` (the Kelvin sign) meets `k`.
pub fn folded(key: &str) -> String {
    key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// What the gateway reads from a client's `params`, besides `initialize`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    /// The tool or prompt.
    pub name: Option<Raw<'a>>,
    /// The resource.
    pub uri: Option<Raw<'a>>,
    /// What `completion/complete` completes.
    pub reference: Option<Raw<'a>>,
    /// The page of a list.
    pub cursor: Option<Raw<'a>>,
    /// The request that `notifications/cancelled` names.
    pub request_id: Option<Raw<'a>>,
    /// The level of `logging/setLevel`.
    pub level: Option<Raw<'a>>,
    /// What a call says that is to be answered later.
    pub task: Option<Raw<'a>>,
    /// The task that is asked for.
    pub task_id: Option<Raw<'a>>,
    /// What a tool or prompt is called with.
    pub arguments: Option<Raw<'a>>,
    /// What `subscriptions/listen` is to tell of.
    pub notifications: Option<Raw<'a>>,
    /// The mark of the earlier request that a modern one goes on with.
    pub request_state: Option<Raw<'a>>,
    /// The answers to what that request was asked.
    pub input_responses: Option<Raw<'a>>,
    /// What the gateway reads of `_meta`.
    pub meta: Meta<'a>,
}

/// What the gateway reads from `params._meta` of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meta<'a> {
    /// `_meta` itself, if it is an object.
    pub object: Option<Raw<'a>>,
    /// The client's token for progress.
    pub progress_token: Option<Raw<'a>>,
    /// The revision of a modern request.
    pub protocol_version: Option<Raw<'a>>,
    /// Who sends a modern request.
    pub client_info: Option<Raw<'a>>,
    /// What the sender of a modern request can do.
    pub client_capabilities: Option<Raw<'a>>,
    /// The log level that a modern request asks for.
    pub log_level: Option<Raw<'a>>,
    /// The task that a request of the legacy era belongs to.
    pub related_task: Option<Raw<'a>>,
}

impl<'a> Params<'a> {
    /// Reads the interpreted keys.
    ///
    /// # Errors
    /// [`Ambiguous`] for any interpreted key.
    pub fn read(params: Option<Raw<'a>>) -> Result<Self, Ambiguous> {
        const KEYS: [&str; 13] = [
            "name",
            "uri",
            "ref",
            "cursor",
            "requestId",
            "level",
            "task",
            "taskId",
            "_meta",
            "arguments",
            "notifications",
            "requestState",
            "inputResponses",
        ];
        let Some(params) = params else { return Ok(Self::default()) };
        let [name, uri, reference, cursor, request_id, level, task, task_id, meta, more @ ..] =
            read_object(params, &KEYS)?;
        let [arguments, notifications, request_state, input_responses] = more;
        if let Some(reference) = reference {
            read_object(reference, &["type", "name", "uri"])?;
        }
        let meta = meta.map(Meta::read).transpose()?.unwrap_or_default();
        Ok(Self {
            name,
            uri,
            reference,
            cursor,
            request_id,
            level,
            task,
            task_id,
            arguments,
            notifications,
            request_state,
            input_responses,
            meta,
        })
    }
}

impl<'a> Meta<'a> {
    /// The prefix of the keys that a modern request carries and a legacy shard must not see.
    pub const PREFIX: &'static str = "io.modelcontextprotocol/";
    /// The key of the revision.
    pub const PROTOCOL_VERSION: &'static str = "io.modelcontextprotocol/protocolVersion";
    /// The key of the client's name and version.
    pub const CLIENT_INFO: &'static str = "io.modelcontextprotocol/clientInfo";
    /// The key of the client's capabilities.
    pub const CLIENT_CAPABILITIES: &'static str = "io.modelcontextprotocol/clientCapabilities";
    /// The key of the log level.
    pub const LOG_LEVEL: &'static str = "io.modelcontextprotocol/logLevel";
    /// The key of the task that a message of the legacy era belongs to.
    pub const RELATED_TASK: &'static str = "io.modelcontextprotocol/related-task";
    /// The key by which what is told on a `subscriptions/listen` names the request.
    pub const SUBSCRIPTION_ID: &'static str = "io.modelcontextprotocol/subscriptionId";

    fn read(meta: Raw<'a>) -> Result<Self, Ambiguous> {
        const KEYS: [&str; 6] = [
            "progressToken",
            Meta::PROTOCOL_VERSION,
            Meta::CLIENT_INFO,
            Meta::CLIENT_CAPABILITIES,
            Meta::LOG_LEVEL,
            Meta::RELATED_TASK,
        ];
        let [progress_token, protocol_version, client_info, client_capabilities, log_level, related_task] =
            read_object(meta, &KEYS)?;
        if let Some(related) = related_task {
            read_object(related, &["taskId"])?;
        }
        let object = (meta.kind() == Kind::Object).then_some(meta);
        Ok(Self { object, progress_token, protocol_version, client_info, client_capabilities, log_level, related_task })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::wire::arbitrary::members;

    fn read(text: &str) -> Result<Option<String>, Ambiguous> {
        let params = Raw::parse(text.as_bytes()).unwrap();
        Params::read(Some(params)).map(|params| params.name.and_then(Raw::string).map(Cow::into_owned))
    }

    #[test]
    fn a_key_is_read_whatever_its_escapes() {
        assert_eq!(read(r#"{"n\u0061me":"x","other":1,"other":2}"#).unwrap().unwrap(), "x");
        assert_eq!(read(r#"{"title":"x"}"#).unwrap(), None);
    }

    #[test]
    fn a_second_reading_is_refused() {
        let cases = [
            (r#"{"name":"a","name":"b"}"#, "duplicate key `name`"),
            (r#"{"name":"a","n\u0061me":"b"}"#, "duplicate key `name`"),
            (r#"{"name":"a","Name":"b"}"#, "key `Name` differs from `name` in case only"),
            (r#"{"NAME":"b"}"#, "key `NAME` differs from `name` in case only"),
            ("{\"argument\u{17f}\":{}}", "key `argument\u{17f}` differs from `arguments` in case only"),
            (r#"{"ta\u017fkId":"b"}"#, "key `ta\u{17f}kId` differs from `taskId` in case only"),
            (r#"{"ref":{"name":"a","nam\u0065":"b"}}"#, "duplicate key `name`"),
            (
                r#"{"_meta":{"progressToken":1,"progresstoken":2}}"#,
                "key `progresstoken` differs from `progressToken` in case only",
            ),
            (
                r#"{"_meta":{"io.modelcontextprotocol/logLevel":1,"io.modelcontextprotocol/logLevel":2}}"#,
                "duplicate key `io.modelcontextprotocol/logLevel`",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    /// The key with some letters in the other case, and with others escaped.
    fn disguised(key: &str) -> impl Strategy<Value = String> + use<> {
        let key = key.to_owned();
        vec(0..4_u8, key.len()).prop_map(move |disguises| {
            let disguise = |(char, disguise): (char, u8)| match disguise {
                0 => char.to_ascii_uppercase().to_string(),
                1 => char.to_ascii_lowercase().to_string(),
                2 => format!("\\u{:04X}", u32::from(char)),
                _ => char.to_string(),
            };
            format!("\"{}\"", key.chars().zip(disguises).map(disguise).collect::<String>())
        })
    }

    proptest! {
        #[test]
        fn one_key_in_two_disguises_is_refused_and_in_one_it_is_read_or_refused(
            (first, second) in select(&["name", "uri", "_meta", "arguments", "requestState"][..])
                .prop_flat_map(|key| (disguised(key), disguised(key))),
            unknown in members(),
        ) {
            let others: Vec<_> = unknown.iter().map(|member| format!("{}:1,", member.key)).collect();
            let twice = format!("{{{}{first}:1,{second}:2}}", others.concat());
            prop_assert!(read(&twice).is_err(), "{}", twice);
            let once = format!("{{{first}:\"x\"}}");
            let plain = serde_json::from_str::<String>(&first).unwrap();
            let known = ["name", "uri", "_meta", "arguments", "requestState"].contains(&&*plain);
            prop_assert_eq!(read(&once).is_ok(), known, "{}", once);
            prop_assert_eq!(read(&once).ok().flatten().is_some(), plain == "name");
        }
    }
}
