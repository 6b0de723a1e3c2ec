//! Reads a folder of shard files into what is to run.
//!
//! A file that is broken changes nothing: the shards that it described go on with their last good specs.

mod settle;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    environment::{Environment, explain},
    file::{self, Grammar},
    name::ShardName,
    problem::{At, Problem, Report},
    spec::ShardSpec,
};

/// More shard files than this in one folder are not read.
const MOST_FILES: usize = 1000;

/// The shards that are to run, or are known and disabled. No two of them that are enabled have one prefix.
pub type Specs = BTreeMap<ShardName, Arc<ShardSpec>>;

/// The outcome of reading a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What holds from now on: what was read well, and the last good specs of what was not.
    pub specs: Specs,
    /// Everything that is wrong, file by file.
    pub problems: Vec<Problem>,
    /// The shards whose files are at fault, whether they go on with an old spec or not.
    pub broken: BTreeSet<ShardName>,
}

/// Reads all shard files that lie directly in `dir`. `last` is what held until now; at the start it
/// is empty. If the folder itself cannot be read, all of `last` goes on.
pub fn read(dir: &Path, environment: &dyn Environment, last: &Specs) -> Reading {
    match shard_files(dir) {
        Ok(paths) => {
            let files = paths.iter().take(MOST_FILES).map(|path| read_file(path, environment));
            let mut reading = settle::settle(files.collect(), last);
            if paths.len() > MOST_FILES {
                let mut report = Report::new(dir);
                let count = paths.len();
                let fault =
                    format!("{count} shard files, and {MOST_FILES} are read, by name; move some to another folder");
                report.error(At::FILE, fault);
                reading.problems.extend(report.finish());
            }
            reading
        }
        Err(error) => {
            let mut report = Report::new(dir);
            let fault = match error.kind() {
                io::ErrorKind::NotFound => "it is not there; make it, or name another with `--shards`",
                io::ErrorKind::NotADirectory => "it is a file; name the folder that holds it with `--shards`",
                io::ErrorKind::PermissionDenied => "this user may not list it; change its owner or mode",
                _ => &format!("{error}; name another with `--shards`"),
            };
            report.error(At::FILE, format!("cannot read the folder of shard files: {fault}"));
            Reading { specs: last.clone(), problems: report.finish(), broken: last.keys().cloned().collect() }
        }
    }
}

/// Reads `files`: those that lie in `dir` among all others there, which may hold their names and prefixes; the rest as a folder
/// of their own. Only what these files say, and what is wrong with them, is told.
pub fn read_files(dir: &Path, files: &[PathBuf], environment: &dyn Environment) -> Reading {
    let (inside, outside): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|file| is_among(dir, file));
    let alone = outside.into_iter().map(|path| read_file(path, environment));
    let mut reading = settle::settle(alone.collect(), &Specs::new());
    if !inside.is_empty() {
        let asked: BTreeSet<PathBuf> =
            inside.iter().filter_map(|file| file.file_name()).map(|name| dir.join(name)).collect();
        let all = read(dir, environment, &Specs::new());
        reading.specs.extend(all.specs.into_iter().filter(|(_, spec)| asked.contains(&spec.source)));
        reading.problems.extend(all.problems.into_iter().filter(|problem| asked.contains(&problem.file)));
        reading.problems.sort();
    }
    reading
}

/// True if reading `dir` reads `file`.
fn is_among(dir: &Path, file: &Path) -> bool {
    let Some(name) = file.file_name() else { return false };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let same = fs::canonicalize(parent).is_ok_and(|parent| fs::canonicalize(dir).is_ok_and(|dir| dir == parent));
    same && describes_a_shard(&dir.join(name)) && fs::symlink_metadata(file).is_ok()
}

/// One file, read and checked.
struct ReadFile {
    path: PathBuf,
    /// `None`: it is not known which shards the file describes.
    entries: Option<Vec<file::Entry>>,
    problems: Vec<Problem>,
}

fn read_file(path: &Path, environment: &dyn Environment) -> ReadFile {
    let read = match environment.read(path) {
        _ if Grammar::of(path).is_none() => {
            let mut report = Report::new(path);
            report.error(At::FILE, "its name ends in neither `.yaml`, `.yml` nor `.json`; rename it");
            Err(report.finish())
        }
        Ok(bytes) => file::decode(path, &bytes).map(|text| file::parse(path, text, environment)),
        Err(error) => {
            let mut report = Report::new(path);
            report.error(At::FILE, format!("cannot be read: {}", explain(&error)));
            Err(report.finish())
        }
    };
    let (entries, problems) = match read {
        Ok((entries, problems)) if entries.is_empty() && !problems.is_empty() => (None, problems),
        Ok((entries, problems)) => (Some(entries), problems),
        Err(problems) => (None, problems),
    };
    ReadFile { path: path.to_owned(), entries, problems }
}

/// The shard files in `dir`, sorted by name.
fn shard_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = dir.join(entry?.file_name());
        if describes_a_shard(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn describes_a_shard(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    !is_passing(&name.to_string_lossy()) && Grammar::of(path).is_some()
}

/// Hidden files, and what editors leave beside a file for a while.
fn is_passing(name: &str) -> bool {
    name.starts_with(['.', '#']) || name.ends_with('~')
}

#[cfg(test)]
mod tests;
