//! A certificate made at start, for this run only, and the TLS configuration that uses it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _, SanType};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A server's TLS side.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// Base64 of the SHA-256 of the public key: what `--ignore-certificate-errors-spki-list`
    /// of a test browser takes.
    pub(crate) spki: String,
}

/// Makes a key and a self-signed certificate for the loopback names and `names`.
pub(crate) fn identity(names: &[String]) -> Result<Identity, String> {
    make(names).map_err(|error| format!("cannot make a certificate: {error}"))
}

fn make(names: &[String]) -> Result<Identity, Box<dyn std::error::Error>> {
    let mut all = vec!["localhost".to_owned(), "*.localhost".to_owned()];
    all.extend(names.iter().cloned());
    let mut params = CertificateParams::new(all)?;
    for address in [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ] {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity {
        config: Arc::new(config),
        spki: STANDARD.encode(digest),
    })
}
