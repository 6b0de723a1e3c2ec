//! Facts about the machine that the shard runs on.
//!
//! They are read anew each time, and never fail: what is unknown is left out.

use std::thread;

use serde::Serialize;

/// What the resource `host://info` shows.
#[derive(Serialize)]
pub(crate) struct HostInfo {
    hostname: String,
    /// Kernel name and release.
    system: String,
    architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    processors: Option<usize>,
}

/// Reads the facts.
pub(crate) fn info() -> HostInfo {
    let uname = rustix::system::uname();
    let (kernel, release) = (uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    HostInfo {
        hostname: uname.nodename().to_string_lossy().into_owned(),
        system: format!("{kernel} {release}"),
        architecture: uname.machine().to_string_lossy().into_owned(),
        processors: thread::available_parallelism().ok().map(usize::from),
    }
}
