//! The text of a managed file: a header of four comments, then the body.
//!
//! The header holds only what this shard makes of a checked name, the time and a digest, so that
//! nothing in it can be read as a template or as YAML.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::disk::name::Name;

const MARK: &str = "# managed-by: traefik-shard";
const NAME: &str = "# name: ";
const CREATED: &str = "# created: ";
const DIGEST: &str = "# body-sha256: ";

/// The SHA-256 of these bytes, in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Now, in UTC, as RFC 3339.
pub(super) fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).expect("a year of four digits can be written as RFC 3339")
}

/// A managed file that is to be written: header and body in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) name: Name,
    pub(crate) text: String,
    /// Of the whole text; what `if_match` is compared with afterwards.
    pub(crate) sha256: String,
}

impl Draft {
    /// A file that does not exist yet, created now. `body` is YAML that was already checked.
    pub(crate) fn new(name: &Name, body: &str) -> Self {
        Self::dated(name, &now(), body)
    }

    /// A file in the place of `present`, whose time of creation it keeps.
    pub(crate) fn replacing(present: &Managed, body: &str) -> Self {
        Self::dated(&present.name, &present.created, body)
    }

    fn dated(name: &Name, created: &str, body: &str) -> Self {
        let digest = sha256(body.as_bytes());
        let text = format!("{MARK}\n{NAME}{name}\n{CREATED}{created}\n{DIGEST}{digest}\n{body}");
        Self { name: name.clone(), sha256: sha256(text.as_bytes()), text }
    }
}

/// A managed file as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Managed {
    pub(crate) name: Name,
    /// Relative to the watched directory, with `/`.
    pub(crate) file: String,
    /// Header and body.
    pub(crate) text: String,
    /// Of the whole text.
    pub(crate) sha256: String,
    /// When the file was first made, RFC 3339.
    pub(crate) created: String,
    /// The body is not the one that this shard wrote: somebody edited the file. What follows from that is the
    /// caller's to decide.
    pub(crate) edited: bool,
    body_at: usize,
}

impl Managed {
    /// The text below the header.
    pub(crate) fn body(&self) -> &str {
        &self.text[self.body_at..]
    }

    /// Reads what was found in `file`. The error says why it is not ours.
    pub(super) fn parse(name: &Name, file: String, bytes: Vec<u8>) -> Result<Self, String> {
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let mut rest = text.as_str();
        let mark = line(&mut rest);
        if mark != Some(MARK) {
            return Err(format!("its first line is not `{MARK}`"));
        }
        let mut value = |key: &str| line(&mut rest).and_then(|line| line.strip_prefix(key)).map(str::to_owned);
        let (Some(named), Some(created), Some(digest)) = (value(NAME), value(CREATED), value(DIGEST)) else {
            return Err("its header is damaged".to_owned());
        };
        if OffsetDateTime::parse(&created, &Rfc3339).is_err() {
            return Err("the time in its header is damaged".to_owned());
        }
        // A copy that somebody made: it defines what the file that it was copied from defines.
        if named != name.as_str() {
            return Err(format!("its header belongs to `{}`", named.escape_debug()));
        }
        let edited = sha256(rest.as_bytes()) != digest;
        let body_at = text.len() - rest.len();
        let sha256 = sha256(text.as_bytes());
        Ok(Self { name: name.clone(), file, sha256, created, edited, body_at, text })
    }
}

/// Takes one line off, without its end; an editor may have changed the line ends.
fn line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (line, after) = rest.split_once('\n')?;
    *rest = after;
    Some(line.strip_suffix('\r').unwrap_or(line))
}
