//! What a check means for the people who open the host.
//!
//! One host gets one verdict, the first that holds of: `no_tls_router` (nothing serves it),
//! `unreachable` (no certificate was seen), `default_cert`, `name_mismatch` (renewing would not help),
//! `expired`, `not_yet_valid`, `expiring`, `ok`. `unknown` stands where nothing was looked at.

use rmcp::schemars::{self, JsonSchema};
use rustls::AlertDescription;
use serde::Serialize;
use time::{Date, Duration, OffsetDateTime};

use crate::tls::handshake::Refusal;
use crate::tls::host::Host;
use crate::tls::leaf::Leaf;
use crate::tls::shown;

/// How a host's certificate does, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// No router of Traefik serves the host with TLS.
    NoTlsRouter,
    /// No certificate was seen: no connection, no TLS, or a refused handshake.
    Unreachable,
    /// Traefik shows the certificate that it made for itself.
    DefaultCert,
    /// The certificate is for other names.
    NameMismatch,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// Its time is over within `warn_days`.
    Expiring,
    /// Nothing was looked at that could tell.
    Unknown,
    /// Right name, right time; whether clients trust the issuer is theirs to say.
    Ok,
}

impl Verdict {
    /// The word of the result.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NoTlsRouter => "no_tls_router",
            Self::Unreachable => "unreachable",
            Self::DefaultCert => "default_cert",
            Self::NameMismatch => "name_mismatch",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Expiring => "expiring",
            Self::Unknown => "unknown",
            Self::Ok => "ok",
        }
    }
}

/// A verdict, why, and what to do about it.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

/// When something is judged, and how early it warns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: OffsetDateTime,
    pub(crate) warn_days: u32,
}

impl Clock {
    /// Whole days until then; negative when it was at least a moment ago.
    pub(crate) fn days_until(&self, then: OffsetDateTime) -> i64 {
        (then - self.now).whole_seconds().div_euclid(Duration::DAY.whole_seconds())
    }
}

impl Judgement {
    /// Without a hint.
    pub(crate) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), hint: None }
    }

    /// Adds the way out.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Who is behind a certificate, for the hint.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keeper<'a> {
    /// Traefik itself; the resolver is what the router asks for.
    Traefik { resolver: Option<&'a str> },
    /// The backend does TLS, Traefik passes it through.
    Backend,
    /// The API did not tell.
    Unknown,
}

/// Judges a certificate that was shown for a host.
pub(crate) fn of_leaf(leaf: &Leaf, host: &Host, keeper: Keeper<'_>, clock: Clock) -> Judgement {
    if leaf.is_default {
        let reason = "Traefik shows its own default certificate, which no client trusts";
        return Judgement::new(Verdict::DefaultCert, reason).with_hint(how_to_get_one(host, keeper));
    }
    if !leaf.matches(host) {
        let reason = format!("the certificate is for {}, not for {}", names(leaf), host.probe());
        return Judgement::new(Verdict::NameMismatch, reason).with_hint(how_to_get_one(host, keeper));
    }
    let mut judgement = of_dates(leaf.not_before, leaf.not_after, keeper, clock);
    if judgement.verdict == Verdict::Ok && leaf.self_signed {
        judgement.reason.push_str("; it is self-signed, so clients must be told to trust it");
    } else if judgement.verdict == Verdict::Ok {
        judgement.reason.push_str(&format!(", issued by {}", leaf.issuer));
    }
    judgement
}

/// Judges the dates alone.
pub(crate) fn of_dates(from: OffsetDateTime, until: OffsetDateTime, keeper: Keeper<'_>, clock: Clock) -> Judgement {
    let days = clock.days_until(until);
    if until < clock.now {
        let reason = format!("the certificate expired on {} ({})", day(until), ago(clock.now - until));
        return Judgement::new(Verdict::Expired, reason).with_hint(how_to_renew(keeper));
    }
    if from > clock.now {
        let reason = format!("the certificate is not valid before {}", day(from));
        return Judgement::new(Verdict::NotYetValid, reason)
            .with_hint("compare the clocks of this machine and of the one that made the certificate");
    }
    let reason = format!("valid until {} ({})", day(until), left(days));
    if days < i64::from(clock.warn_days) {
        return Judgement::new(Verdict::Expiring, reason).with_hint(how_to_renew(keeper));
    }
    Judgement::new(Verdict::Ok, reason)
}

/// Judges a handshake that showed nothing.
pub(crate) fn of_refusal(refusal: &Refusal, host: &Host, address: &str, keeper: Keeper<'_>) -> Judgement {
    let reason = match (refusal, keeper) {
        (Refusal::UnrecognizedName, Keeper::Traefik { .. } | Keeper::Unknown) => format!(
            "Traefik at {address} refused the name {} (TLS alert `unrecognized_name`): `sniStrict` is on and no certificate covers it",
            host.probe()
        ),
        (other, _) => format!("{address}: {}", shown(&other.to_string())),
    };
    let behind =
        !matches!(refusal, Refusal::Resolve(_) | Refusal::ConnectTimeout(_) | Refusal::Refused | Refusal::Connect(_));
    let hint = match keeper {
        Keeper::Backend if behind => "the router passes TLS through: the backend itself must answer the TLS handshake",
        _ => way_out(refusal),
    };
    Judgement::new(Verdict::Unreachable, reason).with_hint(hint)
}

fn way_out(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::UnrecognizedName => {
            "give the router a `tls.certResolver`, or add a certificate that covers the name under `tls.certificates`"
        }
        Refusal::Alert(AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion) => {
            "this check speaks TLS 1.2 and 1.3 with RSA, P-256, P-384 and Ed25519 keys; the server wants something else, or a client certificate"
        }
        Refusal::Alert(_) => "look at the TLS options of the router and at Traefik's log",
        Refusal::NotTls => "the address is not Traefik's TLS entry point: give another `address`",
        Refusal::Unproved => {
            "check that the certificate file and the key file belong together, and that an RSA key has 2048 bits or more"
        }
        Refusal::TooLarge | Refusal::Tls(_) | Refusal::Closed(_) => {
            "check that the address is Traefik's TLS entry point, and look at Traefik's log"
        }
        Refusal::HandshakeTimeout(_) => {
            "it hangs, or it waits for something else than TLS; check that the address is Traefik's TLS entry point"
        }
        Refusal::Resolve(_) | Refusal::ConnectTimeout(_) | Refusal::Refused | Refusal::Connect(_) => {
            "where a container publishes another port, give `address` (HOST:PORT) or set TRAEFIK_TLS_ADDRESS"
        }
    }
}

fn how_to_get_one(host: &Host, keeper: Keeper<'_>) -> String {
    match keeper {
        Keeper::Backend => format!("the router passes TLS through: the backend must have a certificate for {host}"),
        Keeper::Traefik { resolver: Some(resolver) } => format!(
            "the resolver `{resolver}` has no certificate for {host}: look for its errors in Traefik's log (an unknown resolver name shows up only there)"
        ),
        Keeper::Unknown => format!(
            "check whether a router serves {host} with TLS there (Traefik shows its default to any other name), and that a certificate covers it"
        ),
        Keeper::Traefik { resolver: None } => format!(
            "give the router a `tls.certResolver`, or add a certificate that covers {host} under `tls.certificates`; a missing or broken certificate file shows up only in Traefik's log"
        ),
    }
}

fn how_to_renew(keeper: Keeper<'_>) -> String {
    match keeper {
        Keeper::Backend => "the router passes TLS through: renew the certificate at the backend".into(),
        Keeper::Traefik { resolver: Some(resolver) } => {
            format!("the resolver `{resolver}` renews by itself 30 days early; look for its errors in Traefik's log")
        }
        Keeper::Unknown => "renew it where it is made; Traefik's log tells why a certificate resolver did not".into(),
        Keeper::Traefik { resolver: None } => {
            "replace the certificate file, then let Traefik reload (`reload_config`): it does not watch certificate files".into()
        }
    }
}

/// The names of a certificate for a sentence: a few of them.
fn names(leaf: &Leaf) -> String {
    let sans = leaf.sans();
    if sans.is_empty() {
        return "no name at all (it has no subject alternative name; clients ignore the common name)".into();
    }
    let few = sans.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match leaf.sans_total().saturating_sub(3) {
        0 => few,
        more => format!("{few} and {more} more"),
    }
}

fn day(then: OffsetDateTime) -> Date {
    then.date()
}

fn left(days: i64) -> String {
    match days {
        0 => "less than a day left".into(),
        1 => "1 day left".into(),
        days => format!("{days} days left"),
    }
}

fn ago(since: Duration) -> String {
    match since.whole_days() {
        0 => "less than a day ago".into(),
        1 => "1 day ago".into(),
        days => format!("{days} days ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Keeper<'_> = Keeper::Traefik { resolver: None };

    fn judged(from: i64, until: i64, warn_days: u32) -> (Verdict, i64) {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let clock = Clock { now, warn_days };
        let (from, until) = (now + Duration::seconds(from), now + Duration::seconds(until));
        (of_dates(from, until, NOBODY, clock).verdict, clock.days_until(until))
    }

    #[test]
    fn the_borders_between_the_dates_are_sharp() {
        const DAY: i64 = 86_400;
        assert_eq!(judged(-DAY, 30 * DAY, 30), (Verdict::Ok, 30));
        assert_eq!(judged(-DAY, 30 * DAY - 1, 30), (Verdict::Expiring, 29));
        assert_eq!(judged(-DAY, 1, 30), (Verdict::Expiring, 0));
        assert_eq!(judged(-DAY, 0, 30), (Verdict::Expiring, 0));
        assert_eq!(judged(-DAY, 0, 0), (Verdict::Ok, 0));
        assert_eq!(judged(-DAY, -1, 0), (Verdict::Expired, -1));
        assert_eq!(judged(0, DAY, 0), (Verdict::Ok, 1));
        assert_eq!(judged(1, DAY, 30), (Verdict::NotYetValid, 1));
        // It would be over before it begins: the end is what counts.
        assert_eq!(judged(1, -1, 30), (Verdict::Expired, -1));
    }

    #[test]
    fn the_hint_names_who_can_help() {
        let host = Host::parse("a.test").unwrap();
        assert!(how_to_get_one(&host, Keeper::Traefik { resolver: Some("le") }).contains("`le`"));
        assert!(how_to_get_one(&host, NOBODY).contains("tls.certificates"));
        for hint in [how_to_get_one(&host, Keeper::Backend), how_to_renew(Keeper::Backend)] {
            assert!(hint.contains("backend"), "{hint}");
        }
    }

    #[test]
    fn verdicts_are_told_by_the_word_that_they_are_serialised_as() {
        use Verdict::*;
        for verdict in
            [NoTlsRouter, Unreachable, DefaultCert, NameMismatch, Expired, NotYetValid, Expiring, Unknown, Ok]
        {
            assert_eq!(serde_json::json!(verdict), verdict.word());
        }
    }
}
