//! More of something than anybody wants.
//!
//! A flood is written by the reading thread: while it lasts, the shard does not read.

use std::io::{self, Write};

use serde::Deserialize;

use crate::serve::Shard;
use crate::tools::Call;
use crate::wire::{Refusal, notification};

#[derive(Deserialize)]
struct Flood {
    what: String,
    bytes: usize,
}

/// How much goes out in one write.
const PIECE: usize = 64 * 1024;

/// Writes at least `bytes` of `what`, and gives the answer that comes after them.
pub(crate) fn flood(shard: &Shard, call: &Call) -> Result<String, Refusal> {
    let Flood { what, bytes } = call.read()?;
    let line = match what.as_str() {
        "stderr" => "fake_shard: there is nothing to say, and it is said at length\n".into(),
        "garbage" => "no message {\"jsonrpc\": \n".into(),
        "empty" => "\n".into(),
        "logs" => notification("notifications/message", r#"{"level":"error","data":"nothing happened"}"#),
        "progress" => notification("notifications/progress", r#"{"progressToken":"nobody's","progress":1}"#),
        "changes" => notification("notifications/tools/list_changed", "{}"),
        "unknown" => notification("notifications/of-nobody", r#"{"a":[1,2,3]}"#),
        "questions" => "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"elicitation/create\",\"params\":{}}\n".into(),
        "strays" => "{\"jsonrpc\":\"2.0\",\"id\":999999999,\"result\":{}}\n".into(),
        _ => return Err(Refusal::new(-32602, format!("no flood of `{what}`"))),
    };
    let piece = line.repeat(PIECE / line.len());
    for _ in 0..bytes.div_ceil(piece.len()) {
        if what == "stderr" {
            // A stderr that nobody holds any more loses the text, as with any program.
            let _ = io::stderr().write_all(piece.as_bytes());
        } else {
            shard.out.send(&piece);
        }
    }
    Ok(call.text("ok"))
}
