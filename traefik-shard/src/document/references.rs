//! What a document refers to by name: services, middlewares, transports, TLS options and parent routers.
//!
//! Nothing is resolved here; a name may be defined in another file or by another provider.

use super::Kind;
use super::node::{Entry, Node};

/// A name that something must define, as it is written, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) line: u32,
}

/// Every reference of a document that was decoded.
pub(crate) fn references(root: &Node) -> Vec<Reference> {
    let mut found = Found { references: Vec::new(), path: String::new() };
    found.routers(root, Kind::HttpRouter, Kind::HttpService, Some(Kind::HttpMiddleware));
    found.routers(root, Kind::TcpRouter, Kind::TcpService, Some(Kind::TcpMiddleware));
    found.routers(root, Kind::UdpRouter, Kind::UdpService, None);
    found.services(root, Kind::HttpService, Some(Kind::HttpServersTransport));
    found.services(root, Kind::TcpService, Some(Kind::TcpServersTransport));
    found.services(root, Kind::UdpService, None);
    found.middlewares(root);
    found.references
}

struct Found {
    references: Vec<Reference>,
    path: String,
}

impl Found {
    /// The names at one key below the present place.
    fn names(&mut self, node: &Node, path: &[&str], kind: Kind) {
        let Some(node) = node.find(path) else { return };
        for (name, line) in node.texts() {
            let path = format!("{}.{}", self.path, path.join("."));
            self.references.push(Reference { kind, name: name.to_owned(), path, line });
        }
    }

    fn each<'a>(&mut self, root: &'a Node, kind: Kind) -> &'a [Entry] {
        root.find(&kind.place()).map(Node::entries).unwrap_or_default()
    }

    fn stand_at(&mut self, kind: Kind, name: &str) {
        self.path = format!("{}.{name}", kind.place().join("."));
    }

    fn routers(&mut self, root: &Node, routers: Kind, services: Kind, middlewares: Option<Kind>) {
        for entry in self.each(root, routers) {
            self.stand_at(routers, &entry.key);
            self.names(&entry.value, &["service"], services);
            self.names(&entry.value, &["tls", "options"], Kind::TlsOptions);
            self.names(&entry.value, &["parentRefs"], routers);
            if let Some(middlewares) = middlewares {
                self.names(&entry.value, &["middlewares"], middlewares);
            }
        }
    }

    fn services(&mut self, root: &Node, services: Kind, transports: Option<Kind>) {
        for entry in self.each(root, services) {
            self.stand_at(services, &entry.key);
            if let Some(transports) = transports {
                self.names(&entry.value, &["loadBalancer", "serversTransport"], transports);
            }
            for path in [["mirroring", "service"], ["failover", "service"], ["failover", "fallback"]] {
                self.names(&entry.value, &path, services);
            }
            for path in [["weighted", "services"], ["highestRandomWeight", "services"], ["mirroring", "mirrors"]] {
                for child in entry.value.find(&path).map(Node::items).unwrap_or_default() {
                    self.stand_at(services, &format!("{}.{}", entry.key, path.join(".")));
                    self.names(child, &["name"], services);
                }
                self.stand_at(services, &entry.key);
            }
            if services == Kind::HttpService {
                self.names(&entry.value, &["middlewares"], Kind::HttpMiddleware);
            }
        }
    }

    fn middlewares(&mut self, root: &Node) {
        for entry in self.each(root, Kind::HttpMiddleware) {
            self.stand_at(Kind::HttpMiddleware, &entry.key);
            self.names(&entry.value, &["chain", "middlewares"], Kind::HttpMiddleware);
            self.names(&entry.value, &["errors", "service"], Kind::HttpService);
        }
    }
}
