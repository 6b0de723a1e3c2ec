//! `check_ssl_status`: how the certificates of the TLS routes do, by handshake and by the API.
//!
//! Sends nothing but TLS handshakes and API requests, and changes nothing.

use std::collections::BTreeSet;

use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::answer::Answer;
use crate::api::{self, EntryPoint, Snapshot};
use crate::aside::aside;
use crate::failure::{Code, Failure};
use crate::server::Context;
use crate::tls::address::Address;
use crate::tls::handshake::Limits;
use crate::tls::host::Host;
use crate::tls::report::Known;
pub(crate) use crate::tls::report::Report;
use crate::tls::serving::Serving;
use crate::tls::shown;
use crate::tls::survey::{MOST, Way, carry_out, plan};
use crate::tls::verdict::Clock;

/// The most names in one warning.
const NAMED: usize = 5;

/// The arguments of `check_ssl_status`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// One host name, `*.wildcard` or IP address; without it and `domains`: every host of Traefik's TLS routers.
    domain: Option<String>,
    /// Several of them.
    #[serde(default)]
    domains: Vec<String>,
    /// Certificates that end within so many days are `expiring`.
    #[serde(default = "thirty")]
    #[schemars(range(max = 3650))]
    warn_days: u32,
    /// Make a TLS handshake per host; false: judge by Traefik's API alone.
    #[serde(default = "yes")]
    handshake: bool,
    /// HOST:PORT of Traefik's TLS entry point, where it is not the API's host with the entry point's port.
    address: Option<String>,
}

fn thirty() -> u32 {
    30
}

fn yes() -> bool {
    true
}

/// What was asked for, checked.
struct Question {
    hosts: Vec<Host>,
    clock: Clock,
    way: Way,
    /// What was read otherwise than it was written.
    remarks: Vec<String>,
}

/// What the API told.
struct Told {
    snapshot: Option<(Snapshot, Vec<EntryPoint>)>,
    certificates: Option<Vec<api::Certificate>>,
    warnings: Vec<String>,
}

/// Runs the tool.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Answer<Report>, Failure> {
    let question = Question::read(context, &arguments)?;
    let Told { snapshot, certificates, mut warnings } = ask(context, &question).await?;
    let Question { hosts: asked, clock, way, remarks } = question;
    warnings.extend(remarks);
    let hosts = asked.clone();
    // Which of thousands of rules may match a host takes a while to find out.
    let (serving, about, (checks, left)) = aside(move || {
        let serving = snapshot.map(|(snapshot, entry_points)| Serving::read(&snapshot, &entry_points));
        let all = serving.as_ref().filter(|_| hosts.is_empty());
        let about = all.map(about).unwrap_or_default();
        let hosts = all.map_or(hosts, |serving| serving.hosts().into_iter().collect());
        let planned = plan(hosts, serving.as_ref(), &way);
        (serving, about, planned)
    })
    .await;
    warnings.extend(about);
    if !left.is_empty() {
        warnings.push(format!(
            "{} hosts were not checked: one call makes at most {MOST} checks; ask for them with `domains`",
            left.len()
        ));
    }
    let settings = &context.settings;
    let seen =
        carry_out(&checks, Limits { connect: settings.connect_timeout, handshake: settings.request_timeout }).await;
    let known = Known { serving: serving.as_ref(), certificates: certificates.as_deref(), clock };
    let statuses = checks.into_iter().zip(seen).map(|(check, seen)| known.status(check, seen)).collect();
    let mut body = Report::new(statuses, &left, clock);
    body.certificates = known.loaded(&asked);
    body.warnings = warnings;
    Ok(Answer { text: body.text(), body })
}

impl Question {
    fn read(context: &Context, arguments: &Arguments) -> Result<Self, Failure> {
        let clock = Clock { now: OffsetDateTime::now_utc(), warn_days: arguments.warn_days };
        if arguments.warn_days > 3650 {
            return Err(Failure::new(Code::InvalidInput, "`warn_days` is over 3650", "give at most 3650 days"));
        }
        let (mut hosts, mut remarks) = (BTreeSet::new(), Vec::new());
        for text in arguments.domain.iter().chain(&arguments.domains) {
            let host = Host::parse(text).map_err(|fault| {
                let message = format!("`{}` is not a host: {fault}", shown(text));
                Failure::new(Code::InvalidInput, message, "give names such as app.example.com or *.example.com")
            })?;
            if !text.is_ascii() && remarks.len() < NAMED {
                remarks.push(format!("`{}` is checked as {host}, its ASCII form", shown(text)));
            }
            hosts.insert(host);
        }
        let way = Self::way(context, arguments)?;
        Ok(Self { hosts: hosts.into_iter().collect(), clock, way, remarks })
    }

    fn way(context: &Context, arguments: &Arguments) -> Result<Way, Failure> {
        if !arguments.handshake {
            return Ok(Way::None);
        }
        let given = arguments.address.as_ref().map(|text| (text, Code::InvalidInput, "address"));
        let set = context.settings.tls_address.as_ref().map(|text| (text, Code::NotConfigured, "TRAEFIK_TLS_ADDRESS"));
        if let Some((text, code, origin)) = given.or(set) {
            let address = Address::parse(text).map_err(|fault| {
                let message = format!("`{}` of `{origin}` is not an address: {fault}", shown(text));
                Failure::new(code, message, "give HOST:PORT, such as 192.168.1.10:443")
            })?;
            return Ok(Way::To(address));
        }
        let host = context.settings.api_url.host_str().unwrap_or("127.0.0.1");
        Ok(Way::ByEntryPoint(host.trim_matches(['[', ']']).to_owned()))
    }
}

/// Asks the API; it may be out of reach where hosts and address are known without it.
async fn ask(context: &Context, question: &Question) -> Result<Told, Failure> {
    let api = &context.api;
    let (snapshot, entry_points) = match tokio::try_join!(api.raw(), api.entry_points()) {
        Ok(answers) => answers,
        Err(failure) if !question.hosts.is_empty() && matches!(question.way, Way::To(_)) => {
            let warning =
                format!("judged by the handshake alone, routers and loaded certificates are not known ({failure})");
            return Ok(Told { snapshot: None, certificates: None, warnings: vec![warning] });
        }
        Err(failure) => {
            let message = format!("which hosts Traefik serves, and where, is not known ({failure})");
            let hint = "make the API reachable, or give `domain` and `address` (HOST:PORT) for handshakes without it";
            return Err(Failure::new(failure.code(), message, hint));
        }
    };
    let mut warnings = Vec::new();
    let certificates = match api.certificates().await {
        Ok(Some(certificates)) => Some(certificates),
        Ok(None) => {
            warnings.push("the list of loaded certificates (`/api/certificates`) needs Traefik 3.7 or newer".into());
            None
        }
        Err(failure) => {
            warnings.push(format!("the list of loaded certificates cannot be read ({failure})"));
            None
        }
    };
    Ok(Told { snapshot: Some((snapshot, entry_points)), certificates, warnings })
}

/// What a check of all hosts leaves out.
fn about(serving: &Serving) -> Vec<String> {
    let some = |names: Vec<&str>| {
        let few = names.iter().take(NAMED).map(|name| format!("`{}`", shown(name))).collect::<Vec<_>>().join(", ");
        if names.len() > NAMED { format!("{few} and {} more", names.len() - NAMED) } else { few }
    };
    let mut warnings = Vec::new();
    let nameless: Vec<_> = serving.nameless().collect();
    if !nameless.is_empty() {
        warnings.push(format!("TLS routers that name no host cannot be checked without `domain`: {}", some(nameless)));
    }
    let odd: Vec<_> = serving.odd().collect();
    if !odd.is_empty() {
        warnings.push(format!("rules hold hosts that are no host names, no client reaches them: {}", some(odd)));
    }
    warnings
}
