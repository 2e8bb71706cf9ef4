use std::{fs, io};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The roots of AWS's own certificates, as `build.rs` picks them.
pub(super) const AMAZON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/amazon-roots.pem"));

/// Certificates that are trusted beside the ones compiled in: those of whoever stands between us and the world.
#[derive(Clone, Debug, Default)]
pub struct CaBundle {
    pem: Vec<u8>,
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
    /// One of its certificates is damaged, or is none. It is named by its place.
    #[error("certificate {0} of the file can't be used")]
    Malformed(usize),
}

impl CaBundle {
    /// The certificates of a file in PEM.
    ///
    /// # Errors
    /// [`CaBundleError`].
    pub fn read(path: &str) -> Result<Self, CaBundleError> {
        Self::from_pem(fs::read(path)?)
    }

    fn from_pem(pem: Vec<u8>) -> Result<Self, CaBundleError> {
        let mut certificates = vec![];
        for (index, certificate) in CertificateDer::pem_slice_iter(&pem).enumerate() {
            let is_usable = |it: &CertificateDer<'static>| RootCertStore::empty().add(it.clone()).is_ok();
            let certificate = certificate.ok().filter(is_usable).ok_or(CaBundleError::Malformed(index + 1))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(CaBundleError::Empty);
        }
        Ok(Self { pem, certificates })
    }

    /// The file as it is; nothing, where there is none.
    pub(super) fn pem(&self) -> &[u8] {
        &self.pem
    }

    /// Mozilla's roots and these.
    #[must_use]
    pub fn with_the_webs(&self) -> RootCertStore {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        roots
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};

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

    #[test]
    fn the_roots_compiled_in_are_the_ones_that_amazon_publishes() {
        let amazon = CaBundle::from_pem(AMAZON.to_vec()).unwrap();
        let digests: Vec<_> = amazon.certificates.iter().map(|it| hex(digest(&SHA256, it).as_ref())).collect();
        assert_eq!(digests, PUBLISHED);
    }

    #[test]
    fn a_bundle_is_refused_that_is_missing_empty_or_damaged() {
        assert!(matches!(CaBundle::read("/nowhere/ca.pem"), Err(CaBundleError::Unreadable(_))));
        assert!(matches!(CaBundle::from_pem(b"no PEM".to_vec()), Err(CaBundleError::Empty)));
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(CaBundle::from_pem(garbage.to_vec()), Err(CaBundleError::Malformed(1))));
        let second = [AMAZON, garbage].concat();
        assert!(matches!(CaBundle::from_pem(second), Err(CaBundleError::Malformed(6))));
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA";
        assert!(matches!(CaBundle::from_pem(cut.to_vec()), Err(CaBundleError::Malformed(1))));
    }

    #[test]
    fn a_bundle_is_trusted_beside_the_webs_roots() {
        let webs = CaBundle::default().with_the_webs().len();
        assert_eq!(webs, webpki_roots::TLS_SERVER_ROOTS.len());
        assert_eq!(CaBundle::from_pem(AMAZON.to_vec()).unwrap().with_the_webs().len(), webs + 5);
    }
}
