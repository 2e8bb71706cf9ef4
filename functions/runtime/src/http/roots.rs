use std::{fs, io};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, Der, TrustAnchor, pem::PemObject},
};

/// The roots of AWS's own certificates, as `build.rs` picks them.
const AMAZON: &[TrustAnchor<'static>] = &include!(concat!(env!("OUT_DIR"), "/amazon_roots.rs"));

/// Certificates that are trusted in addition to the compiled-in ones: those of a proxy between us and AWS.
#[derive(Clone, Debug, Default)]
pub struct CaBundle {
    certificates: Vec<CertificateDer<'static>>,
}

/// Why a file is no [`CaBundle`].
#[derive(Debug, thiserror::Error)]
pub enum CaBundleError {
    /// The file isn't there, or may not be read.
    #[error("the file can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It holds nothing that begins like a certificate in PEM.
    #[error("the file holds no certificate in PEM")]
    Empty,
    /// One of its certificates can't be read. The error names its position.
    #[error("certificate {0} of the file can't be used")]
    Malformed(usize),
}

impl CaBundle {
    /// The certificates of a file in PEM.
    ///
    /// # Errors
    /// [`CaBundleError`].
    pub fn read(path: &str) -> Result<Self, CaBundleError> {
        Self::from_pem(&fs::read(path)?)
    }

    fn from_pem(pem: &[u8]) -> Result<Self, CaBundleError> {
        let mut certificates = vec![];
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let is_usable = |it: &CertificateDer<'static>| RootCertStore::empty().add(it.clone()).is_ok();
            let certificate = certificate.ok().filter(is_usable).ok_or(CaBundleError::Malformed(index + 1))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(CaBundleError::Empty);
        }
        Ok(Self { certificates })
    }

    /// Mozilla's roots and these.
    pub(crate) fn with_the_webs(&self) -> RootCertStore {
        self.with(webpki_roots::TLS_SERVER_ROOTS)
    }

    /// Amazon's roots and these.
    pub(super) fn with_amazons(&self) -> RootCertStore {
        self.with(AMAZON)
    }

    fn with(&self, anchors: &[TrustAnchor<'static>]) -> RootCertStore {
        let mut roots = RootCertStore { roots: anchors.to_vec() };
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }
}

/// These roots and the system's.
pub(super) fn with_the_systems(roots: &RootCertStore) -> RootCertStore {
    let mut roots = roots.clone();
    // Some systems keep certificates that cannot be used. With none at all the others are what there is.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::{Engine, prelude::BASE64_STANDARD};
    use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

    use super::*;

    /// Source: <https://www.amazontrust.com/repository/>, the column SHA-256 of the five roots.
    const PUBLISHED: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn pem(certificate: &[u8]) -> Vec<u8> {
        let text = BASE64_STANDARD.encode(certificate);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n").into_bytes()
    }

    fn amazons() -> Vec<&'static CertificateDer<'static>> {
        let is = |wanted: &str, der: &CertificateDer<'_>| hex(digest(&SHA256, der).as_ref()) == wanted;
        let find = |wanted| TLS_SERVER_ROOT_CERTS.iter().find(|der| is(wanted, der)).unwrap();
        PUBLISHED.into_iter().map(find).collect()
    }

    #[test]
    fn the_roots_compiled_in_are_the_ones_that_amazon_publishes() {
        let mut published = RootCertStore::empty();
        for certificate in amazons() {
            published.add(certificate.clone()).unwrap();
        }
        assert_eq!(published.roots, AMAZON);
    }

    #[test]
    fn a_bundle_is_refused_that_is_missing_empty_or_damaged() {
        assert!(matches!(CaBundle::read("/nowhere/ca.pem"), Err(CaBundleError::Unreadable(_))));
        assert!(matches!(CaBundle::from_pem(b"no PEM"), Err(CaBundleError::Empty)));
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(CaBundle::from_pem(garbage), Err(CaBundleError::Malformed(1))));
        let second = [pem(amazons()[0]), garbage.to_vec()].concat();
        assert!(matches!(CaBundle::from_pem(&second), Err(CaBundleError::Malformed(2))));
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA";
        assert!(matches!(CaBundle::from_pem(cut), Err(CaBundleError::Malformed(1))));
    }

    #[test]
    fn a_bundle_is_trusted_in_addition_to_the_webs_roots_and_amazons() {
        let (none, one) = (CaBundle::default(), CaBundle::from_pem(&pem(amazons()[0])).unwrap());
        assert_eq!(none.with_the_webs().roots, webpki_roots::TLS_SERVER_ROOTS);
        assert_eq!(one.with_the_webs().len(), none.with_the_webs().len() + 1);
        assert_eq!(none.with_amazons().roots, AMAZON);
        assert_eq!(one.with_amazons().len(), AMAZON.len() + 1);
    }
}
