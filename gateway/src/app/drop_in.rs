//! Puts a new shard file into the folder.
//!
//! Invariant: a file that is there is never touched, and a gateway that follows the folder never sees half of one.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::draft::Draft;
use crate::config::{Host, Problem, Severity, ShardName, dir, file, schema};

/// Whether a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It is.
    Real,
    /// It is only shown.
    Dry,
}

/// The names that are taken in a folder, each with the file that has it.
pub(super) struct Folder {
    path: PathBuf,
    taken: BTreeMap<ShardName, PathBuf>,
}

impl Folder {
    /// Reads which shards there are. A folder that is missing has none.
    pub(super) fn read(path: &Path) -> Self {
        if !path.is_dir() {
            return Self { path: path.to_owned(), taken: BTreeMap::new() };
        }
        let reading = dir::read(path, &Host, &dir::Specs::new());
        let broken = reading.broken.into_iter().map(|name| (name, path.to_owned()));
        let known = reading.specs.into_iter().map(|(name, spec)| (name, spec.source.clone()));
        Self { path: path.to_owned(), taken: broken.chain(known).collect() }
    }

    /// The file of a shard that is not there yet, or the place that has its name already.
    pub(super) fn place(&self, name: &ShardName) -> Result<PathBuf, PathBuf> {
        let file = |ending: &str| self.path.join(format!("{}.{ending}", name.as_str()));
        // A file with an error at its head tells no name, and would still be this shard's.
        let beside = ["yaml", "yml", "json"].map(file).into_iter().find(|path| path.symlink_metadata().is_ok());
        match beside.or_else(|| self.taken.get(name).cloned()) {
            Some(taken) => Err(taken),
            None => Ok(file("yaml")),
        }
    }

    /// Notes that `name` has been given away.
    pub(super) fn take(&mut self, name: &ShardName, file: &Path) {
        self.taken.insert(name.clone(), file.to_owned());
    }
}

/// The text of a new file; editors that find the schema in its folder are pointed to it.
pub(super) fn text(file: &Path, name: &ShardName, draft: &Draft, writer: &str) -> String {
    let text = draft.yaml(name, writer);
    if file.with_file_name(schema::FILE_NAME).is_file() { format!("{}\n{text}", schema::MODELINE) } else { text }
}

/// What the gateway will say of the text, in the order of the file.
pub(super) fn problems(file: &Path, text: &str) -> Vec<Problem> {
    file::parse(file, text, &Host).1
}

/// True if the shard would not run.
pub(super) fn is_refused(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

/// Writes the whole file or none. One that holds a secret can be read by its owner only.
///
/// # Errors
/// There is such a file already, or the folder cannot be written to.
pub(super) fn write(file: &Path, text: &str, draft: &Draft) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let told = || format!("cannot write `{}`", file.display());
    fs::create_dir_all(folder).with_context(told)?;
    let mode = if draft.secrets().is_empty() { 0o644 } else { 0o600 };
    // The folder's reader passes over hidden files.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-").permissions(Permissions::from_mode(mode));
    let mut new = builder.tempfile_in(folder).with_context(told)?;
    new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all()).with_context(told)?;
    new.persist_noclobber(file).map_err(|error| error.error).with_context(told)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    fn with(variable: &str) -> Draft {
        let env = [(variable.to_owned(), "value".to_owned())].into();
        Draft { command: "/bin/true".into(), env, ..Draft::default() }
    }

    #[test]
    fn what_is_there_is_never_touched_and_no_rest_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yaml");
        write(&file, "first", &with("HOST")).unwrap();
        let error = write(&file, "second", &with("HOST")).unwrap_err();
        assert!(format!("{error:#}").contains("a.yaml`: File exists"), "{error:#}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_with_a_secret_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (open, closed) = (dir.path().join("open.yaml"), dir.path().join("closed.yaml"));
        write(&open, "x", &with("HOST")).unwrap();
        write(&closed, "x", &with("API_TOKEN")).unwrap();
        assert_eq!(mode(&closed), 0o600);
        assert_eq!(mode(&open) & 0o400, 0o400);
        assert!(mode(&open) == 0o644 || mode(&open) == 0o600, "the umask decides: {:o}", mode(&open));
    }

    #[test]
    fn an_editor_is_pointed_to_the_schema_where_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let name = ShardName::parse("a").unwrap();
        let text = || text(&dir.path().join("a.yaml"), &name, &with("HOST"), "w");
        assert!(text().starts_with("# Written by `w`."));
        fs::write(dir.path().join(".schema.json"), "{}").unwrap();
        assert!(text().starts_with("# yaml-language-server: $schema=.schema.json\n# Written by `w`."));
    }

    #[test]
    fn a_name_is_taken_by_any_file_that_could_describe_the_shard() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("one.yml"), "command: [broken").unwrap();
        fs::write(dir.path().join("many.json"), r#"{"mcpServers": {"two": {"command": "/bin/true"}}}"#).unwrap();
        let mut folder = Folder::read(dir.path());
        let mut place = |name: &str| {
            let name = ShardName::parse(name).unwrap();
            let place = folder.place(&name);
            folder.take(&name, Path::new("earlier"));
            place
        };
        assert_eq!(place("one"), Err(dir.path().join("one.yml")));
        assert_eq!(place("two"), Err(dir.path().join("many.json")));
        assert_eq!(place("three"), Ok(dir.path().join("three.yaml")));
        assert_eq!(place("three"), Err("earlier".into()));
    }
}
