//! Which files Traefik loads from a directory, and in which order.
//!
//! Nothing is opened that could block: only regular files, and never more than the bounds.

use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::path::Path;

use crate::document::Format;
use crate::finding::{Finding, Severity};

const MAX_DEPTH: usize = 32;
const MAX_ENTRIES: usize = 20_000;
const MAX_FILES: usize = 2_000;
/// Of one file.
const MAX_BYTES: u64 = 4 << 20;
/// Of all files together.
const MAX_TOTAL: u64 = 64 << 20;

/// A file that Traefik loads.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) format: Format,
    pub(super) bytes: Vec<u8>,
}

/// All of them in Traefik's order, and what stopped us or stops Traefik.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) files: Vec<Found>,
    pub(super) findings: Vec<Finding>,
    entries: usize,
    total: u64,
}

/// Walks the directory; fails only where the root itself cannot be read.
pub(super) fn walk(root: &Path) -> io::Result<Walked> {
    let mut walked = Walked::default();
    walked.directory(root, "", 0)?;
    Ok(walked)
}

impl Walked {
    fn directory(&mut self, directory: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory)? {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                self.once(
                    "too_many_files",
                    prefix,
                    format!("there are more than {MAX_ENTRIES} entries; the rest is not checked"),
                );
                break;
            }
            entries.push(entry?);
        }
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            self.entry(&entry, prefix, depth);
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, prefix: &str, depth: usize) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}/{name}") };
        // The type of a link is that of the link: Traefik does not go into linked directories.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth >= MAX_DEPTH {
                return self.doubt("too_deep", &path, format!("below {MAX_DEPTH} levels nothing is checked"));
            }
            if let Err(error) = self.directory(&entry.path(), &path, depth + 1) {
                self.doubt(
                    "not_readable",
                    &path,
                    format!("this directory cannot be read ({error}), by Traefik perhaps neither"),
                );
            }
            return;
        }
        if let Some(format) = super::format_of(&name) {
            self.file(&entry.path(), path, format);
        }
    }

    fn file(&mut self, place: &Path, path: String, format: Format) {
        if self.files.len() >= MAX_FILES || self.total >= MAX_TOTAL {
            let limit =
                format!("there are more than {MAX_FILES} files or {} MiB; the rest is not checked", MAX_TOTAL >> 20);
            return self.once("too_many_files", &path, limit);
        }
        match read(place) {
            Ok(Some(bytes)) if bytes.len() as u64 > MAX_BYTES => {
                let limit = format!("this file is larger than {} MiB and was not checked", MAX_BYTES >> 20);
                self.doubt("too_large", &path, limit);
            }
            Ok(Some(bytes)) => {
                self.total += bytes.len() as u64;
                self.files.push(Found { path, format, bytes });
            }
            Ok(None) => {
                let message = "this is no regular file and no folder, so Traefik stops loading at it; remove it";
                self.stop("not_a_file", &path, message.into());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && place.is_symlink() => {
                let message = "this link leads nowhere, and Traefik stops loading at it; remove it";
                self.stop("dangling_link", &path, message.into());
            }
            // Deleted since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                self.doubt(
                    "not_readable",
                    &path,
                    format!("this file cannot be read ({error}), by Traefik perhaps neither"),
                );
            }
        }
    }

    fn stop(&mut self, code: &str, path: &str, message: String) {
        self.findings.push(Finding::new(Severity::Error, code, message).in_file(path));
    }

    /// What was not read may be in order: only Traefik can tell.
    fn doubt(&mut self, code: &str, path: &str, message: String) {
        self.findings.push(Finding::new(Severity::Warning, code, message).in_file(path));
    }

    fn once(&mut self, code: &str, path: &str, message: String) {
        if !self.findings.iter().any(|finding| finding.code == code) {
            self.doubt(code, path, message);
        }
    }
}

/// At most one byte more than the bound; `None` for what is no regular file.
pub(crate) fn read(place: &Path) -> io::Result<Option<Vec<u8>>> {
    if !fs::metadata(place)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(place)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
