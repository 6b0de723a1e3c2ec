//! Finds the program that a shard's `command` names.
//!
//! A message about a program that is not there says where was looked.

use std::path::{Path, PathBuf};

use super::{
    environment::{Environment, PathKind},
    problem::quote,
};

/// Finds `command`: a path as seen from `base`, or a name beside the gateway's binary or on `search`,
/// which has the form of PATH.
pub(super) fn find(command: &str, base: &Path, search: &str, environment: &dyn Environment) -> Result<PathBuf, String> {
    let name = quote(command);
    if command.is_empty() {
        return Err("is empty; write the name of a program".to_owned());
    }
    if command.starts_with('~') {
        return Err(format!("{name}: `~` is not filled in; write `${{HOME}}`"));
    }
    if command.contains('/') {
        let path = environment.absolute(&base.join(command));
        return at(&path, environment, command).map_err(|fault| format!("{name}: {fault}"));
    }
    let own = environment.own_directory();
    let places = own.iter().cloned().chain(std::env::split_paths(search));
    let mut candidates = places.filter(|place| place.is_absolute()).map(|place| place.join(command));
    if let Some(found) = candidates.find(|path| environment.kind(path) == PathKind::Program) {
        return Ok(found);
    }
    let own = own.unwrap_or_default();
    Err(format!(
        "{name} is neither beside the gateway's binary, in `{}`, nor on PATH, `{search}`{}",
        own.display(),
        way_out(command)
    ))
}

fn at(path: &Path, environment: &dyn Environment, command: &str) -> Result<PathBuf, String> {
    let shown = path.display();
    match environment.kind(path) {
        PathKind::Program => Ok(path.to_owned()),
        PathKind::Missing => Err(format!("there is no `{shown}`{}", way_out(command))),
        PathKind::Hidden => Err(format!("`{shown}` cannot be looked at; let this user into every folder on the way")),
        PathKind::Directory => Err(format!("`{shown}` is a directory; name a program")),
        PathKind::Plain => Err(format!("`{shown}` is not executable for this user; `chmod +x` makes it so")),
    }
}

/// The usual slip: the whole command line in one text.
fn way_out(command: &str) -> &'static str {
    if command.contains(char::is_whitespace) {
        "; put the arguments into `args`"
    } else {
        "; install it, or write another path"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fake::Fake;

    fn look(command: &str) -> Result<PathBuf, String> {
        let machine = Fake::default()
            .put("/bin/both", PathKind::Program)
            .put("/gateway/both", PathKind::Program)
            .put("/bin/npx", PathKind::Program)
            .put("/bin/notes", PathKind::Plain)
            .put("/usr/bin/notes", PathKind::Program)
            .put("/lab/shards.d/run.sh", PathKind::Program)
            .put("/lab/shards.d/text.sh", PathKind::Plain)
            .put("/lab/other", PathKind::Directory);
        find(command, Path::new("shards.d"), "relative:/bin:/usr/bin", &machine)
    }

    #[track_caller]
    fn check(command: &str, expected: &str) {
        assert_eq!(look(command), Ok(expected.into()));
    }

    #[track_caller]
    fn refuse(command: &str, expected: &str) {
        assert_eq!(look(command), Err(expected.to_owned()));
    }

    #[test]
    fn program_is_found_beside_the_gateway_then_on_path() {
        check("both", "/gateway/both");
        check("npx", "/bin/npx");
        check("notes", "/usr/bin/notes");
    }

    #[test]
    fn path_is_seen_from_the_file() {
        check("./run.sh", "/lab/shards.d/run.sh");
        check("/bin/npx", "/bin/npx");
    }

    #[test]
    fn missing_program_is_told_with_where_was_looked() {
        refuse(
            "npxx",
            "`npxx` is neither beside the gateway's binary, in `/gateway`, nor on PATH, \
             `relative:/bin:/usr/bin`; install it, or write another path",
        );
        refuse(
            "npx -y x",
            "`npx -y x` is neither beside the gateway's binary, in `/gateway`, nor on PATH, \
             `relative:/bin:/usr/bin`; put the arguments into `args`",
        );
        refuse("./none", "`./none`: there is no `/lab/shards.d/none`; install it, or write another path");
        refuse(
            "./text.sh",
            "`./text.sh`: `/lab/shards.d/text.sh` is not executable for this user; `chmod +x` makes it so",
        );
        refuse("/lab/other", "`/lab/other`: `/lab/other` is a directory; name a program");
        refuse("~/x", "`~/x`: `~` is not filled in; write `${HOME}`");
        refuse("", "is empty; write the name of a program");
    }
}
