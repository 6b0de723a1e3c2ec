//! What a laboratory's Traefik is set up with: its static file, and the files of the human who had it before us.
//!
//! Invariant: the human's files are good; each route in them answers, as far as its backends do.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// The password of the laboratory's API and guarded route, for the user `lab`.
pub(crate) const PASSWORD: &str = "secret";
/// What Traefik knows of it; no answer of the shard may hold it.
pub(crate) const HASH: &str = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
/// A header that the human's Traefik adds; its value is a secret as well.
pub(crate) const TOKEN: &str = "token-that-nobody-may-see";

/// How Traefik's API is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// On an entry point of its own, without a password.
    Open,
    /// Through a router on `api@internal` with basic authentication.
    Guarded,
}

/// How a laboratory is set up.
#[derive(Clone, Debug)]
pub(crate) struct LabOptions {
    /// Whether Traefik watches its directory. Without, it is like one that reads a network file system.
    pub(crate) watch: bool,
    /// How long Traefik collects changes before it applies them.
    pub(crate) throttle: Duration,
    pub(crate) api: Api,
    /// Whether the watched directory is a disk of 64 KiB, seen by Traefik alone.
    pub(crate) small_disk: bool,
    /// What entry points add to all their HTTP routers: name and `http`.
    pub(crate) entry_points: Vec<(&'static str, Value)>,
    /// More files in the watched directory, by their path in it.
    pub(crate) files: Vec<(String, String)>,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            watch: true,
            throttle: Duration::from_millis(100),
            api: Api::Open,
            small_disk: false,
            entry_points: Vec::new(),
            files: Vec::new(),
        }
    }
}

/// The entry points and their ports. `traefik` is where the API lives.
pub(super) type Ports = BTreeMap<&'static str, u16>;

/// Ports that nobody has at this moment.
pub(super) fn free_ports() -> Ports {
    let held = ["web", "websecure", "tcp", "traefik"].map(|name| (name, TcpListener::bind("127.0.0.1:0").unwrap()));
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ports = held.iter().map(|(name, listener)| (*name, listener.local_addr().unwrap().port()));
    ports.chain([("udp", udp)]).collect()
}

/// The text of the static file.
pub(super) fn static_file(options: &LabOptions, ports: &Ports, dynamic_dir: &Path) -> String {
    let entry_point = |(name, port): (&&str, &u16)| {
        let protocol = if *name == "udp" { "/udp" } else { "" };
        let mut settings = json!({"address": format!("127.0.0.1:{port}{protocol}")});
        if let Some((_, http)) = options.entry_points.iter().find(|(named, _)| named == name) {
            settings["http"] = http.clone();
        }
        ((*name).to_owned(), settings)
    };
    json!({
        "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
        "log": {"level": "INFO", "noColor": true},
        "entryPoints": ports.iter().map(entry_point).collect::<serde_json::Map<_, _>>(),
        "api": {"insecure": options.api == Api::Open},
        "providers": {
            "providersThrottleDuration": format!("{}ms", options.throttle.as_millis()),
            "file": {"directory": dynamic_dir, "watch": options.watch},
        },
    })
    .to_string()
}

/// The human's own file: HTTP, TCP and UDP routes, one with TLS, one with a password, one with half its servers down.
pub(super) fn human_file(options: &LabOptions, alive: &str, dead: &str, certs: &Path) -> String {
    let host_and_port = alive.trim_start_matches("http://");
    let router = |host: &str, service: &str| {
        let rule = format!("Host(`{host}.lab.test`)");
        json!({"rule": rule, "entryPoints": ["web"], "service": service})
    };
    let with = |mut router: Value, key: &str, value: Value| {
        router[key] = value;
        router
    };
    let mut config = json!({
        "http": {
            "routers": {
                "human": with(router("human", "human"), "middlewares", json!(["stamp"])),
                "guarded": with(router("guarded", "human"), "middlewares", json!(["password"])),
                "half": router("half", "half"),
                "secure": with(with(router("secure", "human"), "entryPoints", json!(["websecure"])), "tls", json!({})),
            },
            "services": {
                "human": {"loadBalancer": {"servers": [{"url": alive}]}},
                "half": {"loadBalancer": {
                    "servers": [{"url": alive}, {"url": dead}],
                    "healthCheck": {"path": "/health", "interval": "300ms", "timeout": "200ms"},
                }},
            },
            "middlewares": {
                "password": {"basicAuth": {"users": [format!("lab:{HASH}")]}},
                "stamp": {"headers": {"customRequestHeaders": {"X-Token": TOKEN}}},
            },
        },
        "tcp": {
            "routers": {"raw": {"rule": "HostSNI(`*`)", "entryPoints": ["tcp"], "service": "raw"}},
            "services": {"raw": {"loadBalancer": {"servers": [{"address": host_and_port}]}}},
        },
        "udp": {
            "routers": {"datagrams": {"entryPoints": ["udp"], "service": "datagrams"}},
            "services": {"datagrams": {"loadBalancer": {"servers": [{"address": host_and_port}]}}},
        },
        "tls": {"certificates": [{"certFile": certs.join("lab.pem"), "keyFile": certs.join("lab.key")}]},
    });
    if options.api == Api::Guarded {
        config["http"]["routers"]["api"] = json!({
            "rule": "PathPrefix(`/api`)", "entryPoints": ["traefik"], "service": "api@internal",
            "middlewares": ["password"],
        });
    }
    serde_yaml::to_string(&config).unwrap()
}

/// Writes a certificate for these names, as `NAME.pem` and `NAME.key`.
pub(super) fn write_certificate(certs: &Path, name: &str, hosts: &[&str]) {
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(hosts).unwrap();
    fs::create_dir_all(certs).unwrap();
    fs::write(certs.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    fs::write(certs.join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
}
