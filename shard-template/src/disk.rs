//! How full a file system is.
//!
//! The figures are the kernel's own, as `df` shows them; nothing is walked or opened.

use std::io;
use std::path::Path;

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

/// What one file system holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiskUsage {
    /// The path that was asked about.
    path: String,
    total_bytes: u64,
    used_bytes: u64,
    /// What an ordinary user may still write.
    available_bytes: u64,
    /// Used, of what is used or available; 0 for a file system without blocks, such as /proc.
    used_percent: f64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("`{0}` is not an absolute path; start it with `/`")]
    Relative(String),
    #[error("cannot look at `{path}`: {source}; give the path of something that exists where the shard runs")]
    Unreadable { path: String, source: io::Error },
}

/// Measures the file system that holds `path`. Blocks for as long as the file system does.
pub(crate) fn usage(path: &str) -> Result<DiskUsage, Problem> {
    if !Path::new(path).is_absolute() {
        return Err(Problem::Relative(path.into()));
    }
    let stat =
        rustix::fs::statvfs(path).map_err(|error| Problem::Unreadable { path: path.into(), source: error.into() })?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    Ok(DiskUsage {
        path: path.into(),
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        used_bytes: used.saturating_mul(stat.f_frsize),
        available_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        used_percent: percent(used, stat.f_bavail),
    })
}

/// One decimal.
fn percent(used: u64, available: u64) -> f64 {
    match used.saturating_add(available) {
        0 => 0.0,
        all => (1000.0 * used as f64 / all as f64).round() / 10.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_has_one_decimal_and_survives_an_empty_file_system() {
        assert_eq!(percent(1, 2), 33.3);
        assert_eq!(percent(5, 0), 100.0);
        assert_eq!(percent(0, 0), 0.0);
    }

    #[test]
    fn parts_of_the_root_file_system_are_no_larger_than_the_whole() {
        let root = usage("/").unwrap();
        assert!(root.total_bytes > 0);
        assert!(root.used_bytes + root.available_bytes <= root.total_bytes);
    }
}
