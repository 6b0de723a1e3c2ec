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
    environment::Environment,
    file::{self, Grammar},
    name::ShardName,
    problem::{At, Problem, Report},
    spec::ShardSpec,
};

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
            let files = paths.iter().map(|path| read_file(path, environment));
            settle::settle(files.collect(), last)
        }
        Err(error) => {
            let mut report = Report::new(dir);
            let way_out = match error.kind() {
                io::ErrorKind::NotFound => "; make it, or name another with `--shards`",
                _ => "",
            };
            report.error(At::FILE, format!("cannot read the folder of shard files: {error}{way_out}"));
            Reading { specs: last.clone(), problems: report.finish(), broken: last.keys().cloned().collect() }
        }
    }
}

/// Reads these files as if they were all of a folder.
pub fn read_files(paths: &[PathBuf], environment: &dyn Environment) -> Reading {
    let files = paths.iter().map(|path| read_file(path, environment));
    settle::settle(files.collect(), &Specs::new())
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
        Ok(bytes) => file::decode(path, &bytes).map(|text| file::parse(path, text, environment)),
        Err(error) => {
            let mut report = Report::new(path);
            report.error(At::FILE, format!("cannot be read: {error}"));
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
        let name = entry?.file_name();
        let path = dir.join(&name);
        if !is_passing(&name.to_string_lossy()) && Grammar::of(&path).is_some() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Hidden files, and what editors leave beside a file for a while.
fn is_passing(name: &str) -> bool {
    name.starts_with(['.', '#']) || name.ends_with('~')
}

#[cfg(test)]
mod tests;
