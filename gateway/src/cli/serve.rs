//! `serve`, `stdio` and the flags of everything that runs shards.
//!
//! Invariant: a default that depends on the machine is worked out here, and told in `--help`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::defaults::{duration, shards_folder, state_folder};
use super::peer::whereabouts;
use crate::app::connect::ConnectOptions;
use crate::app::peer::Address;
use crate::app::{Door, HttpOptions, PRIVATE_CHILDREN, Settings, Wish, threads};
use crate::config::watch::WatchMode;
use crate::door::stdio::StdioSettings;
use crate::mux::ParkLimits;

const AFTER_SERVE: &str = "\
Examples:
  mcp-gateway serve                             ./shards.d on http://127.0.0.1:9100/mcp
  mcp-gateway serve --listen 0.0.0.0:9100       for other machines too
  mcp-gateway serve --listen 0.0.0.0:9100 --allow-host mcp.example.org --public-url https://mcp.example.org
                                                behind a proxy

The log goes to stderr; MCP_GATEWAY_LOG says how much of it: error, warn, info (the default), debug or trace.
Exit codes: 0 a signal has stopped it; 1 it could not start; 2 the command line is wrong.";

const AFTER_STDIO: &str = "\
For clients that start their servers; `mcp-gateway client NAME` prints what they need. With --connect nothing is started:
the client is carried to a gateway that runs, which may be stopped and started again meanwhile. The flags about shards then
mean nothing.

Examples:
  mcp-gateway stdio --shards ~/shards.d         shards of this client's own
  mcp-gateway stdio --connect                   the gateway that runs here, with all its clients
  mcp-gateway stdio --connect http://nas:9100/mcp/git
                                                what clients of that address see
  npx @modelcontextprotocol/inspector mcp-gateway stdio --shards ~/shards.d

The log goes to stderr; MCP_GATEWAY_LOG says how much of it: error, warn, info (the default), debug or trace.
Exit codes: 0 the client has closed stdin, or a signal has stopped it; 1 it could not start; 2 the command line is wrong.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_STDIO)]
pub(super) struct Stdio {
    /// Start nothing: join the gateway at this address, or without one that of MCP_GATEWAY_URL, else the one that runs here, else
    /// http://127.0.0.1:9100.
    #[arg(long, env = "MCP_GATEWAY_CONNECT", value_name = "URL", num_args = 0..=1, value_parser = Address::read)]
    connect: Option<Option<Address>>,
    #[command(flatten)]
    fleet: FleetFlags,
    #[command(flatten)]
    requests: RequestFlags,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_SERVE)]
pub(super) struct Serve {
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
    /// The most bytes of events that wait for clients whose connections broke, or may be asked for again by them; of one
    /// session 1 MiB, for a minute after a stream's end.
    #[arg(long, env = "MCP_GATEWAY_MAX_REPLAY_MEMORY", value_name = "BYTES", default_value_t = 64 << 20)]
    max_replay_memory: usize,
    /// The most connections.
    #[arg(long, env = "MCP_GATEWAY_MAX_CONNECTIONS", value_name = "COUNT", default_value_t = 4096)]
    max_connections: usize,
    /// How long a session of the `initialize` era lasts.
    #[arg(long, env = "MCP_GATEWAY_SESSION_TTL", value_name = "TIME", default_value = "24h", value_parser = duration)]
    session_ttl: Duration,
}

#[derive(Debug, Args)]
pub(super) struct RequestFlags {
    /// The most bytes of one request.
    #[arg(long, env = "MCP_GATEWAY_MAX_BODY", value_name = "BYTES", default_value_t = 16 << 20)]
    max_body: usize,
    /// The most requests under way, waiting calls included.
    #[arg(long, env = "MCP_GATEWAY_MAX_REQUESTS", value_name = "COUNT", default_value_t = 1024)]
    max_requests: usize,
}

#[derive(Debug, Args)]
pub(super) struct FleetFlags {
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
    /// The most child processes of single sessions, of all shards with `instances: per_session` together.
    #[arg(long, env = "MCP_GATEWAY_MAX_PRIVATE_CHILDREN", value_name = "COUNT", default_value_t = PRIVATE_CHILDREN)]
    max_private_children: usize,
    /// The most calls of clients that speak 2026-07-28 which wait for answers to what a shard of an earlier revision asks; a
    /// quarter of them of one connection, or of all clients over HTTP together.
    #[arg(long, env = "MCP_GATEWAY_MAX_PARKED", value_name = "COUNT", default_value_t = ParkLimits::default().calls)]
    max_parked: usize,
    /// How long each of them waits; then the shard hears that nobody can be asked.
    #[arg(long, env = "MCP_GATEWAY_PARKED_TTL", value_name = "TIME", default_value = "5m", value_parser = duration)]
    parked_ttl: Duration,
    /// How long the gateway takes to stop at most.
    #[arg(long, env = "MCP_GATEWAY_STOP_GRACE", value_name = "TIME", default_value = "4s", value_parser = duration)]
    stop_grace: Duration,
    /// How many threads carry messages [default: half of the processors, at least 1].
    #[arg(long, env = "MCP_GATEWAY_WORKERS", value_name = "COUNT")]
    workers: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Watch {
    /// By the kernel's notices, or by polling where there are none.
    Auto,
    /// By looking every two seconds.
    Poll,
    /// Not at all: files are read once, at the start.
    Off,
}

impl Stdio {
    /// # Errors
    /// What is wrong with the variable that says where the gateway is.
    pub(super) fn wish(self) -> Result<Wish, String> {
        let (message, requests) = (self.requests.max_body, self.requests.max_requests);
        let stdio = StdioSettings { message, requests, ..StdioSettings::default() };
        let Some(url) = self.connect else {
            return Ok(Wish::Serve(Box::new(self.fleet.settings(Door::Stdio(stdio)))));
        };
        let read = |text: String| Address::read(&text).map_err(|why| format!("MCP_GATEWAY_URL: {why}"));
        let url = match url {
            None => std::env::var("MCP_GATEWAY_URL").ok().map(read).transpose()?,
            given => given,
        };
        let whereabouts = whereabouts(url, self.fleet.state_dir);
        Ok(Wish::Connect(Box::new(ConnectOptions { whereabouts, stdio })))
    }
}

impl Serve {
    pub(super) fn settings(self) -> Settings {
        let options = HttpOptions {
            listen: self.listen,
            allow_hosts: self.allow_host,
            allow_origins: self.allow_origin,
            public_url: self.public_url,
            max_body: self.requests.max_body,
            max_body_memory: self.max_body_memory,
            max_requests: self.requests.max_requests,
            max_streams: self.max_streams,
            max_replay_memory: self.max_replay_memory,
            max_connections: self.max_connections,
            session_ttl: self.session_ttl,
        };
        self.fleet.settings(Door::Http(options))
    }
}

impl FleetFlags {
    pub(super) fn settings(self, door: Door) -> Settings {
        let watch = match self.watch {
            Watch::Auto => WatchMode::Auto,
            Watch::Poll => WatchMode::Poll,
            Watch::Off => WatchMode::Off,
        };
        Settings {
            shards: shards_folder(self.shards),
            state_dir: state_folder(self.state_dir),
            watch,
            result_memory: self.result_memory,
            private_children: self.max_private_children,
            parked: ParkLimits { calls: self.max_parked, time: self.parked_ttl },
            stop_grace: self.stop_grace,
            workers: self.workers.map_or_else(threads::half, NonZeroUsize::get),
            door,
        }
    }
}
