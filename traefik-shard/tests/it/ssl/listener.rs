//! Servers that show certificates of every kind, in the test's own process.
//!
//! Invariant: a listener ends when it is dropped.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, SanType};
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A server on a port of its own.
pub(super) struct Listener {
    port: u16,
    peak: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// What a server does with a connection.
#[derive(Clone)]
pub(super) enum Act {
    /// A handshake, and then nothing.
    Tls(Arc<ServerConfig>),
    /// The same, once so many connections are open.
    Together(Arc<ServerConfig>, Arc<Barrier>),
    /// An HTTP answer to whatever comes.
    Plain,
    /// Nothing, for ever.
    Hang,
}

impl Listener {
    /// Starts it on a free port.
    pub(super) async fn start(act: Act) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let peak = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, act, Arc::clone(&peak)));
        Self { port, peak, _tasks: tasks }
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The most connections that were open at one time.
    pub(super) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, act: Act, peak: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        peak.fetch_max(open.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let (act, open) = (act.clone(), Arc::clone(&open));
        connections.spawn(async move {
            answer(stream, act, &open).await;
        });
    }
}

async fn answer(mut stream: TcpStream, act: Act, open: &AtomicUsize) {
    let config = match act {
        Act::Hang => return std::future::pending().await,
        Act::Plain => {
            drop(stream.read(&mut [0; 1024]).await);
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await);
            return;
        }
        Act::Tls(config) => config,
        Act::Together(config, barrier) => {
            barrier.wait().await;
            config
        }
    };
    // Counted down first: the client may come again as soon as the handshake is over.
    open.fetch_sub(1, Ordering::Relaxed);
    // A client that breaks off is what some tests are about.
    drop(TlsAcceptor::from(config).accept(stream).await);
}

/// A certificate to show, and its key.
pub(super) struct Made {
    pub(super) der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// Days from now.
pub(super) fn days(count: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(count)
}

/// A certificate for these names, valid between two days from now, signed by "Lab CA".
pub(super) fn made(names: &[&str], from: i64, until: i64) -> Made {
    made_with(|params| {
        params.subject_alt_names = names.iter().map(|name| san(name)).collect();
        (params.not_before, params.not_after) = (days(from), days(until));
    })
}

/// A certificate that is changed before "Lab CA" signs it.
pub(super) fn made_with(change: impl FnOnce(&mut CertificateParams)) -> Made {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (mut authority, mut params) = (CertificateParams::default(), CertificateParams::default());
    authority.distinguished_name = common_name("Lab CA");
    params.distinguished_name = common_name("the subject");
    change(&mut params);
    let signed = params.signed_by(&key, &Issuer::from_params(&authority, &authority_key)).unwrap();
    Made { der: signed.der().clone(), key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
}

/// A name of which only the common name is set.
pub(super) fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn san(name: &str) -> SanType {
    match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().unwrap()),
    }
}

/// What a server may do besides showing its certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Nothing,
    ClientCertificate,
}

/// A server that shows this chain, whoever asks; a wrong key is not noticed here.
pub(super) fn config(
    versions: &[&'static SupportedProtocolVersion],
    shown: Vec<CertificateDer<'static>>,
    key: &Made,
    wants: Wants,
) -> Arc<ServerConfig> {
    let key = CertifiedKey::new(shown, any_supported_type(&key.key).unwrap());
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(versions).unwrap();
    let builder = match wants {
        Wants::Nothing => builder.with_no_client_auth(),
        Wants::ClientCertificate => {
            let mut roots = RootCertStore::empty();
            roots.add(made_with(|_| {}).der).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    Arc::new(builder.with_cert_resolver(Arc::new(Always(Some(Arc::new(key))))))
}

/// A server without any certificate, which breaks every handshake off.
pub(super) fn without_certificate() -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(builder.with_cert_resolver(Arc::new(Always(None))))
}

#[derive(Debug)]
struct Always(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}
