//! One version of one route: what is asked for, and how its file, Traefik's API and an answer show it.
//!
//! No two versions are alike, not even of different routes: the serial number is in each of these places.

use serde_json::{Value, json};

/// A route as an operation wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) serial: usize,
}

impl Version {
    /// The arguments of `create_route`; `backends` are URLs.
    pub(crate) fn arguments(&self, backends: &[String]) -> Value {
        json!({
            "name": self.name, "host": self.host(), "path_prefix": self.prefix(), "backend_url": self.backend(backends),
            "entry_points": ["web"], "priority": self.priority(), "strip_prefix": self.is_stripped(),
        })
    }

    /// What the file says, without its header.
    pub(crate) fn file(&self, backends: &[String]) -> Value {
        let full = format!("mcp-{}", self.name);
        let mut file = json!({"http": {
            "routers": {&full: {
                "rule": self.rule(), "entryPoints": ["web"], "service": full, "priority": self.priority(),
            }},
            "services": {&full: {"loadBalancer": {"servers": [{"url": self.backend(backends)}]}}},
        }});
        if self.is_stripped() {
            let middleware = format!("{full}-strip");
            file["http"]["routers"][&full]["middlewares"] = json!([middleware]);
            file["http"]["middlewares"] = json!({middleware: {"stripPrefix": {"prefixes": [self.prefix()]}}});
        }
        file
    }

    /// What Traefik's raw data say of its router.
    pub(crate) fn router(&self) -> Value {
        json!({
            "rule": self.rule(), "priority": self.priority(), "status": "enabled", "service": format!("mcp-{}", self.name),
        })
    }

    pub(crate) fn host(&self) -> String {
        format!("{}.soak.test", self.name)
    }

    /// What to ask for, and what its backend answers.
    pub(crate) fn request(&self) -> (String, String) {
        let path = format!("{}/page", self.prefix());
        let seen = if self.is_stripped() { "/page".to_owned() } else { path.clone() };
        (path, format!("{} GET {seen}", self.serial % super::BACKENDS))
    }

    fn backend<'a>(&self, backends: &'a [String]) -> &'a str {
        &backends[self.serial % super::BACKENDS]
    }

    fn rule(&self) -> String {
        format!("Host(`{}`) && PathPrefix(`{}`)", self.host(), self.prefix())
    }

    fn prefix(&self) -> String {
        format!("/v{}", self.serial)
    }

    fn priority(&self) -> usize {
        self.serial + 1
    }

    fn is_stripped(&self) -> bool {
        self.serial.is_multiple_of(2)
    }
}
