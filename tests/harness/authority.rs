//! A certificate authority of a test's or a benchmark's own.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// An authority that no client trusts by itself. Its key exists only in memory.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Generates one.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate() -> Result<Self> {
        let mut params = CertificateParams::new(vec![])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority of the tests");
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// The root certificate, for example for `AWS_CA_BUNDLE`.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Accepts TLS connections to 127.0.0.1 under a certificate of this authority.
    ///
    /// # Errors
    /// If the certificate cannot be made.
    pub fn acceptor(&self) -> Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &self.0)?;
        // Like AWS, the chain without its root.
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
