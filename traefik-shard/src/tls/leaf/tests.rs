//! Certificates of all kinds, made on the spot.

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, Issuer, KeyPair, SanType, date_time_ymd};

use super::*;

fn made(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn named(sans: &[&str]) -> Leaf {
    let der = made(|params| {
        params.subject_alt_names = sans
            .iter()
            .map(|san| match san.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName((*san).try_into().unwrap()),
            })
            .collect();
    });
    Leaf::read(&der).unwrap()
}

fn matches(sans: &[&str], host: &str) -> bool {
    named(sans).matches(&Host::parse(host).unwrap())
}

#[test]
fn a_name_matches_itself_whatever_its_case() {
    assert!(matches(&["App.Example.com"], "app.example.COM"));
    assert!(matches(&["a.test", "b.test"], "b.test"));
    assert!(!matches(&["app.example.com"], "www.app.example.com"));
    assert!(!matches(&["app.example.com"], "example.com"));
    assert!(!matches(&[], "app.example.com"));
}

#[test]
fn a_wildcard_matches_one_label_and_no_more() {
    assert!(matches(&["*.example.com"], "app.example.com"));
    assert!(matches(&["*.example.com"], "*.example.com"));
    assert!(!matches(&["*.example.com"], "example.com"));
    assert!(!matches(&["*.example.com"], "a.b.example.com"));
    assert!(!matches(&["a*.example.com"], "app.example.com"));
    assert!(!matches(&["app.example.com"], "*.example.com"));
}

#[test]
fn addresses_match_addresses_and_never_names() {
    assert!(matches(&["192.168.1.5"], "192.168.1.5"));
    assert!(matches(&["::1"], "[::1]"));
    assert!(!matches(&["192.168.1.5"], "192.168.1.6"));
    assert!(!matches(&["nas.lan"], "192.168.1.5"));
}

#[test]
fn the_common_name_is_shown_and_never_matched() {
    let der = made(|params| params.distinguished_name.push(DnType::CommonName, "app.example.com"));
    let leaf = Leaf::read(&der).unwrap();
    assert_eq!(leaf.subject_cn.as_deref(), Some("app.example.com"));
    assert!(!leaf.matches(&Host::parse("app.example.com").unwrap()));
}

#[test]
fn issuer_dates_and_fingerprint_are_read() {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::OrganizationName, "Lab");
    let issuer = Issuer::from_params(&authority, &authority_key);
    let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
    params.not_before = date_time_ymd(1975, 1, 2);
    params.not_after = date_time_ymd(4096, 3, 4);
    let der = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec();
    let leaf = Leaf::read(&der).unwrap();
    assert_eq!(leaf.issuer, "O=Lab");
    assert!(!leaf.self_signed);
    assert_eq!((leaf.not_before, leaf.not_after), (date_time_ymd(1975, 1, 2), date_time_ymd(4096, 3, 4)));
    assert_eq!(leaf.sha256.len(), 64);
    assert_eq!(leaf.sha256, Leaf::read(&der).unwrap().sha256);
    assert_ne!(leaf.sha256, named(&["a.test"]).sha256);
}

#[test]
fn traefiks_own_certificate_is_known_by_its_name() {
    let der = made(|params| params.distinguished_name.push(DnType::CommonName, "TRAEFIK DEFAULT CERT"));
    let leaf = Leaf::read(&der).unwrap();
    assert!(leaf.is_default && leaf.self_signed);
    assert!(!named(&["a.test"]).is_default);
}

#[test]
fn hostile_text_in_a_certificate_is_shown_short_and_clean() {
    let der = made(|params| {
        let nasty = format!("evil\r\n\u{1b}[2J\u{202e}{}", "x".repeat(5 << 20));
        params.distinguished_name.push(DnType::CommonName, nasty);
        params.subject_alt_names =
            (0..500).map(|i| SanType::DnsName(format!("a{i}\u{7}.test").try_into().unwrap())).collect();
    });
    let leaf = Leaf::read(&der).unwrap();
    for text in
        [leaf.subject_cn.as_deref().unwrap(), &leaf.issuer].into_iter().chain(leaf.sans().iter().map(String::as_str))
    {
        assert!(text.chars().count() <= 201 && !text.chars().any(char::is_control), "{text:?}");
    }
    assert_eq!((leaf.sans().len(), leaf.sans_total()), (NAMES_SHOWN, 500));
}

#[test]
fn broken_bytes_are_an_error_and_odd_names_are_left_out() {
    assert!(Leaf::read(b"").is_err());
    assert!(Leaf::read(&[0x30; 70_000]).is_err());
    let whole = made(|_| {});
    for cut in 1..whole.len() {
        assert!(Leaf::read(&whole[..cut]).is_err(), "{cut} bytes");
    }
    // A DNS name that is not UTF-8, and an address of 3 bytes.
    let der = made(|params| {
        let content = vec![0x30, 0x09, 0x82, 0x02, 0xff, 0xfe, 0x87, 0x03, 1, 2, 3];
        params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], content));
    });
    assert_eq!(Leaf::read(&der).unwrap().sans_total(), 0);
}
