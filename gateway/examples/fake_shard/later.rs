//! What the shard does at its own time: it speaks after its answer, or answers although it was told not to.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::serve::Shard;
use crate::tools::Call;
use crate::wire::Refusal;

#[derive(Deserialize)]
struct Later<'a> {
    ms: u64,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// Answers, and says `message`, a whole one, `ms` after that; never before.
pub(crate) fn later(shard: &Shard, call: &Call) -> Result<(), Refusal> {
    let Later { ms, message } = call.read()?;
    let line = message.map(|message| format!("{}\n", message.get())).unwrap_or_default();
    shard.out.send(call.text("ok"));
    let out = Arc::clone(&shard.out);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(ms));
        out.send(line);
    });
    Ok(())
}

/// Answers after `ms`, cancelled or not.
pub(crate) fn heedless(shard: &Shard, call: &Call) -> Result<(), Refusal> {
    let Later { ms, .. } = call.read()?;
    let (out, line) = (Arc::clone(&shard.out), call.text("done all the same"));
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(ms));
        out.send(line);
    });
    Ok(())
}
