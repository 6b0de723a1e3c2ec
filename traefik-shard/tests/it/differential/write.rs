//! Documents as text: YAML in two ways, and TOML.
//!
//! TOML has no null; what is null is left out there.

use serde_json::Value;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Block,
    /// JSON, which is YAML.
    Flow,
    Toml,
}

impl Style {
    /// The extension of its file.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Block => "yml",
            Self::Flow => "yaml",
            Self::Toml => "toml",
        }
    }

    /// The argument of `validate_config`.
    pub(super) fn format(self) -> &'static str {
        if self == Self::Toml { "toml" } else { "yaml" }
    }
}

/// Writes a document.
pub(super) fn write(document: &Value, style: Style) -> String {
    match style {
        Style::Block => serde_yaml::to_string(document).unwrap(),
        Style::Flow => serde_json::to_string_pretty(document).unwrap(),
        Style::Toml => {
            let mut text = String::new();
            table(document, "", &mut text);
            text
        }
    }
}

/// Scalars and lists of a table first, then its tables under headers of their own.
fn table(value: &Value, path: &str, text: &mut String) {
    let Some(map) = value.as_object() else { return };
    let (tables, plain): (Vec<_>, Vec<_>) = map.iter().partition(|(_, value)| value.is_object());
    if !path.is_empty() && (!plain.is_empty() || map.is_empty()) {
        text.push_str(&format!("[{path}]\n"));
    }
    for (key, value) in plain {
        if !value.is_null() {
            text.push_str(&format!("{} = {}\n", quoted(key), inline(value)));
        }
    }
    for (key, value) in tables {
        let inner = if path.is_empty() { quoted(key) } else { format!("{path}.{}", quoted(key)) };
        table(value, &inner, text);
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs = map.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<_> = pairs.map(|(key, value)| format!("{} = {}", quoted(key), inline(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter(|item| !item.is_null()).map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        // JSON's strings, numbers and booleans are TOML's.
        scalar => scalar.to_string(),
    }
}

fn quoted(key: &str) -> String {
    let is_bare = |sign: char| sign.is_ascii_alphanumeric() || sign == '-' || sign == '_';
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { Value::from(key).to_string() }
}
