//! Answers that are wrong, or odd but right, as bytes.
//!
//! Every function here is pure: the call in, the lines out, the last line break included.

use serde::Deserialize;

use crate::tools::Call;
use crate::wire::{Refusal, answer};

const GARBAGE: &[u8] = b"Starting the fake shard on stdio...\n\n42\n[1]\n\xff\xfe{\"jsonrpc\n";

/// The bytes that answer a faulty tool; `None` for any other tool.
pub(crate) fn bytes(call: &Call) -> Result<Option<Vec<u8>>, Refusal> {
    let (id, result) = (&call.id, call.text_result(&call.name));
    let right = answer(id, &result);
    let line = match call.name.as_str() {
        "answer_twice" => right.clone() + &right,
        "unknown_id" => answer("987654321", &result) + &right,
        "error_null" => {
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result},\"error\":null}}\n")
        }
        "float_id" if id.bytes().all(|byte| byte.is_ascii_digit()) => answer(&format!("{id}.0"), &result),
        "string_id" if !id.starts_with('"') => answer(&format!("\"{id}\""), &result),
        "float_id" | "string_id" => right,
        "big_code" => Refusal::new(99_999_999_999, "a code outside 32 bits").line(id),
        "id_last" => id_last(id, &result),
        "garbage" => return Ok(Some([GARBAGE, right.as_bytes()].concat())),
        "big" => id_last(id, &call.text_result(&big_text(call)?)),
        "big_id_first" => call.text(&big_text(call)?),
        "spaced" => spaced(id, &result),
        "dup_result" => {
            let second = call.text_result("second");
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result},\"result\":{second}}}\n")
        }
        "result_and_error" => {
            let error = r#"{"code":-32603,"message":"an error beside a result"}"#;
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result},\"error\":{error}}}\n")
        }
        "no_result" => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id}}}\n"),
        "null_id" => Refusal::new(-32700, "Parse error").line("null"),
        "bad_utf8" => {
            return Ok(Some(right.replace("bad_utf8", "\u{1}").bytes().map(break_utf8).collect()));
        }
        _ => return Ok(None),
    };
    Ok(Some(line.into_bytes()))
}

fn id_last(id: &str, result: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"result\":{result},\"id\":{id}}}\n")
}

fn big_text(call: &Call) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        bytes: usize,
    }
    let Arguments { bytes } = call.read()?;
    Ok("x".repeat(bytes))
}

/// One line, since a carriage return alone ends none.
fn spaced(id: &str, result: &str) -> String {
    let members = [("jsonrpc", r#""2.0""#), ("id", id), ("result", result)];
    let members = members.map(|(key, value)| format!("\r \"{key}\"\r:\r\t{value}\r"));
    format!("{{{}}}\r\n", members.join(","))
}

fn break_utf8(byte: u8) -> u8 {
    if byte == 1 { 0xff } else { byte }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::era::Speech;

    fn answered(name: &str, arguments: &str) -> Vec<u8> {
        let call = Call {
            id: "7".into(),
            name: name.into(),
            arguments: arguments.into(),
            token: None,
            speech: Speech::Legacy,
        };
        bytes(&call).unwrap().unwrap()
    }

    #[test]
    fn a_big_answer_writes_its_id_after_the_text() {
        let line = String::from_utf8(answered("big", r#"{"bytes":100000}"#)).unwrap();
        assert!(line.ends_with("},\"id\":7}\n"));
        assert!(line.contains(&"x".repeat(100_000)));
    }

    #[test]
    fn bad_utf8_is_no_string_but_one_line() {
        let line = answered("bad_utf8", "{}");
        assert!(String::from_utf8(line.clone()).is_err());
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
    }

    #[test]
    fn a_spaced_answer_is_one_json_value_on_one_line() {
        let line = String::from_utf8(answered("spaced", "{}")).unwrap();
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        assert!(line.contains('\r'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["id"], 7);
    }
}
