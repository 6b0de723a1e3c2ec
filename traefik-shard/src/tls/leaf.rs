//! What a certificate says about itself.
//!
//! Every text in a `Leaf` is fit to be shown; matching uses the bytes of the certificate, never
//! the shown form.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use crate::tls::host::{Host, one_label_above};
use crate::tls::shown;

/// The common name of the certificate that Traefik makes for itself where it has no other.
const TRAEFIK_DEFAULT: &str = "TRAEFIK DEFAULT CERT";

/// The most names of one certificate that are shown; all of them are compared.
pub(crate) const NAMES_SHOWN: usize = 50;

/// The first certificate of a chain.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) subject_cn: Option<String>,
    /// The common name of the issuer, or its whole name where it has none.
    pub(crate) issuer: String,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    /// Issuer and subject are the same.
    pub(crate) self_signed: bool,
    /// It is the one that Traefik made for itself.
    pub(crate) is_default: bool,
    /// SHA-256 of the whole certificate, in lower-case hex.
    pub(crate) sha256: String,
    names: Names,
}

/// The subject alternative names, as they are in the certificate.
#[derive(Clone, Debug, Default)]
struct Names {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Leaf {
    /// Reads DER; the message says what is wrong with it.
    pub(crate) fn read(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| format!("the certificate cannot be read ({error})"))?;
        let subject_cn = common_name(certificate.subject());
        let is_default = subject_cn.as_deref() == Some(TRAEFIK_DEFAULT);
        let issuer = common_name(certificate.issuer()).unwrap_or_else(|| certificate.issuer().to_string());
        Ok(Self {
            subject_cn: subject_cn.as_deref().map(shown),
            issuer: shown(&issuer),
            not_before: certificate.validity().not_before.to_datetime(),
            not_after: certificate.validity().not_after.to_datetime(),
            self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            is_default,
            sha256: fingerprint(der),
            names: Names::of(&certificate),
        })
    }

    /// Would a client that asked for this host take the certificate's names? (RFC 6125: names of
    /// the subject alternative name only, a `*` is one whole label.)
    pub(crate) fn matches(&self, host: &Host) -> bool {
        match host {
            Host::Address(address) => self.names.addresses.contains(address),
            Host::Name(_) | Host::Wildcard(_) => any_name_matches(&self.names.dns, &host.probe()),
        }
    }

    /// The alternative names to show, at most [`NAMES_SHOWN`].
    pub(crate) fn sans(&self) -> Vec<String> {
        let addresses = self.names.addresses.iter().map(ToString::to_string);
        self.names.dns.iter().map(|name| shown(name)).chain(addresses).take(NAMES_SHOWN).collect()
    }

    /// How many alternative names there are.
    pub(crate) fn sans_total(&self) -> usize {
        self.names.dns.len() + self.names.addresses.len()
    }
}

impl Names {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut names = Self::default();
        // Every extension of the kind is read: a second one makes other readers give up instead.
        for extension in certificate.iter_extensions() {
            let ParsedExtension::SubjectAlternativeName(list) = extension.parsed_extension() else { continue };
            for name in &list.general_names {
                match name {
                    GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
                    GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                    _ => {}
                }
            }
        }
        names
    }
}

/// Does one of these names, which may begin with `*.`, cover the full name?
pub(crate) fn any_name_matches<S: AsRef<str>>(patterns: &[S], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = pattern.as_ref().to_ascii_lowercase();
        let pattern = pattern.strip_suffix('.').unwrap_or(&pattern);
        match pattern.strip_prefix("*.") {
            Some(rest) => one_label_above(name, rest),
            None => pattern == name,
        }
    })
}

/// SHA-256 in lower-case hex, as Traefik names its certificates.
fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The last common name of a name: the most specific one, which is the one that clients show.
fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().last().map(text)
}

/// Old certificates hold strings that are not UTF-8: what can be read of them is kept.
fn text(value: &AttributeTypeAndValue<'_>) -> String {
    value.as_str().map_or_else(|_| String::from_utf8_lossy(value.as_slice()).into_owned(), str::to_owned)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
