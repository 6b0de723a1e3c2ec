//! What holds where a person says nothing, and values that several commands read.
//!
//! Invariant: nothing is made or opened here.

use std::path::PathBuf;
use std::time::Duration;

/// The folder of shard files, as given, else `./shards.d` if it is there, else the one of the user's configuration.
pub(super) fn shards_folder(given: Option<PathBuf>) -> PathBuf {
    given.unwrap_or_else(|| {
        let here = PathBuf::from("shards.d");
        let config = xdg("XDG_CONFIG_HOME", ".config").map(|config| config.join("mcp-gateway").join("shards.d"));
        config.filter(|config| !here.is_dir() && config.is_dir()).unwrap_or(here)
    })
}

/// The state folder, as given, else the user's; `None` without a home.
pub(super) fn state_folder(given: Option<PathBuf>) -> Option<PathBuf> {
    given.or_else(|| xdg("XDG_STATE_HOME", ".local/state").map(|state| state.join("mcp-gateway")))
}

/// A folder of the XDG base directories; a relative path in the variable does not count.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write for instance 4s or 1h30m"))
}
