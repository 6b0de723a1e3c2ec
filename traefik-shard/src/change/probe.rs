//! The proof that Traefik reads its files now: a middleware that nothing uses, with a value that nobody can guess.
//!
//! Traefik shows it only if it watches this directory and every file in it can be loaded. Its file is gone
//! afterwards in every case; after a `kill -9` the next writer removes it.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::{error, warn};

use crate::change::errand::Errand;
use crate::change::poll::{self, Look, Overdue, Watch};
use crate::disk::{self, Applied, Draft, Locked, Name, blocking};
use crate::failure::{Code, Failure};

/// The header that carries the value; no request ever gets it.
const HEADER: &str = "X-Mcp-Probe";
/// How long Traefik has to forget the probe; it does no harm meanwhile.
const FORGET: Duration = Duration::from_secs(5);

/// What came of a probe.
#[derive(Debug)]
pub(crate) enum Probed {
    /// Traefik read all its files after the probe was written; the time says how long it took.
    Seen(Duration),
    NotSeen(Overdue),
}

/// Writes the probe, waits until Traefik shows it, and takes it away again.
pub(crate) async fn probe(errand: &Errand<'_>, locked: &Locked, wait: Duration) -> Result<Probed, Failure> {
    let store = locked.store();
    let nonce = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let middleware = errand.traefik_name("probe");
    let draft = Draft::new(&Name::probe(), &body(&middleware, &nonce));
    let begin = locked.clone();
    let applied = blocking(move || begin.begin(disk::Operation::Probe(draft))?.apply()).await?;
    let begun = std::time::Instant::now();
    poll::poke(store).await;
    let full = format!("{middleware}@file");
    let mut watch = Watch::begin(errand, store, wait).await;
    let seen = loop {
        if let Some(end) = watch.see(find(errand, &full, &nonce)).await {
            break end;
        }
    };
    let took = begun.elapsed();
    remove(errand, locked, applied, &full, seen.is_ok()).await?;
    Ok(match seen {
        Ok(()) => Probed::Seen(took),
        Err(overdue) => Probed::NotSeen(overdue),
    })
}

/// Takes the probe's file away, and waits a while until Traefik has forgotten it if it ever knew it.
async fn remove(
    errand: &Errand<'_>,
    locked: &Locked,
    applied: Applied,
    full: &str,
    known: bool,
) -> Result<(), Failure> {
    let file = applied.file();
    let removed = blocking(move || applied.undo().and_then(|_| applied.close())).await;
    removed.map_err(|failure| {
        error!(%failure, file, "the probe's file could not be removed");
        Failure::new(
            Code::IoError,
            format!("the probe's file `{file}` could not be removed: {}", failure),
            "remove it by hand; it changes no route",
        )
        .with("file", &file)
    })?;
    poll::poke(locked.store()).await;
    if !known {
        return Ok(());
    }
    let mut watch = Watch::begin(errand, locked.store(), FORGET).await;
    loop {
        let gone = async {
            Ok(match errand.api.http_middleware(full).await? {
                None => Look::Done(()),
                Some(_) => Look::NotYet(format!("the end of middleware `{full}`")),
            })
        };
        match watch.see(gone).await {
            None => {}
            Some(Ok(())) => return Ok(()),
            Some(Err(_)) => {
                warn!(middleware = full, "Traefik still shows the probe, whose file is gone");
                return Ok(());
            }
        }
    }
}

/// One look for the probe.
async fn find(errand: &Errand<'_>, full: &str, nonce: &str) -> Result<Look<()>, Failure> {
    let found = errand.api.http_middleware(full).await?;
    let value = found.as_ref().and_then(|found| found.pointer(&format!("/headers/customRequestHeaders/{HEADER}")));
    Ok(match value.and_then(Value::as_str) == Some(nonce) {
        true => Look::Done(()),
        false => Look::NotYet(format!("middleware `{full}`")),
    })
}

/// JSON is YAML too, and needs no quoting of its own.
fn body(middleware: &str, nonce: &str) -> String {
    let options = json!({ "headers": { "customRequestHeaders": { HEADER: nonce } } });
    json!({ "http": { "middlewares": { middleware: options } } }).to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Format, Loads, Origin, check};

    #[test]
    fn the_probe_is_a_document_that_loads() {
        let text = body("mcp-probe", "0123456789abcdef");
        assert_eq!(check("probe.yml", Format::Yaml, Origin::Managed, text.as_bytes()).loads, Loads::Yes);
    }
}
