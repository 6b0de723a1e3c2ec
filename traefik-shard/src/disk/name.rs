//! What a managed file is about: the name of a route, or the probe.
//!
//! A name is parsed once, here; whatever holds a [`Name`] may make a file name of it without looking again.

use std::fmt;

use crate::failure::{Code, Failure};

/// The longest name, which is that of a DNS label.
const LONGEST: usize = 63;
/// No route can be called so, because the underscore is not in a route's alphabet.
const PROBE: &str = "_probe";

/// Lower-case letters, digits and inner hyphens, 63 at most; or the probe's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// The name of a route: `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let shaped = (1..=LONGEST).contains(&text.len()) && text.bytes().all(inside);
        if shaped && !text.starts_with('-') && !text.ends_with('-') {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(LONGEST + 1).collect();
        Err(Failure::new(
            Code::InvalidInput,
            format!("`{}` cannot be the name of a route", shown.escape_debug()),
            "use 1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit",
        ))
    }

    /// What the probe's file is called by.
    pub(crate) fn probe() -> Self {
        Self(PROBE.to_owned())
    }

    /// The name as it stands in file names, without prefix and extension.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A route's name or the probe's: what the files of our making are called by.
    pub(super) fn of_ours(text: &str) -> Option<Self> {
        if text == PROBE { Some(Self::probe()) } else { Self::parse(text).ok() }
    }

    /// Whether this is the probe and no route.
    pub(super) fn is_probe(&self) -> bool {
        self.0 == PROBE
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
