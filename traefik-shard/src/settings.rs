//! What the operator may set, by flag or by environment variable.
//!
//! Everything has a default with which the shard starts; what cannot be right ends it at once.

mod checked;
#[cfg(test)]
mod tests;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, ValueEnum};
use ipnet::IpNet;
use url::Url;

use self::checked::Checked;

/// The longest that a change may take to become live, in seconds, whoever asks for it.
pub(crate) const LONGEST_WAIT: u64 = 120;

/// Where managed files lie in the watched directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layout {
    /// In a folder of their own, `mcp-managed/NAME.yml`.
    Folder,
    /// Beside the others, `mcp-NAME.yml`: Traefik watches these by itself.
    Top,
}

/// An MCP server over stdio for one Traefik: it lists, creates, deletes and validates routes, says how
/// backends and certificates do, proves that a reload happened and looks things up in Traefik's documentation.
///
/// Writing needs --dynamic-dir, the directory that Traefik's file provider watches. Without it, and
/// without a reachable API, `validate_config`, the `dry_run` of `create_route` and the documentation still work.
#[derive(Clone, Parser)]
#[command(name = "traefik-shard", version)]
pub(crate) struct Settings {
    /// Traefik's API, with or without `/api` at its end, also below a prefix; a user and password in it are an account
    #[arg(long, env = "TRAEFIK_API_URL", value_name = "URL", default_value = "http://127.0.0.1:8080/api", hide_env_values = true, value_parser = Checked(checked::api_url))]
    pub(crate) api_url: Url,
    /// User of HTTP basic authentication at the API
    #[arg(long, env = "TRAEFIK_API_USER", value_name = "USER")]
    pub(crate) api_user: Option<String>,
    /// File that holds the password of that user
    #[arg(long, env = "TRAEFIK_API_PASSWORD_FILE", value_name = "FILE", conflicts_with = "api_password")]
    pub(crate) api_password_file: Option<PathBuf>,
    /// The password itself; only by environment, because arguments are visible to every process
    #[arg(long, env = "TRAEFIK_API_PASSWORD", hide = true, hide_env_values = true)]
    pub(crate) api_password: Option<String>,
    /// Host header for the API, where its router asks for a name that does not resolve here
    #[arg(long, env = "TRAEFIK_API_HOST", value_name = "HOST")]
    pub(crate) api_host: Option<String>,
    /// PEM file with the certificate authority of the API
    #[arg(long, env = "TRAEFIK_API_CA", value_name = "FILE")]
    pub(crate) api_ca: Option<PathBuf>,
    /// Accept any certificate of the API
    #[arg(long, env = "TRAEFIK_API_SKIP_VERIFY", conflicts_with = "api_ca")]
    pub(crate) api_skip_verify: bool,
    /// The largest API answer that is read, in MiB
    #[arg(long, env = "TRAEFIK_API_MAX_MIB", value_name = "MIB", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) api_max_mib: u32,
    /// How long a connection may take, such as 2s
    #[arg(long, env = "TRAEFIK_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "2s", value_parser = Checked(checked::timeout))]
    pub(crate) connect_timeout: Duration,
    /// How long one API request may take
    #[arg(long, env = "TRAEFIK_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = Checked(checked::timeout))]
    pub(crate) request_timeout: Duration,
    /// How long a change may take to become live; it must exceed Traefik's providersThrottleDuration
    #[arg(long, env = "TRAEFIK_APPLY_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = Checked(checked::apply_timeout))]
    pub(crate) apply_timeout: Duration,
    /// The directory that Traefik's file provider watches, as it is seen from here
    #[arg(long, env = "TRAEFIK_DYNAMIC_DIR", value_name = "DIR")]
    pub(crate) dynamic_dir: Option<PathBuf>,
    /// Where managed files lie in that directory
    #[arg(long, env = "TRAEFIK_LAYOUT", value_enum, default_value_t = Layout::Folder)]
    pub(crate) layout: Layout,
    /// Name of the managed folder
    #[arg(long, env = "TRAEFIK_MANAGED_FOLDER", value_name = "NAME", default_value = "mcp-managed", value_parser = Checked(checked::managed_folder))]
    pub(crate) managed_folder: String,
    /// What the names of managed routers, services and middlewares begin with
    #[arg(long, env = "NAME_PREFIX", value_name = "PREFIX", default_value = "mcp-", value_parser = Checked(checked::name_prefix))]
    pub(crate) name_prefix: String,
    /// Certificate resolvers that Traefik is known to have; its API does not tell
    #[arg(long = "cert-resolver", env = "TRAEFIK_CERT_RESOLVERS", value_name = "NAME", value_delimiter = ',')]
    pub(crate) cert_resolvers: Vec<String>,
    /// Networks that backends must lie in, such as 192.168.1.0/24; none: anywhere
    #[arg(long = "backend-net", env = "TRAEFIK_BACKEND_NETS", value_name = "CIDR", value_delimiter = ',')]
    pub(crate) backend_nets: Vec<IpNet>,
    /// Where TLS handshakes go, HOST:PORT; without it the API's host and the port of the TLS entry point
    #[arg(long, env = "TRAEFIK_TLS_ADDRESS", value_name = "HOST:PORT")]
    pub(crate) tls_address: Option<String>,
    /// Command that makes Traefik reload where it does not see changes (network file systems); run with `sh -c`
    #[arg(long, env = "TRAEFIK_RELOAD_COMMAND", value_name = "COMMAND", hide_env_values = true)]
    pub(crate) reload_command: Option<String>,
    /// Traefik's documentation site
    #[arg(long, env = "TRAEFIK_DOCS_URL", value_name = "URL", default_value = "https://doc.traefik.io/traefik/", hide_env_values = true, value_parser = Checked(checked::docs_url))]
    pub(crate) docs_url: Url,
    /// How long a documentation page is served without asking again
    #[arg(long, env = "TRAEFIK_DOCS_TTL", value_name = "DURATION", default_value = "1h", value_parser = Checked(checked::keep))]
    pub(crate) docs_ttl: Duration,
    /// Memory for documentation pages, in MiB
    #[arg(long, env = "TRAEFIK_DOCS_CACHE_MIB", value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) docs_cache_mib: u32,
    /// Where backups and the audit log are kept, outside the watched directory; without it
    /// `$XDG_STATE_HOME/traefik-shard` or `~/.local/state/traefik-shard`
    #[arg(long, env = "TRAEFIK_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Refuse every tool that writes
    #[arg(long, env = "TRAEFIK_READ_ONLY")]
    pub(crate) read_only: bool,
}

impl Settings {
    /// Reads the command line and the environment; a fault ends the process with words that name it.
    ///
    /// A variable that is set but empty counts as unset: shard files write `${TRAEFIK_DYNAMIC_DIR:-}`.
    pub(crate) fn read() -> Self {
        let mut matches = Self::command().mut_args(without_empty_variable).get_matches();
        Self::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.exit())
    }
}

fn without_empty_variable(arg: Arg) -> Arg {
    let is_empty = |name| env::var_os(name).is_some_and(|value| value.is_empty());
    if arg.get_env().is_some_and(is_empty) { arg.env(None::<&'static str>) } else { arg }
}
