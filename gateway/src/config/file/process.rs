//! The keys that make a process: `command`, `args`, `env` and `cwd`.
//!
//! Of a disabled shard nothing outside its file is asked, since what it needs may not be there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::config::{
    command,
    environment::{Environment, PathKind},
    expand::expand,
    fields::{Field, Fields, missing},
    name::ShardName,
    problem::{At, Report, quote},
    secret::{Mask, Secret, tells_a_secret},
    spec::{Instances, ProcessSpec, Protocol, command_key},
};

/// Whether `${}` is filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    In,
    /// The text stays as it is.
    Never,
}

/// What these keys say.
pub(super) struct Launch {
    /// With the protocol and the instances that are the default.
    pub(super) process: ProcessSpec,
    pub(super) mask: Mask,
}

/// Reads the keys of one shard.
pub(super) struct Reader<'a> {
    base: &'a Path,
    environment: &'a dyn Environment,
    fill: Fill,
    enabled: bool,
    secrets: Vec<String>,
    report: &'a mut Report,
}

impl<'a> Reader<'a> {
    /// For a shard that runs unless its file says otherwise.
    pub(super) fn new(file: &'a Path, environment: &'a dyn Environment, fill: Fill, report: &'a mut Report) -> Self {
        let base = file.parent().unwrap_or(Path::new(""));
        Self { base, environment, fill, enabled: true, secrets: Vec::new(), report }
    }

    /// For a shard that does not run.
    pub(super) fn disabled(self) -> Self {
        Self { enabled: false, fill: Fill::Never, ..self }
    }

    /// `at` is where `command` would have to be.
    pub(super) fn read(mut self, name: &ShardName, fields: &Fields<'_>, at: At) -> Option<Launch> {
        let command = fields.get("command");
        if command.is_none() && !fields.slipped("command") {
            missing(at, "command", "it names the program to run", self.report);
        }
        let written = command.as_ref().and_then(|field| field.text(self.report));
        let filled = command.as_ref().zip(written).and_then(|(field, text)| self.fill(field, text));
        let (written_args, args) = self.args(fields);
        let env = self.env(fields);
        let cwd = fields.get("cwd").and_then(|field| self.cwd(&field));

        let mask = Mask::new(self.secrets.iter().map(String::as_str));
        let program = command.zip(filled);
        let program = program.and_then(|(field, text)| self.program(&field, &text, &env, &mask));
        let written = written?;
        let process = ProcessSpec {
            command: written.to_owned(),
            program: program?,
            args,
            env,
            cwd,
            protocol: Protocol::Auto,
            instances: Instances::Shared,
            command_key: command_key(name, written, &written_args),
        };
        Some(Launch { process, mask })
    }

    /// The arguments as they were written, and as they are.
    fn args<'f>(&mut self, fields: &Fields<'f>) -> (Vec<&'f str>, Vec<Secret>) {
        let items = fields.get("args").map(|field| field.items(self.report));
        let mut both = (Vec::new(), Vec::new());
        for item in items.unwrap_or_default() {
            let Some(written) = item.as_written(self.report) else {
                continue;
            };
            both.0.push(written);
            both.1.extend(self.fill(&item, written).map(Secret::new));
        }
        both
    }

    fn env(&mut self, fields: &Fields<'_>) -> BTreeMap<String, Secret> {
        let pairs = fields.get("env").map(|field| field.pairs(self.report));
        let mut env = BTreeMap::new();
        for (key, value) in pairs.unwrap_or_default() {
            let variable = key.text.as_str();
            if variable.is_empty() || variable.contains(['=', '\0']) {
                let name = quote(variable);
                let fault = format!("`env`: {name} cannot name a variable: a name is not empty and has no `=`");
                self.report.error(key.at, fault);
            }
            let written = value.as_written(self.report);
            let Some(filled) = written.and_then(|text| self.fill(&value, text)) else {
                continue;
            };
            if tells_a_secret(variable) {
                self.secrets.push(filled.clone());
            }
            env.insert(variable.to_owned(), Secret::new(filled));
        }
        env
    }

    fn cwd(&mut self, field: &Field<'_>) -> Option<PathBuf> {
        let written = field.text(self.report)?;
        let filled = self.fill(field, written)?;
        if !self.enabled {
            return Some(filled.into());
        }
        let path = self.environment.absolute(&self.base.join(&filled));
        if self.environment.kind(&path) != PathKind::Directory {
            // As written, since what is filled in may be a secret.
            let written = quote(written);
            field.error(self.report, format!("{written} is not a directory; make it, or name another"));
        }
        Some(path)
    }

    fn program(
        &mut self,
        field: &Field<'_>,
        command: &str,
        env: &BTreeMap<String, Secret>,
        mask: &Mask,
    ) -> Option<PathBuf> {
        if !self.enabled {
            return Some(command.into());
        }
        let own = || self.environment.var("PATH").unwrap_or_default();
        let search = match env.get("PATH") {
            Some(named) => named.expose().to_owned(),
            None => own().to_string_lossy().into_owned(),
        };
        match command::find(command, self.base, &search, self.environment) {
            Ok(program) => Some(program),
            Err(fault) => {
                field.error(self.report, mask.apply(&fault));
                None
            }
        }
    }

    fn fill(&mut self, field: &Field<'_>, written: &str) -> Option<String> {
        if self.fill == Fill::Never {
            return Some(written.to_owned());
        }
        match expand(written, self.base, self.environment) {
            Ok(expanded) => {
                for doubt in expanded.doubts {
                    let name = quote(&field.name);
                    self.report.warning(field.node.at, format!("{name}: {doubt}"));
                }
                self.secrets.extend(expanded.secrets);
                Some(expanded.text)
            }
            Err(faults) => {
                for fault in faults {
                    field.error(self.report, fault);
                }
                None
            }
        }
    }
}
