//! The servers in the configuration of a client, as drafts of shard files.
//!
//! Pure. Invariant: no value of a variable, and no URL, is repeated in what is told, since each may hold a secret.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::ShardName;
use crate::config::draft::Draft;

/// The most servers that are taken from one file.
const MOST: usize = 256;
/// Claude Desktop, Claude Code and Cursor; VS Code.
const KEYS: [&str; 2] = ["mcpServers", "servers"];

/// Why a file holds no servers at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoServers {
    #[error("it has neither `mcpServers` (Claude Desktop, Claude Code, Cursor) nor `servers` (VS Code)")]
    NoKey,
    #[error("`{0}` is not an object of servers by name")]
    NoObject(&'static str),
    #[error("it has {0} servers, and {MOST} is the most")]
    TooMany(usize),
}

/// What each entry comes to, by its key: a draft, or why it cannot be one.
pub(super) type Found = Vec<(String, Result<(ShardName, Draft), String>)>;

/// Reads all entries.
pub(super) fn read(document: &Value) -> Result<Found, NoServers> {
    // VS Code's settings.json has them one level down.
    let places = [Some(document), document.get("mcp")];
    let find = |place: &Value| KEYS.into_iter().find_map(|key| Some((key, place.get(key)?.clone())));
    let (key, servers) = places.into_iter().flatten().find_map(find).ok_or(NoServers::NoKey)?;
    let Value::Object(servers) = servers else { return Err(NoServers::NoObject(key)) };
    if servers.len() > MOST {
        return Err(NoServers::TooMany(servers.len()));
    }
    Ok(servers.into_iter().map(|(key, server)| (shown(&key), one(&key, &server))).collect())
}

/// A key on one line, and not too long.
fn shown(key: &str) -> String {
    key.chars().map(|c| if c.is_control() { '?' } else { c }).take(60).collect()
}

fn one(key: &str, server: &Value) -> Result<(ShardName, Draft), String> {
    let name = ShardName::slug(key).ok_or("its name has no letter and no digit")?;
    let server = server.as_object().ok_or("it is not an object")?;
    let Some(command) = server.get("command") else {
        let bridge = format!("mcp-gateway add {} -- npx -y mcp-remote URL", name.as_str());
        return Err(if server.contains_key("url") {
            format!("it is reached by URL, and shards are started; `{bridge}` makes a bridge")
        } else {
            "it has no `command`".to_owned()
        });
    };
    if server.contains_key("envFile") {
        return Err("its variables are in an `envFile`; put them into `env`".to_owned());
    }
    let command = filled(command.as_str().ok_or("`command` is not a text")?)?;
    let args = texts(server, "args")?;
    let own = command.rsplit('/').next() == Some("mcp-gateway");
    if own && args.first().is_some_and(|arg| arg == "stdio") {
        return Err("it is a gateway itself".to_owned());
    }
    let cwd = server.get("cwd").and_then(Value::as_str).map(filled).transpose()?;
    let disabled = server.get("disabled").and_then(Value::as_bool).unwrap_or(false);
    Ok((name, Draft { command, args, env: variables(server)?, cwd, disabled }))
}

fn texts(server: &Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    let items = match server.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(items) => items.as_array().ok_or_else(|| format!("`{key}` is not a list"))?,
    };
    items.iter().map(|item| text(item).ok_or_else(|| format!("`{key}` holds what is not a text"))?).collect()
}

fn variables(server: &Map<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let variables = match server.get("env") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(variables) => variables.as_object().ok_or("`env` is not an object")?,
    };
    // `null` takes a variable away, and what is not named is not passed on anyway.
    let set = variables.iter().filter(|(_, value)| !value.is_null());
    let pair = |(name, value): (&String, &Value)| {
        let value = text(value).ok_or_else(|| format!("`env`: `{}` is not a text", shown(name)))??;
        Ok((name.clone(), value))
    };
    set.map(pair).collect()
}

/// A text, or a number or truth value that stands for one.
fn text(value: &Value) -> Option<Result<String, String>> {
    match value {
        Value::String(text) => Some(filled(text)),
        Value::Number(_) | Value::Bool(_) => Some(Ok(value.to_string())),
        _ => None,
    }
}

/// The references of clients in the form of shard files. `${NAME}` and `${NAME:-default}` mean the same to both; what only
/// the client can fill in is a fault; every other `$` is one.
fn filled(text: &str) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        let reference = rest[at..].strip_prefix("${").and_then(|inner| inner.split_once('}'));
        let Some((inner, after)) = reference else {
            filled.push_str("$$");
            rest = &rest[at + 1..];
            continue;
        };
        filled.push_str(&reference_of(inner)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn reference_of(inner: &str) -> Result<String, String> {
    let is_name = |name: &str| {
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let name = inner.strip_prefix("env:").unwrap_or(inner);
    let variable = name.split_once(":-").map_or(name, |(variable, _)| variable);
    match inner {
        "userHome" => Ok("${HOME}".to_owned()),
        "pathSeparator" | "/" => Ok("/".to_owned()),
        "workspaceFolder" | "workspaceFolderBasename" => {
            Err(format!("it uses `${{{inner}}}`, which only the client can fill in; write it out"))
        }
        _ if is_name(variable) => Ok(format!("${{{name}}}")),
        _ if inner.starts_with("input:") || inner.starts_with("config:") || inner.starts_with("command:") => {
            Err(format!("it uses `${{{}}}`, which only the client can fill in; write it out", shown(inner)))
        }
        _ => Ok(format!("$${{{inner}}}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn only(server: &Value) -> Result<(ShardName, Draft), String> {
        read(&json!({"mcpServers": {"My server!": server}})).unwrap().remove(0).1
    }

    #[test]
    fn each_clients_key_is_found() {
        let server = json!({"a": {"command": "x"}});
        for document in [
            json!({"globalShortcut": "", "mcpServers": server}),
            json!({"servers": server, "inputs": []}),
            json!({"mcp": {"servers": server}, "editor.fontSize": 12}),
        ] {
            assert!(read(&document).unwrap()[0].1.is_ok(), "{document}");
        }
        assert_eq!(read(&json!({"a": {}})), Err(NoServers::NoKey));
        assert_eq!(read(&json!({"mcpServers": []})), Err(NoServers::NoObject("mcpServers")));
    }

    #[test]
    fn an_entry_keeps_what_it_says() {
        let (name, draft) = only(&json!({
            "type": "stdio", "command": "npx", "args": ["-y", 7, true], "cwd": "${userHome}/x",
            "env": {"A": "1", "B": 2, "C": null}, "disabled": true,
        }))
        .unwrap();
        assert_eq!(name.as_str(), "My-server");
        let env = [("A", "1"), ("B", "2")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let args = ["-y", "7", "true"].map(str::to_owned).into();
        let expected = Draft { command: "npx".into(), args, env, cwd: Some("${HOME}/x".into()), disabled: true };
        assert_eq!(draft, expected);
    }

    #[test]
    fn references_are_rewritten_and_a_dollar_stays_one() {
        for (written, expected) in [
            ("${env:API_KEY}", "${API_KEY}"),
            ("${API_KEY:-none}", "${API_KEY:-none}"),
            ("a$b ${} $", "a$$b $${} $$"),
            ("cost: 5$ or ${5}", "cost: 5$$ or $${5}"),
            ("${unclosed", "$${unclosed"),
        ] {
            assert_eq!(filled(written).as_deref(), Ok(expected), "{written}");
        }
        for only_there in ["${input:token}", "${workspaceFolder}/x", "${command:pick}"] {
            assert!(filled(only_there).unwrap_err().contains("write it out"), "{only_there}");
        }
    }

    #[test]
    fn what_cannot_be_a_shard_is_left_out_with_the_way_out_and_without_its_secrets() {
        for (server, expected) in [
            (json!({"url": "https://x/?token=hush"}), "`mcp-gateway add My-server -- npx -y mcp-remote URL`"),
            (json!({}), "no `command`"),
            (json!([]), "not an object"),
            (json!({"command": 1}), "`command` is not a text"),
            (json!({"command": "a", "args": "b"}), "`args` is not a list"),
            (json!({"command": "a", "args": [["hush"]]}), "`args` holds what is not a text"),
            (json!({"command": "a", "env": {"KEY": ["hush"]}}), "`KEY` is not a text"),
            (json!({"command": "a", "envFile": ".env"}), "`envFile`"),
            (json!({"command": "/opt/mcp-gateway", "args": ["stdio"]}), "gateway itself"),
        ] {
            let fault = only(&server).unwrap_err();
            assert!(fault.contains(expected) && !fault.contains("hush"), "{fault}");
        }
    }
}
