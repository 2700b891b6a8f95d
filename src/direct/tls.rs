//! Who the two sides of a copy are to each other: two certificates that were made for it.

use std::{io, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// The one name in these certificates. Who one is shows by the certificate itself.
const NAME: &str = "tandem";

/// A certificate and its key, in base64.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Certificate {
    /// The certificate.
    pub certificate: String,
    key: String,
}

impl Certificate {
    /// Makes a new one.
    ///
    /// # Errors
    /// When this machine has no random numbers.
    pub(crate) fn draw() -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(io::Error::other)?;
        let key = BASE64_STANDARD.encode(made.signing_key.serialize_der());
        Ok(Self { certificate: BASE64_STANDARD.encode(made.cert.der()), key })
    }
}

/// Who one is, and the one other that counts.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Keys {
    /// Its own certificate and key.
    pub own: Certificate,
    /// The other's certificate.
    pub peer: String,
}

/// What both sides need of their keys.
struct Parts {
    own: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    peer: RootCertStore,
}

impl Parts {
    fn of(keys: &Keys) -> io::Result<Self> {
        let bytes = |text: &str| BASE64_STANDARD.decode(text).map_err(io::Error::other);
        let mut peer = RootCertStore::empty();
        peer.add(CertificateDer::from(bytes(&keys.peer)?)).map_err(io::Error::other)?;
        let own = CertificateDer::from(bytes(&keys.own.certificate)?);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(bytes(&keys.own.key)?));
        Ok(Self { own, key, peer })
    }
}

/// For who listens: nobody but the peer gets in.
///
/// # Errors
/// When the keys are none.
pub(super) fn acceptor(keys: &Keys) -> io::Result<TlsAcceptor> {
    let Parts { own, key, peer } = Parts::of(keys)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(peer), provider.clone())
        .build()
        .map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own], key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// For who connects: it talks to nobody but the peer.
///
/// # Errors
/// When the keys are none.
pub(super) fn connector(keys: &Keys) -> io::Result<Connector> {
    let Parts { own, key, peer } = Parts::of(keys)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(peer)
        .with_client_auth_cert(vec![own], key)
        .map_err(io::Error::other)?;
    Ok(Connector(TlsConnector::from(Arc::new(config))))
}

/// Who connects.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    /// Proves both sides to each other.
    ///
    /// # Errors
    /// When the other is not the peer, or the connection breaks.
    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<client::TlsStream<TcpStream>> {
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

/// The listening side of a connection.
pub(super) type Accepted = server::TlsStream<TcpStream>;
/// The connecting side of one.
pub(super) type Connected = client::TlsStream<TcpStream>;

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    fn pair() -> (Keys, Keys) {
        let [a, b] = [(); 2].map(|()| Certificate::draw().expect("random numbers"));
        let (of_a, of_b) = (a.certificate.clone(), b.certificate.clone());
        (Keys { own: a, peer: of_b }, Keys { own: b, peer: of_a })
    }

    /// What a side with one's keys gets from a side with the other's; nothing where they do not know each other.
    async fn says(here: &Keys, there: &Keys) -> Option<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let gives = async {
            let (stream, _) = listener.accept().await.expect("a connection");
            let mut stream = acceptor(here).expect("keys").accept(stream).await.ok()?;
            stream.write_all(b"it is me").await.ok()?;
            stream.shutdown().await.ok()
        };
        let takes = async {
            let stream = TcpStream::connect(address).await.expect("a connection");
            let mut stream = connector(there).expect("keys").connect(stream).await.ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await.ok()?;
            Some(text)
        };
        tokio::join!(gives, takes).1
    }

    #[tokio::test]
    async fn the_two_of_a_copy_know_each_other_and_nobody_else() {
        let (here, there) = pair();
        assert_eq!(says(&here, &there).await.as_deref(), Some("it is me"));
        let (other, _) = pair();
        let stranger = Keys { own: other.own.clone(), peer: there.peer.clone() };
        assert_eq!(says(&here, &stranger).await, None);
        let stranger = Keys { own: other.own, peer: here.peer.clone() };
        assert_eq!(says(&stranger, &there).await, None);
    }
}
