//! What a tool has answered, for a person: texts as they are, everything else in files.
//!
//! Invariant: no file that is there is overwritten, and no name of a file comes from the tool's answer.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// One thing to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// For a file.
    Bytes {
        mime: String,
        bytes: Vec<u8>,
    },
}

/// One tool answers so many files of a kind at most.
const MOST: usize = 10_000;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The pieces of a result, in order; an error for each that should be base64 and is not. What has structure is shown unless a
/// text says the same.
pub(super) fn pieces(result: &Value) -> Vec<anyhow::Result<Piece>> {
    let mut pieces: Vec<_> = match &result["content"] {
        Value::Array(items) => items.iter().map(piece).collect(),
        Value::Null => Vec::new(),
        // No list is against the protocol, and may tell something all the same.
        other => vec![Ok(Piece::Text(pretty(other)))],
    };
    if let Some(structured) = result.get("structuredContent").filter(|structured| !structured.is_null()) {
        let says_the_same = |piece: &anyhow::Result<Piece>| match piece {
            Ok(Piece::Text(text)) => serde_json::from_str::<Value>(text).is_ok_and(|value| value == *structured),
            _ => false,
        };
        if !pieces.iter().any(says_the_same) {
            pieces.push(Ok(Piece::Text(pretty(structured))));
        }
    }
    pieces
}

fn piece(item: &Value) -> anyhow::Result<Piece> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(match item["type"].as_str() {
        Some("text") => Piece::Text(text(&item["text"])),
        Some("image" | "audio") => decoded(&item["data"], &item["mimeType"])?,
        Some("resource") => {
            let resource = &item["resource"];
            match resource["text"].as_str() {
                Some(content) => Piece::Text(format!("{}:\n{content}", text(&resource["uri"]))),
                None => decoded(&resource["blob"], &resource["mimeType"])?,
            }
        }
        Some("resource_link") => Piece::Text(format!("{} ({})", text(&item["uri"]), text(&item["name"]))),
        // A kind of a later revision is shown as it is.
        _ => Piece::Text(pretty(item)),
    })
}

fn decoded(data: &Value, mime: &Value) -> anyhow::Result<Piece> {
    let mime = mime.as_str().unwrap_or("application/octet-stream").to_owned();
    let data = data.as_str().with_context(|| format!("the tool's answer of type `{mime}` holds no data"))?;
    let bytes = BASE64.decode(data).with_context(|| format!("the tool's answer of type `{mime}` is not base64"))?;
    Ok(Piece::Bytes { mime, bytes })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value has string keys only")
}

/// Writes a new file `TOOL-NUMBER.ENDING` into the folder, which is made if it is not there.
///
/// # Errors
/// It cannot be written.
pub(super) fn keep(folder: &Path, tool: &str, mime: &str, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    for number in 1..MOST {
        let path = folder.join(format!("{tool}-{number}.{}", ending(mime)));
        let written =
            OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| file.write_all(bytes));
        match written {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            written => {
                return written.map(|()| path.clone()).with_context(|| format!("cannot write `{}`", path.display()));
            }
        }
    }
    bail!("`{}` is full of answers of `{tool}`; give another folder with `--out`", folder.display())
}

fn ending(mime: &str) -> &'static str {
    let kind = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "image/avif" => "avif",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/ogg" => "ogg",
        "audio/flac" => "flac",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/gzip" | "application/x-gzip" => "gz",
        "application/json" => "json",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/markdown" => "md",
        "text/csv" => "csv",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(result: &Value, expected: &[Piece]) {
        let pieces: Vec<Piece> = pieces(result).into_iter().map(Result::unwrap).collect();
        assert_eq!(pieces, expected, "{result}");
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn each_kind_of_content_is_a_piece() {
        let bytes = |mime: &str| Piece::Bytes { mime: mime.to_owned(), bytes: b"hi".to_vec() };
        let content = json!([
            {"type": "text", "text": "a"},
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "audio", "data": "aGk", "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "x://1", "text": "b"}},
            {"type": "resource", "resource": {"uri": "x://2", "blob": "aGk="}},
            {"type": "resource_link", "uri": "x://3", "name": "third"},
        ]);
        let expected = [
            text("a"),
            bytes("image/png"),
            bytes("audio/wav"),
            text("x://1:\nb"),
            bytes("application/octet-stream"),
            text("x://3 (third)"),
        ];
        check(&json!({"content": content}), &expected);
        check(&json!({"content": "no list"}), &[text("\"no list\"")]);
        let bad = json!({"type": "image", "data": "?", "mimeType": "image/png"});
        let mut found = pieces(&json!({"content": [bad, {"type": "text", "text": "a"}]})).into_iter();
        let error = found.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the tool's answer of type `image/png` is not base64");
        assert_eq!(found.next().unwrap().unwrap(), text("a"));
    }

    #[test]
    fn structure_is_shown_once() {
        check(&json!({"content": [], "structuredContent": {"a": 1}}), &[text("{\n  \"a\": 1\n}")]);
        let same = json!({"content": [{"type": "text", "text": "{\"a\": 1}"}], "structuredContent": {"a": 1}});
        check(&same, &[text("{\"a\": 1}")]);
        let other = json!({"content": [{"type": "text", "text": "one"}], "structuredContent": {"a": 1}});
        check(&other, &[text("one"), text("{\n  \"a\": 1\n}")]);
    }

    #[test]
    fn files_are_new_and_end_as_their_type_says() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("deep/er");
        let keep = |mime: &str, bytes: &[u8]| {
            keep(&folder, "t", mime, bytes).unwrap().file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(keep("image/png", b"one"), "t-1.png");
        assert_eq!(keep("image/png; a=b", b"two"), "t-2.png");
        assert_eq!(keep("../../etc/passwd", b"x"), "t-1.bin");
        assert_eq!(fs::read(folder.join("t-1.png")).unwrap(), b"one");
    }
}
