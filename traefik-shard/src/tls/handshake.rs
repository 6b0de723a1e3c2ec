//! One TLS handshake, only to see which certificate a server shows for a name.
//!
//! No certificate is refused for what it says; that the server holds its key is checked. No data
//! is sent over the connection, and it is closed when the handshake has ended.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, InvalidMessage, SignatureScheme,
};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::tls::address::Address;

/// How long a handshake may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// For the name of the server and the connection.
    pub(crate) connect: Duration,
    /// For the handshake itself.
    pub(crate) handshake: Duration,
}

/// The certificates that a server showed, its own first; never empty.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// Such as `TLSv1.3`; none where the server broke off after it had shown and proved its certificate.
    pub(crate) version: Option<&'static str>,
}

/// Why there is no certificate to look at.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the name `{0}` does not resolve")]
    Resolve(String),
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("nothing listens there: the connection was refused")]
    Refused,
    #[error("no connection ({0})")]
    Connect(io::ErrorKind),
    #[error("connected, but the TLS handshake did not end within {0:?}")]
    HandshakeTimeout(Duration),
    #[error("what listens there does not speak TLS")]
    NotTls,
    #[error("the server refused the name (TLS alert `unrecognized_name`)")]
    UnrecognizedName,
    #[error("the server broke the handshake off (TLS alert {0:?})")]
    Alert(AlertDescription),
    #[error("the server closed the connection during the handshake ({0})")]
    Closed(io::ErrorKind),
    #[error("the server could not prove that it holds the key of the certificate it shows, or that key is too short")]
    Unproved,
    #[error("the server sent more certificates than fit into a TLS message")]
    TooLarge,
    #[error("the TLS handshake failed ({0})")]
    Tls(rustls::Error),
}

/// Connects, asks for `name` (SNI, unless it is an IP address) and returns what is shown.
///
/// Dropping the future closes the connection.
pub(crate) async fn look(address: &Address, name: &ServerName<'static>, limits: Limits) -> Result<Chain, Refusal> {
    let stream =
        timeout(limits.connect, connect(address)).await.map_err(|_| Refusal::ConnectTimeout(limits.connect))??;
    let witness = Arc::new(Witness::new());
    let connector = TlsConnector::from(Arc::new(client(&witness)));
    let version = match timeout(limits.handshake, connector.connect(name.clone(), stream)).await {
        Ok(Ok(stream)) => stream.get_ref().1.protocol_version().and_then(|version| version.as_str()),
        // A server that wants a client certificate breaks off only after its own was seen and proved.
        Ok(Err(_)) | Err(_) if witness.has_proof() => None,
        Ok(Err(error)) => return Err(refusal(&error)),
        Err(_) => return Err(Refusal::HandshakeTimeout(limits.handshake)),
    };
    Ok(Chain { certificates: witness.chain(), version })
}

async fn connect(address: &Address) -> Result<TcpStream, Refusal> {
    let unresolved = || Refusal::Resolve(address.host.clone());
    let found: Vec<_> = lookup_host((address.host.as_str(), address.port)).await.map_err(|_| unresolved())?.collect();
    if found.is_empty() {
        return Err(unresolved());
    }
    TcpStream::connect(found.as_slice()).await.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Refusal::Refused,
        kind => Refusal::Connect(kind),
    })
}

/// TLS 1.2 and 1.3, without resumption: a resumed session shows no certificate.
fn client(witness: &Arc<Witness>) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider supports the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn refusal(error: &io::Error) -> Refusal {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return Refusal::Closed(error.kind());
    };
    match error {
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => Refusal::UnrecognizedName,
        rustls::Error::AlertReceived(alert) => Refusal::Alert(*alert),
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => Refusal::Unproved,
        rustls::Error::InvalidMessage(
            InvalidMessage::CertificatePayloadTooLarge | InvalidMessage::HandshakePayloadTooLarge,
        ) => Refusal::TooLarge,
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => Refusal::NotTls,
        other => Refusal::Tls(other.clone()),
    }
}

/// Takes any certificate and keeps it; only a wrong signature by its key ends the handshake.
#[derive(Debug)]
struct Witness {
    algorithms: WebPkiSupportedAlgorithms,
    chain: Mutex<Vec<CertificateDer<'static>>>,
    proof: AtomicBool,
}

impl Witness {
    fn new() -> Self {
        let algorithms = provider().signature_verification_algorithms;
        Self { algorithms, chain: Mutex::default(), proof: AtomicBool::new(false) }
    }

    fn has_proof(&self) -> bool {
        self.proof.load(Ordering::Acquire)
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn settle(
        &self,
        checked: Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match checked {
            // A certificate that the checker cannot read (an old version, an odd extension) is still shown.
            Err(rustls::Error::InvalidCertificate(fault)) if fault != CertificateError::BadSignature => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        self.proof.store(true, Ordering::Release);
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = std::iter::once(end_entity).chain(intermediates);
        let owned = shown.map(|certificate| certificate.clone().into_owned()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = owned;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.settle(verify_tls12_signature(message, certificate, signature, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.settle(verify_tls13_signature(message, certificate, signature, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
