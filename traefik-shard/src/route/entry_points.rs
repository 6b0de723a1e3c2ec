//! Where the route listens, and whether it does TLS there.
//!
//! What is not asked for is chosen from Traefik's own entry points, or by their usual names where
//! Traefik cannot be asked. A choice that is not certain is a warning, never silence.

use super::Request;
use super::checks::Problems;
use crate::api::EntryPoint;
use crate::finding::{Finding, Severity};

/// Where the routers listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) main: Vec<String>,
    /// Where the redirecting router listens; empty without one.
    pub(super) plain: Vec<String>,
    /// Whether the main router says `tls`.
    pub(super) tls: bool,
}

/// The entry points of both routers; `None` where a problem was added.
pub(super) fn choose(
    request: &Request,
    live: Option<&[EntryPoint]>,
    problems: &mut Problems,
    warnings: &mut Vec<Finding>,
) -> Option<Places> {
    let known = Known { live };
    if let Some(unknown) = request.entry_points.iter().find(|name| known.is_missing(name)) {
        let hint = format!("Traefik has {}", known.names());
        problems.add("entry_points", unknown, "there is no such HTTP entry point", hint);
        return None;
    }
    let wants_tls = match &request.tls {
        Some(tls) => tls.enabled.unwrap_or(true),
        None => request.redirect_https || known.all_secure(&request.entry_points),
    };
    if request.tls.is_none() && wants_tls && !request.redirect_https {
        let message = "TLS is turned on, because every entry point that is named is one for https";
        warnings.push(Finding::new(Severity::Info, "tls_assumed", message).at("tls"));
    }
    let (secure, plain): (Vec<String>, Vec<String>) =
        request.entry_points.iter().cloned().partition(|name| known.is_secure(name));
    let places = if request.redirect_https {
        Places {
            main: or_default(secure, || known.secure("entry_points", problems, warnings))?,
            plain: or_default(plain, || known.plain("redirect_https", problems, warnings))?,
            tls: true,
        }
    } else if wants_tls {
        let main = or_default(request.entry_points.clone(), || known.secure("entry_points", problems, warnings))?;
        Places { main, plain: Vec::new(), tls: true }
    } else {
        let main = or_default(request.entry_points.clone(), || known.plain("entry_points", problems, warnings))?;
        Places { main, plain: Vec::new(), tls: false }
    };
    known.remarks(&places, warnings);
    Some(places)
}

fn or_default(named: Vec<String>, default: impl FnOnce() -> Option<Vec<String>>) -> Option<Vec<String>> {
    if named.is_empty() { default() } else { Some(named) }
}

/// What is known of the entry points.
struct Known<'a> {
    live: Option<&'a [EntryPoint]>,
}

impl Known<'_> {
    fn http(&self) -> impl Iterator<Item = &EntryPoint> {
        self.live.unwrap_or_default().iter().filter(|point| !point.address.ends_with("/udp"))
    }

    fn find(&self, name: &str) -> Option<&EntryPoint> {
        self.http().find(|point| point.name == name)
    }

    fn is_missing(&self, name: &str) -> bool {
        self.live.is_some() && self.find(name).is_none()
    }

    fn names(&self) -> String {
        self.http().map(|point| point.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn is_secure(&self, name: &str) -> bool {
        self.find(name).map_or_else(|| sounds_secure(name), is_secure)
    }

    fn all_secure(&self, names: &[String]) -> bool {
        !names.is_empty() && names.iter().all(|name| self.is_secure(name))
    }

    fn secure(&self, field: &str, problems: &mut Problems, warnings: &mut Vec<Finding>) -> Option<Vec<String>> {
        if self.live.is_none() {
            return Some(assumed("websecure", warnings));
        }
        let found: Vec<String> = self.http().filter(|point| is_secure(point)).map(|point| point.name.clone()).collect();
        if found.is_empty() {
            let hint = format!("name one of {} in entry_points, or leave TLS out", self.names());
            problems.about(field, "no entry point of Traefik looks like one for https", hint);
            return None;
        }
        Some(found)
    }

    fn plain(&self, field: &str, problems: &mut Problems, warnings: &mut Vec<Finding>) -> Option<Vec<String>> {
        if self.live.is_none() {
            return Some(assumed("web", warnings));
        }
        let mut found: Vec<&EntryPoint> =
            self.http().filter(|point| !is_secure(point) && point.name != "traefik").collect();
        // The usual entry point wins over others, such as one for metrics or for TCP.
        for is_better in [is_default, is_usual, listens_on_80] {
            if found.len() > 1 && found.iter().any(|point| is_better(point)) {
                found.retain(|point| is_better(point));
            }
        }
        match found[..] {
            [only] => Some(vec![only.name.clone()]),
            _ => {
                let fault = if found.is_empty() { "no" } else { "more than one" };
                let hint = format!("name one of {} in entry_points", self.names());
                problems.about(
                    field,
                    format!("{fault} entry point of Traefik looks like the one for plain http"),
                    hint,
                );
                None
            }
        }
    }

    fn remarks(&self, places: &Places, warnings: &mut Vec<Finding>) {
        let mut remark = |severity, code: &str, message: String| {
            warnings.push(Finding::new(severity, code, message).at("entry_points"));
        };
        for name in &places.main {
            let secure = self.is_secure(name);
            if secure && !places.tls && self.find(name).is_none_or(|point| point.http.tls.is_none()) {
                let message = format!(
                    "`{name}` is for https, but the route does no TLS and cannot be reached there by https; give tls"
                );
                remark(Severity::Warning, "entry_point_needs_tls", message);
            } else if !secure && places.tls {
                let message =
                    format!("`{name}` looks like an entry point for plain http, and the route answers only TLS there");
                remark(Severity::Warning, "entry_point_is_plain", message);
            }
        }
        for name in &places.plain {
            if self.find(name).is_some_and(|point| point.http.redirections.entry_point.is_some()) {
                let message = format!("`{name}` redirects everything by itself, so redirect_https adds nothing there");
                remark(Severity::Info, "redirects_already", message);
            }
        }
        let odd_port = |name: &&String| self.find(name).is_some_and(|point| port(point) != Some(443));
        if let Some(name) = places.main.iter().find(odd_port).filter(|_| !places.plain.is_empty()) {
            let message = format!(
                "`{name}` does not listen on port 443, where the redirect sends clients; that is right only if 443 is mapped to it"
            );
            remark(Severity::Warning, "redirect_port", message);
        }
    }
}

fn assumed(name: &str, warnings: &mut Vec<Finding>) -> Vec<String> {
    let message = format!("Traefik could not be asked, so the entry point is assumed to be `{name}`");
    warnings.push(Finding::new(Severity::Warning, "entry_point_assumed", message).at("entry_points"));
    vec![name.to_owned()]
}

/// Does TLS by itself, or is where https is expected.
fn is_secure(point: &EntryPoint) -> bool {
    point.http.tls.is_some() || sounds_secure(&point.name) || port(point) == Some(443)
}

fn sounds_secure(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("secure") && !name.contains("insecure") || name.contains("https")
}

fn is_default(point: &EntryPoint) -> bool {
    point.as_default
}

fn is_usual(point: &EntryPoint) -> bool {
    ["web", "http"].contains(&point.name.as_str())
}

fn listens_on_80(point: &EntryPoint) -> bool {
    port(point) == Some(80)
}

fn port(point: &EntryPoint) -> Option<u16> {
    point.address.split('/').next()?.rsplit(':').next()?.parse().ok()
}
