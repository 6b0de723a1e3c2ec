//! The command line: what a person types, as settings.
//!
//! Invariant: every flag can also be a variable, every default stands in `--help`, and nothing is carried out here.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::ps::{Form, PsOptions};
use crate::app::{Door, HttpOptions, Settings, threads};
use crate::config::watch::WatchMode;
use crate::door::stdio::StdioSettings;

/// Many stdio MCP servers, seen as one.
#[derive(Debug, Parser)]
#[command(name = "mcp-gateway", version, about, long_about = LONG, after_help = AFTER)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const LONG: &str = "\
Runs every MCP server that has a file in the shards folder as a child process and offers all of them at one address.\n\
Add a server by dropping a YAML file into the folder; the gateway follows it while it runs.";

const AFTER: &str = "\
Examples:
  mcp-gateway                                   serve ./shards.d on http://127.0.0.1:9100/mcp
  mcp-gateway serve --listen 0.0.0.0:9100       for other machines too
  mcp-gateway stdio --shards ~/shards.d         for clients that start their servers, like Claude Desktop
  mcp-gateway ps                                every process that gateways own, by shard

A shard file needs one line:
  command: mcp-server-time";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clients over HTTP (the default).
    Serve(Serve),
    /// Serve the one client that started this process, over stdin and stdout.
    Stdio(Stdio),
    /// Show every process that running gateways own, by shard.
    Ps(Ps),
}

#[derive(Debug, Args)]
struct Ps {
    /// The state folder of the gateways to look for [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Stdio {
    #[command(flatten)]
    fleet: FleetFlags,
    #[command(flatten)]
    requests: RequestFlags,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    fleet: FleetFlags,
    /// Where to listen: an address or host name, and a port; port 0 takes a free one.
    #[arg(long, env = "MCP_GATEWAY_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:9100")]
    listen: String,
    /// Another host name that clients may use for this gateway.
    #[arg(long, env = "MCP_GATEWAY_ALLOW_HOST", value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// A web page's origin that may call from a browser, such as `https://chat.example.org`.
    #[arg(long, env = "MCP_GATEWAY_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<String>,
    /// The address under which clients know this gateway, if a proxy stands before it.
    #[arg(long, env = "MCP_GATEWAY_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    requests: RequestFlags,
    /// The most bytes of all request bodies that are being read.
    #[arg(long, env = "MCP_GATEWAY_MAX_BODY_MEMORY", value_name = "BYTES", default_value_t = 256 << 20)]
    max_body_memory: usize,
    /// The most open GET streams.
    #[arg(long, env = "MCP_GATEWAY_MAX_STREAMS", value_name = "COUNT", default_value_t = 1024)]
    max_streams: usize,
    /// The most connections.
    #[arg(long, env = "MCP_GATEWAY_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 4096)]
    max_connections: usize,
    /// How long a session of the `initialize` era lasts.
    #[arg(long, env = "MCP_GATEWAY_SESSION_TTL", value_name = "TIME", default_value = "24h", value_parser = duration)]
    session_ttl: Duration,
}

#[derive(Debug, Args)]
struct RequestFlags {
    /// The most bytes of one request.
    #[arg(long, env = "MCP_GATEWAY_MAX_BODY", value_name = "BYTES", default_value_t = 16 << 20)]
    max_body: usize,
    /// The most requests under way, waiting calls included.
    #[arg(long, env = "MCP_GATEWAY_MAX_REQUESTS", value_name = "COUNT", default_value_t = 1024)]
    max_requests: usize,
}

#[derive(Debug, Args)]
struct FleetFlags {
    /// The folder of shard files [default: ./shards.d if it is there, else ~/.config/mcp-gateway/shards.d].
    #[arg(long, env = "MCP_GATEWAY_SHARDS", value_name = "DIR")]
    shards: Option<PathBuf>,
    /// Where the gateway remembers what shards offer, signs sessions and notes its child processes
    /// [default: ~/.local/state/mcp-gateway].
    #[arg(long, env = "MCP_GATEWAY_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// How the folder is followed; `poll` is for network file systems.
    #[arg(long, env = "MCP_GATEWAY_WATCH", value_name = "HOW", default_value = "auto")]
    watch: Watch,
    /// The most bytes that all results together take in memory.
    #[arg(long, env = "MCP_GATEWAY_RESULT_MEMORY", value_name = "BYTES", default_value_t = 256 << 20)]
    result_memory: usize,
    /// How long the gateway takes to stop at most.
    #[arg(long, env = "MCP_GATEWAY_STOP_GRACE", value_name = "TIME", default_value = "4s", value_parser = duration)]
    stop_grace: Duration,
    /// How many threads carry messages [default: half of the processors, at least 1].
    #[arg(long, env = "MCP_GATEWAY_WORKERS", value_name = "COUNT")]
    workers: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Watch {
    /// By the kernel's notices, or by polling where there are none.
    Auto,
    /// By looking every two seconds.
    Poll,
    /// Not at all: files are read once, at the start.
    Off,
}

/// What a person has asked for.
#[derive(Debug)]
pub enum Wish {
    /// To run a gateway.
    Serve(Box<Settings>),
    /// To see what gateways run.
    Ps(PsOptions),
}

/// Reads the command line and the variables.
///
/// # Errors
/// What clap says: a fault to be shown, or a text that was asked for, such as `--help`.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Wish, clap::Error> {
    let line = CommandLine::try_parse_from(words)?;
    let settings = match line.command {
        None => serve(line.serve),
        Some(Command::Serve(arguments)) => serve(arguments),
        Some(Command::Stdio(Stdio { fleet, requests })) => {
            let (message, requests) = (requests.max_body, requests.max_requests);
            settings(fleet, Door::Stdio(StdioSettings { message, requests, ..StdioSettings::default() }))
        }
        Some(Command::Ps(Ps { state_dir, json })) => {
            let state_dir = state_dir.or_else(default_state_dir);
            return Ok(Wish::Ps(PsOptions { state_dir, form: if json { Form::Json } else { Form::Table } }));
        }
    };
    Ok(Wish::Serve(Box::new(settings)))
}

fn serve(arguments: Serve) -> Settings {
    let options = HttpOptions {
        listen: arguments.listen,
        allow_hosts: arguments.allow_host,
        allow_origins: arguments.allow_origin,
        public_url: arguments.public_url,
        max_body: arguments.requests.max_body,
        max_body_memory: arguments.max_body_memory,
        max_requests: arguments.requests.max_requests,
        max_streams: arguments.max_streams,
        max_connections: arguments.max_connections,
        session_ttl: arguments.session_ttl,
    };
    settings(arguments.fleet, Door::Http(options))
}

fn settings(fleet: FleetFlags, door: Door) -> Settings {
    let watch = match fleet.watch {
        Watch::Auto => WatchMode::Auto,
        Watch::Poll => WatchMode::Poll,
        Watch::Off => WatchMode::Off,
    };
    Settings {
        shards: fleet.shards.unwrap_or_else(default_shards),
        state_dir: fleet.state_dir.or_else(default_state_dir),
        watch,
        result_memory: fleet.result_memory,
        stop_grace: fleet.stop_grace,
        workers: fleet.workers.map_or_else(threads::half, NonZeroUsize::get),
        door,
    }
}

fn default_shards() -> PathBuf {
    let here = PathBuf::from("shards.d");
    let config = xdg("XDG_CONFIG_HOME", ".config").map(|config| config.join("mcp-gateway").join("shards.d"));
    config.filter(|config| !here.is_dir() && config.is_dir()).unwrap_or(here)
}

fn default_state_dir() -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state").map(|state| state.join("mcp-gateway"))
}

/// A folder of the XDG base directories; a relative path in the variable does not count.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write for instance 4s or 1h30m"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    fn served(line: &str) -> Settings {
        match parse(words(line)).unwrap() {
            Wish::Serve(settings) => *settings,
            Wish::Ps(options) => panic!("{options:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn serve_is_what_happens_without_a_command() {
        for line in ["mcp-gateway --listen 127.0.0.1:0 --shards a", "mcp-gateway serve --shards a --listen 127.0.0.1:0"]
        {
            let settings = served(line);
            assert_eq!(settings.shards, PathBuf::from("a"));
            assert!(
                matches!(settings.door, Door::Http(HttpOptions { listen, .. }) if listen == "127.0.0.1:0"),
                "{line}"
            );
        }
        let stdio = served("mcp-gateway stdio --shards a --max-body 1000");
        assert!(matches!(stdio.door, Door::Stdio(StdioSettings { message: 1000, .. })));
    }

    #[test]
    fn ps_asks_about_a_state_folder_and_starts_nothing() {
        let check = |line: &str, expected: PsOptions| {
            assert!(matches!(parse(words(line)).unwrap(), Wish::Ps(options) if options == expected), "{line}");
        };
        let state_dir = Some(PathBuf::from("s"));
        check("mcp-gateway ps --state-dir s", PsOptions { state_dir: state_dir.clone(), form: Form::Table });
        check("mcp-gateway ps --json --state-dir s", PsOptions { state_dir, form: Form::Json });
        assert!(parse(words("mcp-gateway ps --shards a")).is_err());
    }

    #[test]
    fn a_slip_is_told_with_the_way_out() {
        let told = |line: &str| parse(words(line)).unwrap_err().to_string();
        assert!(
            told("mcp-gateway --stop-grace 4").contains("write for instance 4s"),
            "{}",
            told("mcp-gateway --stop-grace 4")
        );
        assert!(told("mcp-gateway serv").contains("'serve'"), "{}", told("mcp-gateway serv"));
        assert!(told("mcp-gateway --shard a").contains("--shards"));
    }
}
