//! The command line: what goes wrong, and when.
//!
//! Every flag has a default that makes a well-behaved shard; an unknown flag or value is an error.

use std::path::PathBuf;
use std::str::FromStr;

use crate::spoil::Spoil;

/// What stderr shows beside an error of the command line.
pub(crate) const USAGE: &str = "\
usage: fake_shard [--era legacy|modern|python|ts] [--name NAME] [--version V] [--instructions TEXT]
  [--on-discover normal|exit|close-stdout|silent|garbage] [--on-initialize normal|silent|exit|error]
  [--on-listen normal|error|silent|late]
  [--start-delay MS] [--discover-delay MS] [--journal FILE] [--ignore-eof] [--spoil nothing|values|order]
  [--tools N] [--tools-file FILE] [--resources-file FILE] [--templates-file FILE] [--prompts-file FILE]
  [--page-size K] [--repeat-cursor] [--ttl-ms N] [--cache-scope public|private] [--tasks] [--strict] [--capability MEMBER] [--last-words LINE]";

/// Which protocol revisions are spoken, and what the first request decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// `initialize` only.
    Legacy,
    /// `server/discover` and per-request `_meta` only.
    Modern,
    /// Both, and the first request decides for good, as the Python SDK does.
    Python,
    /// Both, until `initialize` pins the legacy era, as the TypeScript SDK does.
    Ts,
}

/// What `server/discover` meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDiscover {
    Normal,
    Exit,
    CloseStdout,
    Silent,
    Garbage,
}

/// What `initialize` meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnInitialize {
    Normal,
    Silent,
    Exit,
    Error,
}

/// What `subscriptions/listen` meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnListen {
    Normal,
    /// It is an unknown method.
    Error,
    /// Nothing is said, neither then nor later.
    Silent,
    /// It is acknowledged after a while.
    Late,
}

/// The parsed command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) era: Era,
    pub(crate) on_discover: OnDiscover,
    pub(crate) on_initialize: OnInitialize,
    pub(crate) on_listen: OnListen,
    /// Milliseconds before the first byte is read.
    pub(crate) start_delay: u64,
    /// Milliseconds before `server/discover` is answered; whatever else is asked is served meanwhile.
    pub(crate) discover_delay: u64,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) instructions: Option<String>,
    pub(crate) journal: Option<String>,
    pub(crate) ignore_eof: bool,
    pub(crate) spoil: Spoil,
    /// How many trivial tools `t0`, `t1`, … there are beside the real ones.
    pub(crate) tools: usize,
    pub(crate) tools_file: Option<PathBuf>,
    pub(crate) resources_file: Option<PathBuf>,
    pub(crate) templates_file: Option<PathBuf>,
    pub(crate) prompts_file: Option<PathBuf>,
    pub(crate) page_size: usize,
    pub(crate) repeat_cursor: bool,
    pub(crate) ttl_ms: u64,
    pub(crate) cache_scope: &'static str,
    /// Calls can ask for tasks.
    pub(crate) tasks: bool,
    /// What was not subscribed to cannot be unsubscribed from.
    pub(crate) strict: bool,
    /// Written when stdin has ended.
    pub(crate) last_words: Option<String>,
    /// A member of the capabilities beside the usual ones, JSON text.
    pub(crate) capability: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            era: Era::Legacy,
            on_discover: OnDiscover::Normal,
            on_initialize: OnInitialize::Normal,
            on_listen: OnListen::Normal,
            start_delay: 0,
            discover_delay: 0,
            name: "fake".into(),
            version: "1.0.0".into(),
            instructions: None,
            journal: None,
            ignore_eof: false,
            spoil: Spoil::Nothing,
            tools: 0,
            tools_file: None,
            resources_file: None,
            templates_file: None,
            prompts_file: None,
            page_size: usize::MAX,
            repeat_cursor: false,
            ttl_ms: 60_000,
            cache_scope: "public",
            tasks: false,
            strict: false,
            last_words: None,
            capability: None,
        }
    }
}

/// Reads the arguments, without the program's own name.
pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(flag) = args.next() {
        match flag.as_str() {
            "--ignore-eof" => options.ignore_eof = true,
            "--repeat-cursor" => options.repeat_cursor = true,
            "--tasks" => options.tasks = true,
            "--strict" => options.strict = true,
            _ => {
                let value = args.next().ok_or_else(|| format!("`{flag}` is unknown or lacks its value"))?;
                set(&mut options, &flag, value)?;
            }
        }
    }
    Ok(options)
}

fn set(options: &mut Options, flag: &str, value: String) -> Result<(), String> {
    match flag {
        "--era" => {
            let eras = [("legacy", Era::Legacy), ("modern", Era::Modern), ("python", Era::Python), ("ts", Era::Ts)];
            options.era = one_of(flag, &value, &eras)?;
        }
        "--on-discover" => {
            let normal = [("normal", OnDiscover::Normal), ("exit", OnDiscover::Exit), ("silent", OnDiscover::Silent)];
            let broken = [("close-stdout", OnDiscover::CloseStdout), ("garbage", OnDiscover::Garbage)];
            options.on_discover = one_of(flag, &value, &[&normal[..], &broken[..]].concat())?;
        }
        "--on-initialize" => {
            let normal = [("normal", OnInitialize::Normal), ("silent", OnInitialize::Silent)];
            let broken = [("exit", OnInitialize::Exit), ("error", OnInitialize::Error)];
            options.on_initialize = one_of(flag, &value, &[normal, broken].concat())?;
        }
        "--on-listen" => {
            let answered = [("normal", OnListen::Normal), ("error", OnListen::Error)];
            let unanswered = [("silent", OnListen::Silent), ("late", OnListen::Late)];
            options.on_listen = one_of(flag, &value, &[answered, unanswered].concat())?;
        }
        "--cache-scope" => {
            options.cache_scope = one_of(flag, &value, &[("public", "public"), ("private", "private")])?;
        }
        "--spoil" => {
            let kinds = [("nothing", Spoil::Nothing), ("values", Spoil::Values), ("order", Spoil::Order)];
            options.spoil = one_of(flag, &value, &kinds)?;
        }
        "--start-delay" => options.start_delay = number(flag, &value)?,
        "--discover-delay" => options.discover_delay = number(flag, &value)?,
        "--tools" => options.tools = number(flag, &value)?,
        "--page-size" => options.page_size = number::<usize>(flag, &value)?.max(1),
        "--ttl-ms" => options.ttl_ms = number(flag, &value)?,
        "--name" => options.name = value,
        "--capability" => options.capability = Some(value),
        "--last-words" => options.last_words = Some(value),
        "--version" => options.version = value,
        "--instructions" => options.instructions = Some(value),
        "--journal" => options.journal = Some(value),
        "--tools-file" => options.tools_file = Some(value.into()),
        "--resources-file" => options.resources_file = Some(value.into()),
        "--templates-file" => options.templates_file = Some(value.into()),
        "--prompts-file" => options.prompts_file = Some(value.into()),
        _ => return Err(format!("unknown flag `{flag}`")),
    }
    Ok(())
}

fn one_of<T: Copy>(flag: &str, value: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == value);
    found.map(|(_, choice)| *choice).ok_or_else(|| format!("`{value}` is no value of `{flag}`"))
}

fn number<T: FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{flag}` wants a number, not `{value}`"))
}
