//! The result of `check_ssl_status`, and the short text of it.
//!
//! Made from checks that are over; every text of a certificate in it has gone through `shown`.

use std::collections::{BTreeMap, BTreeSet};

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::api;
use crate::tls::host::Host;
use crate::tls::leaf::{Leaf, NAMES_SHOWN, any_name_matches};
use crate::tls::serving::{Serving, TlsRouter};
use crate::tls::shown;
use crate::tls::survey::{Check, Seen};
use crate::tls::verdict::{Clock, Judgement, Keeper, Verdict, of_dates, of_leaf, of_refusal};

/// The most hosts in the text; all of them are in the structured result.
const LINES: usize = 25;

/// The most certificates of the API, and the most hosts that were left out, that are listed.
const LISTED: usize = 100;

/// What `check_ssl_status` reports.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// The worst verdict first.
    pub(crate) hosts: Vec<HostStatus>,
    /// How many checks ended in each verdict.
    pub(crate) counts: BTreeMap<&'static str, usize>,
    /// Hosts that were too many for one call: ask for them with `domains`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_checked: Vec<String>,
    pub(crate) not_checked_total: usize,
    /// What Traefik's API lists; absent where it lists none (before 3.7, or out of reach).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificates: Option<Vec<Loaded>>,
    pub(crate) warnings: Vec<String>,
    /// RFC 3339.
    pub(crate) checked_at: String,
}

/// One host at one address.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HostStatus {
    /// In ASCII form.
    pub(crate) host: String,
    /// The made-up name that stood for a wildcard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probed_as: Option<String>,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Where the handshake went; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry_point: Option<String>,
    pub(crate) routers: Vec<RouterRef>,
    /// What was shown in the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<Shown>,
}

/// A router that serves the host with TLS.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RouterRef {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert_resolver: Option<String>,
    /// TLS ends at the backend, whose certificate this is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) passthrough: bool,
}

/// A certificate that a server showed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject_cn: Option<String>,
    /// The first 50 subject alternative names.
    pub(crate) sans: Vec<String>,
    pub(crate) sans_total: usize,
    pub(crate) issuer: String,
    /// RFC 3339.
    pub(crate) not_before: String,
    /// RFC 3339.
    pub(crate) not_after: String,
    /// Negative when it has expired.
    pub(crate) days_left: i64,
    pub(crate) matches_host: bool,
    pub(crate) self_signed: bool,
    /// Traefik made it for itself.
    pub(crate) is_default: bool,
    pub(crate) chain_length: usize,
    /// SHA-256 fingerprint in hex.
    pub(crate) sha256: String,
    /// Whether the API lists this certificate; absent where it lists none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_api: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_version: Option<&'static str>,
}

/// A certificate that Traefik has loaded, as its API tells.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Loaded {
    pub(crate) subject_cn: String,
    pub(crate) sans: Vec<String>,
    pub(crate) issuer: String,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    /// Absent where the API's date cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days_left: Option<i64>,
    pub(crate) sha256: String,
}

/// What the judging needs to know beside the checks.
pub(crate) struct Known<'a> {
    /// None: the API could not be read.
    pub(crate) serving: Option<&'a Serving>,
    /// None: the API does not list certificates.
    pub(crate) certificates: Option<&'a [api::Certificate]>,
    pub(crate) clock: Clock,
}

impl Known<'_> {
    /// The report of one check.
    pub(crate) fn status(&self, check: Check, seen: Seen) -> HostStatus {
        let Judgement { verdict, reason, hint } = self.judge(&check, &seen);
        let probed_as = matches!(check.host, Host::Wildcard(_)).then(|| check.host.probe());
        let certificate = match seen {
            Seen::Certificate { leaf, chain_length, version } => {
                Some(self.shown_leaf(&leaf, &check.host, chain_length, version))
            }
            Seen::Nothing | Seen::Refused(_) | Seen::Unreadable(_) => None,
        };
        let (address, entry_point) = check.place.map(|place| (place.address.to_string(), place.entry_point)).unzip();
        HostStatus {
            host: check.host.to_string(),
            probed_as,
            verdict,
            reason,
            hint,
            address,
            entry_point: entry_point.flatten(),
            routers: check.routers.into_iter().map(RouterRef::from).collect(),
            certificate,
        }
    }

    fn judge(&self, check: &Check, seen: &Seen) -> Judgement {
        if let Some(serving) = self.serving.filter(|_| check.routers.is_empty()) {
            return Judgement::new(Verdict::NoTlsRouter, serving.why_not(&check.host)).with_hint(
                "give a router of this host `tls` (a `cert_resolver`, or `tls: {}` with a certificate that covers it); `list_routes` shows the routers",
            );
        }
        let address = check.place.as_ref().map(|place| place.address.to_string()).unwrap_or_default();
        match seen {
            Seen::Certificate { leaf, .. } => of_leaf(leaf, &check.host, keeper(&check.routers), self.clock),
            Seen::Refused(refusal) => of_refusal(refusal, &check.host, &address, keeper(&check.routers)),
            Seen::Unreadable(fault) => Judgement::new(Verdict::Unreachable, format!("{address}: {fault}"))
                .with_hint("replace the certificate, or check that the address is Traefik's TLS entry point"),
            Seen::Nothing => self.judge_by_api(check),
        }
    }

    /// Without a handshake: the longest-lived certificate of the API that covers the host.
    fn judge_by_api(&self, check: &Check) -> Judgement {
        let unknown = |reason: String| {
            Judgement::new(Verdict::Unknown, reason)
                .with_hint("let `handshake` be true, and give `address` where the TLS port is another one")
        };
        let Some(certificates) = self.certificates else {
            return unknown("no handshake was made, and the API lists no certificates".into());
        };
        if check.routers.first().is_some_and(|router| router.passthrough) {
            return unknown("the router passes TLS through: only a handshake shows the backend's certificate".into());
        }
        let covering = certificates.iter().filter(|certificate| covers(certificate, &check.host));
        let dates =
            |certificate: &api::Certificate| Some((date(&certificate.not_after)?, date(&certificate.not_before)?));
        match covering.filter_map(dates).max() {
            Some((until, from)) => {
                let mut judgement = of_dates(from, until, keeper(&check.routers), self.clock);
                judgement.reason.push_str(", as the API tells; no handshake was made");
                judgement
            }
            None => {
                unknown(format!("no handshake was made, and no certificate of the API covers {}", check.host.probe()))
            }
        }
    }

    fn shown_leaf(&self, leaf: &Leaf, host: &Host, chain_length: usize, tls_version: Option<&'static str>) -> Shown {
        let listed = |certificates: &[api::Certificate]| {
            certificates.iter().any(|certificate| certificate.cert_fingerprint.eq_ignore_ascii_case(&leaf.sha256))
        };
        Shown {
            subject_cn: leaf.subject_cn.clone(),
            sans: leaf.sans(),
            sans_total: leaf.sans_total(),
            issuer: leaf.issuer.clone(),
            not_before: moment(leaf.not_before),
            not_after: moment(leaf.not_after),
            days_left: self.clock.days_until(leaf.not_after),
            matches_host: leaf.matches(host),
            self_signed: leaf.self_signed,
            is_default: leaf.is_default,
            chain_length,
            sha256: leaf.sha256.clone(),
            in_api: self.certificates.map(listed),
            tls_version,
        }
    }

    /// The certificates of the API: those that cover one of these hosts, or all for none.
    pub(crate) fn loaded(&self, asked: &[Host]) -> Option<Vec<Loaded>> {
        let wanted =
            |certificate: &&api::Certificate| asked.is_empty() || asked.iter().any(|host| covers(certificate, host));
        let loaded = |certificate: &api::Certificate| Loaded {
            subject_cn: shown(&certificate.common_name),
            sans: certificate.sans.iter().take(NAMES_SHOWN).map(|name| shown(name)).collect(),
            issuer: shown(&certificate.issuer_cn),
            not_before: shown(&certificate.not_before),
            not_after: shown(&certificate.not_after),
            days_left: date(&certificate.not_after).map(|until| self.clock.days_until(until)),
            sha256: shown(&certificate.cert_fingerprint),
        };
        let mut found: Vec<_> = self.certificates?.iter().filter(wanted).map(loaded).collect();
        found.sort_by_key(|certificate| certificate.days_left);
        found.truncate(LISTED);
        Some(found)
    }
}

impl From<TlsRouter> for RouterRef {
    fn from(router: TlsRouter) -> Self {
        let cert_resolver = router.cert_resolver.as_deref().map(shown);
        Self { name: shown(&router.name), cert_resolver, passthrough: router.passthrough }
    }
}

impl Report {
    /// Sorts the hosts, the worst first, and counts them.
    pub(crate) fn new(mut hosts: Vec<HostStatus>, left: &[Host], clock: Clock) -> Self {
        hosts.sort_by(|a, b| (a.verdict, &a.host, &a.address).cmp(&(b.verdict, &b.host, &b.address)));
        let mut counts = BTreeMap::new();
        for status in &hosts {
            *counts.entry(status.verdict.word()).or_insert(0) += 1;
        }
        Self {
            hosts,
            counts,
            not_checked: left.iter().take(LISTED).map(Host::to_string).collect(),
            not_checked_total: left.len(),
            certificates: None,
            warnings: Vec::new(),
            checked_at: moment(clock.now),
        }
    }

    /// The essence, the worst first.
    pub(crate) fn text(&self) -> String {
        let counts = self.counts.iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ");
        let mut text = if self.hosts.is_empty() {
            "No host to check: no router serves a named host with TLS.".to_owned()
        } else {
            format!("{}: {counts}.", plural(self.hosts.len(), "check"))
        };
        let mut hinted = BTreeSet::new();
        for status in self.hosts.iter().take(LINES) {
            text.push_str("\n- ");
            text.push_str(&status.line());
            // Once per verdict: the others differ in names only, and are in the structured result.
            if let Some(hint) = status.hint.as_ref().filter(|_| hinted.insert(status.verdict)) {
                text.push_str(&format!("; {hint}"));
            }
        }
        if self.hosts.len() > LINES {
            text.push_str(&format!("\n- and {} more in the structured result", self.hosts.len() - LINES));
        }
        for warning in &self.warnings {
            text.push_str(&format!("\nWarning: {warning}."));
        }
        text
    }
}

impl HostStatus {
    /// What was tried, the verdict and the reason.
    fn line(&self) -> String {
        let tried = self.probed_as.as_ref().map(|name| format!(" (tried as {name})")).unwrap_or_default();
        let place = self.entry_point.as_ref().map(|point| format!(" at {}", shown(point))).unwrap_or_default();
        format!("{}{tried}{place}: {}: {}", self.host, self.verdict.word(), self.reason)
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Whose certificate it is, judged by the routers of one place.
fn keeper(routers: &[TlsRouter]) -> Keeper<'_> {
    if routers.is_empty() {
        return Keeper::Unknown;
    }
    if routers.first().is_some_and(|router| router.passthrough) {
        return Keeper::Backend;
    }
    Keeper::Traefik { resolver: routers.iter().find_map(|router| router.cert_resolver.as_deref()) }
}

fn covers(certificate: &api::Certificate, host: &Host) -> bool {
    match host {
        Host::Address(address) => certificate.sans.iter().any(|san| san.parse() == Ok(*address)),
        Host::Name(_) | Host::Wildcard(_) => any_name_matches(&certificate.sans, &host.probe()),
    }
}

fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// RFC 3339; a certificate's years have four digits, so this never falls back.
fn moment(then: OffsetDateTime) -> String {
    then.replace_nanosecond(0).unwrap_or(then).format(&Rfc3339).unwrap_or_else(|_| then.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(sans: &[&str], until: &str) -> api::Certificate {
        let huge = format!("a\n\u{1b}[2J{}", "x".repeat(5 << 20));
        serde_json::from_value(json!({
            "sans": sans, "notBefore": "2026-01-01T00:00:00Z", "notAfter": until,
            "commonName": huge, "issuerCN": huge, "certFingerprint": huge,
        }))
        .unwrap()
    }

    /// Judged on 2026-06-01 by these certificates of the API alone.
    fn known(certificates: &[api::Certificate]) -> Known<'_> {
        let clock = Clock { now: date("2026-06-01T00:00:00Z").unwrap(), warn_days: 30 };
        Known { serving: None, certificates: Some(certificates), clock }
    }

    fn by_api(host: &str, certificates: &[api::Certificate]) -> Verdict {
        let check = Check { host: Host::parse(host).unwrap(), place: None, routers: Vec::new() };
        known(certificates).status(check, Seen::Nothing).verdict
    }

    #[test]
    fn the_api_alone_judges_by_the_longest_lived_certificate_that_covers_the_host() {
        let certificates = [
            listed(&["a.test", "10.0.0.1"], "2026-06-10T00:00:00Z"),
            listed(&["*.test"], "2026-12-01T00:00:00Z"),
            listed(&["b.other"], "2026-05-01T00:00:00Z"),
            listed(&["c.other"], "no date"),
        ];
        let cases = [
            ("a.test", Verdict::Ok),
            ("10.0.0.1", Verdict::Expiring),
            ("b.other", Verdict::Expired),
            ("c.other", Verdict::Unknown),
            ("d.other", Verdict::Unknown),
        ];
        for (host, verdict) in cases {
            assert_eq!(by_api(host, &certificates), verdict, "{host}");
        }
    }

    #[test]
    fn a_hostile_list_of_the_api_is_shown_short_clean_and_soonest_first() {
        let name = format!("*.{}", "y".repeat(5 << 20));
        let mut certificates = vec![listed(&[name.as_str(); 3], "2026-07-01T00:00:00Z"); 3];
        certificates.push(listed(&["a.test"], "2026-06-02T00:00:00Z"));
        let loaded = known(&certificates).loaded(&[]).unwrap();
        assert_eq!(loaded.iter().map(|one| one.days_left).collect::<Vec<_>>(), [Some(1), Some(30), Some(30), Some(30)]);
        let text = json!(loaded).to_string();
        assert!(text.len() < 10_000 && !text.contains("\\n") && !text.contains("\\u001b"), "{text}");
        assert_eq!(known(&certificates).loaded(&[Host::parse("a.test").unwrap()]).unwrap().len(), 1);
    }
}
