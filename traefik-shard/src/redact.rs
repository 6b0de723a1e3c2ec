//! What must never leave the shard: password hashes, header values, keys, options of plugins and
//! the user part of URLs.
//!
//! Redaction goes by the name of a key and errs on the side of hiding.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "[redacted]";

/// Keys below which every value is hidden, compared without case, `-` and `_`.
const HIDDEN: [&str; 14] = [
    "users",
    "key",
    "keys",
    "keyfile",
    "plugin",
    "customrequestheaders",
    "customresponseheaders",
    "requestheadermodifier",
    "responseheadermodifier",
    "authorization",
    "cookie",
    "setcookie",
    "proxyauthorization",
    "passphrase",
];

/// Parts of a key that make it a secret's.
const SECRET_PARTS: [&str; 9] =
    ["password", "passwd", "secret", "token", "apikey", "privatekey", "credential", "signature", "authkey"];

/// Replaces everything secret in a piece of Traefik's configuration, at any depth.
pub(crate) fn value(value: &mut Value) {
    match value {
        Value::String(text) => *text = self::text(text),
        Value::Array(items) => items.iter_mut().for_each(self::value),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                if is_hidden(key, field) {
                    hide(field);
                } else if plain(key) == "healthcheck" {
                    // The middleware `headers` has harmless options; the headers of a health check are values.
                    field.get_mut("headers").into_iter().for_each(hide);
                    self::value(field);
                } else {
                    self::value(field);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text without the user part of URLs, private keys, password hashes, tokens, and values that
/// a rule compares an authorisation header or query with.
pub(crate) fn text(text: &str) -> String {
    PATTERNS.iter().fold(text.to_owned(), |safe, (pattern, instead)| match pattern.is_match(&safe) {
        true => pattern.replace_all(&safe, *instead).into_owned(),
        false => safe,
    })
}

static PATTERNS: LazyLock<[(Regex, &str); 8]> = LazyLock::new(|| {
    let pattern = |text: &str| Regex::new(text).expect("the pattern is a constant that a test compiles");
    [
        (pattern(r#"([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s`"'?#]*@"#), "${1}[redacted]@"),
        (pattern(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)"), "[redacted]"),
        (pattern(r#"\$(?:apr1|2[abxy]?|1|5|6|y|argon2\w*)\$[^\s"'`,]+|\{S?SHA\}[A-Za-z0-9+/=]+"#), "[redacted]"),
        // Traefik quotes the entry of a list of users that it cannot read, perhaps the hash alone.
        (pattern(r"(?i)(error parsing (?:basic|digest)user:\s*)\S+"), "${1}[redacted]"),
        (
            pattern(r#"(?i)([?&][^=&\s"'`]*(?:auth|key|token|secret|pass|session|sig)[^=&\s"'`]*=)[^&#\s"'`]+"#),
            "${1}[redacted]",
        ),
        (pattern(r#"(?i)\b(bearer\s+)[^\s"'`,]{6,}"#), "${1}[redacted]"),
        (pattern(r#"(?i)\b((?:proxy-)?authorization:\s*(?:\w+\s+)?)[^\s"'`,]+"#), "${1}[redacted]"),
        (
            pattern(
                r#"(?i)((?:header|query)(?:regexp)?\(\s*[`"][^`"]*(?:auth|cookie|key|token|secret|pass|session|sig)[^`"]*[`"]\s*,\s*)(?:`[^`]*`|"(?:[^"\\]|\\.)*")"#,
            ),
            "${1}`[redacted]`",
        ),
    ]
});

fn is_hidden(key: &str, field: &Value) -> bool {
    let key = plain(key);
    // A sticky cookie is an object of options, the header `Cookie` is a text.
    let options = field.is_object() && matches!(key.as_str(), "cookie" | "key");
    !options
        && !field.is_boolean()
        && (HIDDEN.contains(&key.as_str()) || SECRET_PARTS.iter().any(|part| key.contains(part)))
}

fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Keeps the shape, so that one still sees which headers and options there are.
fn hide(value: &mut Value) {
    match value {
        Value::String(text) if text.is_empty() => {}
        Value::String(_) | Value::Number(_) => *value = REDACTED.into(),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(mut given: Value, expected: &Value) {
        value(&mut given);
        assert_eq!(&given, expected);
    }

    #[test]
    fn users_of_basic_and_digest_authentication_are_hidden() {
        check(
            json!({"basicAuth": {"users": ["admin:$apr1$x$y"], "realm": "home", "removeHeader": true}}),
            &json!({"basicAuth": {"users": ["[redacted]"], "realm": "home", "removeHeader": true}}),
        );
        check(
            json!([{"middlewares": {"a": {"digestAuth": {"users": ["u:realm:0f1e"]}}}}]),
            &json!([{"middlewares": {"a": {"digestAuth": {"users": ["[redacted]"]}}}}]),
        );
    }

    #[test]
    fn header_values_are_hidden_and_their_names_stay() {
        check(
            json!({"headers": {
                "customRequestHeaders": {"Authorization": "Bearer abcdef", "X-Gone": ""},
                "frameDeny": true,
                "customFrameOptionsValue": "SAMEORIGIN"
            }}),
            &json!({"headers": {
                "customRequestHeaders": {"Authorization": "[redacted]", "X-Gone": ""},
                "frameDeny": true,
                "customFrameOptionsValue": "SAMEORIGIN"
            }}),
        );
        check(
            json!({"loadBalancer": {"healthCheck": {"path": "/", "headers": {"X-Token": "t", "X-Other": "o"}}}}),
            &json!({"loadBalancer": {"healthCheck": {"path": "/", "headers": {"X-Token": "[redacted]", "X-Other": "[redacted]"}}}}),
        );
    }

    #[test]
    fn plugins_keys_and_passwords_are_hidden_at_any_depth() {
        check(
            json!({"plugin": {"crowdsec": {"lapiKey": "abc", "nested": [{"deep": "x", "on": true}]}}}),
            &json!({"plugin": {"crowdsec": {"lapiKey": "[redacted]", "nested": [{"deep": "[redacted]", "on": true}]}}}),
        );
        check(
            json!({"rateLimit": {"average": 5, "redis": {"password": "p", "endpoints": ["r:6379"]}}}),
            &json!({"rateLimit": {"average": 5, "redis": {"password": "[redacted]", "endpoints": ["r:6379"]}}}),
        );
        check(
            json!({"forwardAuth": {"address": "http://u:p@auth/", "tls": {"ca": "c", "key": "k", "insecureSkipVerify": true}}}),
            &json!({"forwardAuth": {"address": "http://[redacted]@auth/", "tls": {"ca": "c", "key": "[redacted]", "insecureSkipVerify": true}}}),
        );
        check(
            json!({"tls": {"certificates": [{"certFile": "a.pem", "keyFile": "-----BEGIN PRIVATE KEY-----"}]}}),
            &json!({"tls": {"certificates": [{"certFile": "a.pem", "keyFile": "[redacted]"}]}}),
        );
    }

    #[test]
    fn options_that_only_sound_secret_stay() {
        let harmless = json!({"sticky": {"cookie": {"name": "lb", "secure": true, "maxAge": 3}}, "priority": 7});
        check(harmless.clone(), &harmless);
    }

    #[test]
    fn text_loses_its_secrets_and_nothing_else() {
        for (given, expected) in [
            ("see http://h:80/x@y and http://a.b/?q=c@d", "see http://h:80/x@y and http://a.b/?q=c@d"),
            ("dial http://me:p@ss@h/x: refused", "dial http://[redacted]@h/x: refused"),
            ("bad user admin:$apr1$abc$def, sorry", "bad user admin:[redacted], sorry"),
            ("admin:{SHA}0DPiKu=", "admin:[redacted]"),
            ("Authorization: Basic Zm9vOmJhcg==", "Authorization: Basic [redacted]"),
            ("Host(`a`) && Header(`X-Api-Key`, `s3cret`)", "Host(`a`) && Header(`X-Api-Key`, `[redacted]`)"),
            ("Host(`a`) && Header(`X-Kind`, `blue`)", "Host(`a`) && Header(`X-Kind`, `blue`)"),
            ("Query(`token`, \"a\\\"b\") || Path(`/k`)", "Query(`token`, `[redacted]`) || Path(`/k`)"),
            ("x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y", "x [redacted] y"),
            ("-----BEGIN PRIVATE KEY-----\ncut", "[redacted]"),
            ("http://h/p?page=2&api_key=s3cret&x=1#f", "http://h/p?page=2&api_key=[redacted]&x=1#f"),
            ("error parsing BasicUser: s3cret", "error parsing BasicUser: [redacted]"),
            ("basic authentication", "basic authentication"),
        ] {
            assert_eq!(text(given), expected);
        }
    }
}
