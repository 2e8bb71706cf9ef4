//! What is wrong with a certificate, in the words of the operator who fixes it.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use webpki::EndEntityCert;

use super::finding::Judgement;
use crate::ui::count::counted;

/// Why a client that trusts only the public authorities refuses a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CertificateFault {
    /// It is its own issuer.
    SelfSigned,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// It is for another name.
    OtherName,
    /// No chain to a public authority, with this many further certificates.
    Unchained(usize),
    /// Something rarer.
    Other(String),
}

impl CertificateFault {
    fn of(error: &CertificateError, certificate: &CertificateDer<'_>, beside: usize) -> Self {
        // Before all else: to renew it, or to give it another name, would not help.
        if is_self_signed(certificate) {
            return Self::SelfSigned;
        }
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::Early,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::OtherName,
            CertificateError::UnknownIssuer => Self::Unchained(beside),
            other => Self::Other(other.to_string()),
        }
    }

    pub(super) fn judgement(&self) -> Judgement {
        let (seen, fix) = match self {
            Self::SelfSigned => (
                "the certificate is self-signed".to_owned(),
                "Kakao trusts public authorities only: get a certificate of one (ACM, Let's Encrypt)",
            ),
            Self::Expired => ("the certificate has expired".to_owned(), "renew it, and see that it renews itself"),
            Self::Early => {
                ("the certificate isn't valid yet".to_owned(), "wait until it is, or set this machine's clock")
            }
            Self::OtherName => (
                "the certificate is for another name".to_owned(),
                "get one for the name in the address, or register the name that it is for",
            ),
            Self::Unchained(0) => (
                "the server sends a single certificate, which no public authority issued".to_owned(),
                "send the whole chain, the intermediates too (fullchain.pem), of a public authority",
            ),
            Self::Unchained(beside) => (
                format!("the chain of {} leads to no public authority", counted(beside + 1, "certificate")),
                "get a certificate of a public authority and send its whole chain: Kakao trusts no other",
            ),
            Self::Other(what) => (format!("the certificate is refused: {what}"), "get one of a public authority"),
        };
        Judgement::mistake(seen, fix)
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate).is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

/// Trusts the public authorities, as Kakao does, whatever else this machine trusts; and remembers why it
/// refused.
#[derive(Debug)]
pub(super) struct RecordingVerifier {
    public: Arc<WebPkiServerVerifier>,
    fault: Mutex<Option<CertificateFault>>,
}

impl RecordingVerifier {
    /// A witness, and what a client needs to be watched by it.
    ///
    /// # Errors
    /// None that can be fixed.
    pub(super) fn new() -> Result<(Arc<Self>, ClientConfig)> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let public = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let public = public.context("the public authorities can't be read")?;
        let verifier = Arc::new(Self { public, fault: Mutex::default() });
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let watched = Arc::<Self>::clone(&verifier);
        Ok((verifier, config.dangerous().with_custom_certificate_verifier(watched).with_no_client_auth()))
    }

    /// Why it refused the last certificate, once.
    pub(super) fn take(&self) -> Option<CertificateFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        beside: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.public.verify_server_cert(certificate, beside, name, ocsp, now);
        if let Err(Error::InvalidCertificate(error)) = &verified {
            let fault = CertificateFault::of(error, certificate, beside.len());
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.public.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.public.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.public.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_certificate_has_its_own_fix() {
        let certificate = CertificateDer::from(vec![0]);
        let of = |error| CertificateFault::of(&error, &certificate, 0);
        let faults = [
            of(CertificateError::Expired),
            of(CertificateError::NotValidYet),
            of(CertificateError::NotValidForName),
            of(CertificateError::UnknownIssuer),
            of(CertificateError::Revoked),
        ];
        let [expired, early, other_name, unchained, other] = faults.clone();
        assert_eq!((expired, early), (CertificateFault::Expired, CertificateFault::Early));
        assert_eq!((other_name, unchained), (CertificateFault::OtherName, CertificateFault::Unchained(0)));
        assert!(matches!(other, CertificateFault::Other(_)));
        let fixes: std::collections::BTreeSet<_> = faults.iter().map(|fault| fault.judgement().fix).collect();
        assert_eq!(fixes.len(), 5);
    }
}
