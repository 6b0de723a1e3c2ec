//! The commands at a gateway behind a proxy that speaks TLS.
//!
//! Invariant: what cannot prove its name is asked nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{Said, command, ended, folder};
use crate::support::{Gateway, fake_shard};

/// A proxy with a certificate for `localhost` alone, and the file of the authority that signed it.
struct Proxy {
    port: u16,
    authority: PathBuf,
    _tasks: JoinSet<()>,
}

impl Proxy {
    async fn before(gateway: &Gateway) -> Self {
        let (authority, config) = certified(gateway.dir().path());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (acceptor, target) = (TlsAcceptor::from(config), gateway.host().to_owned());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                connections.spawn(async move {
                    // A client that does not trust us breaks off here.
                    let Ok(mut outer) = acceptor.accept(stream).await else { return };
                    let mut inner = TcpStream::connect(target).await.unwrap();
                    drop(copy_bidirectional(&mut outer, &mut inner).await);
                });
            }
        });
        Self { port, authority, _tasks: tasks }
    }

    /// Asks by way of the proxy, called `host`, and trusts the authorities of this file.
    async fn ask(&self, host: &str, trusted: &Path, words: &[&str]) -> Said {
        let elsewhere = folder(&[]);
        let url = format!("https://{host}:{}", self.port);
        let mut command = command(&[words, &["--url", &url]].concat(), elsewhere.path());
        ended(command.env("SSL_CERT_FILE", trusted).spawn().unwrap()).await
    }
}

fn certified(dir: &Path) -> (PathBuf, Arc<ServerConfig>) {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let file = dir.join("authority.pem");
    fs::write(&file, authority.self_signed(&authority_key).unwrap().pem()).unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let signed = params.signed_by(&key, &Issuer::from_params(&authority, &authority_key)).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    (file, Arc::new(builder.with_single_cert(vec![signed.der().clone()], key).unwrap()))
}

#[tokio::test]
async fn a_gateway_behind_tls_is_asked_only_if_its_certificate_holds() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let proxy = Proxy::before(&gateway).await;

    let ask = async |words: &[&str]| proxy.ask("localhost", &proxy.authority, words).await;
    assert!(ask(&["list"]).await.good().contains("\nfake__echo"));
    assert_eq!(ask(&["call", "fake__echo", "a=1", "--json"]).await.json()["structuredContent"]["a"], 1);
    let stepwise = ask(&["call", "fake__progress", "n=2", "--progress", "lines"]).await;
    assert_eq!((stepwise.code, stepwise.err.lines().count()), (Some(0), 2), "{stepwise:?}");
    ask(&["status", "--live"]).await.good();

    let misnamed = proxy.ask("127.0.0.1", &proxy.authority, &["status"]).await;
    assert!(misnamed.bad(3).contains("certificate not valid for name \"127.0.0.1\""), "{misnamed:?}");
    let elsewhere = folder(&[]);
    let (other, _) = certified(elsewhere.path());
    let unknown = proxy.ask("localhost", &other, &["call", "fake__echo", "a=1"]).await;
    assert!(unknown.bad(3).contains("invalid peer certificate"), "{unknown:?}");
    assert_eq!(gateway.shard("fake").await["calls"], 2, "the stranger's call was not made");
    gateway.stop().await;
}
