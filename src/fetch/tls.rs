//! Secure connections: whose certificates are believed, and what is said of a server that does not have one.

use std::{error::Error, sync::Arc};

use rustls::{CertificateError, ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_platform_verifier::Verifier;

use super::error::causes;

/// A set-up that believes whom the system believes: its own list of authorities, or that of `SSL_CERT_FILE`.
///
/// # Errors
/// TLS can't be used at all.
pub(super) fn set_up() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = trusting_system(&provider).or_else(|reason| {
        // A container built from nothing has no certificates. Mozilla's list, as built in, does there; a system that
        // has its own is believed, because its operator may have added or struck some.
        tracing::warn!(%reason, "no certificates of the system's own, taking the built-in list");
        trusting_built_in(&provider)
    })?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn trusting_system(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let verifier = Verifier::new(Arc::clone(provider))?;
    Ok(ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn trusting_built_in(provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Ok(ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Why there is no secure connection, in words that stay the same from one attempt to the next; `None` where the failure
/// is about something else.
pub fn trouble(error: &(dyn Error + 'static)) -> Option<String> {
    let error = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    Some(match error {
        rustls::Error::InvalidCertificate(certificate) => untrusted(certificate),
        rustls::Error::InvalidMessage(_) => "what it sent is no TLS".to_owned(),
        other => other.to_string(),
    })
}

fn untrusted(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "its certificate is from an authority that this system does not trust".into()
        }
        CertificateError::NotValidForName => "its certificate is for another name".into(),
        CertificateError::NotValidForNameContext { expected, .. } => {
            format!("its certificate is for another name than `{}`", expected.to_str())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".into()
        }
        CertificateError::BadSignature => "its certificate is not signed by the authority that it names".into(),
        CertificateError::Revoked => "its certificate was revoked".into(),
        other => format!("its certificate can't be trusted: {other}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{io, time::Duration};

    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    #[test]
    fn a_client_can_be_built_without_the_system_s_certificates() {
        assert!(trusting_built_in(&Arc::new(rustls::crypto::ring::default_provider())).is_ok());
    }

    #[test]
    fn trouble_is_said_in_the_same_words_at_each_attempt() {
        let said = |error: rustls::Error| trouble(&io::Error::new(io::ErrorKind::InvalidData, error)).unwrap();
        let expired = |seconds| {
            let (time, not_after) = (
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                UnixTime::since_unix_epoch(Duration::from_secs(9)),
            );
            said(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { time, not_after }))
        };
        assert_eq!(expired(10), "its certificate has expired");
        assert_eq!(expired(10), expired(11));
        let expected = ServerName::try_from("mail.example.org").unwrap();
        let presented = vec!["DnsName(\"other.example.org\")".to_owned()];
        let other = CertificateError::NotValidForNameContext { expected, presented };
        assert_eq!(said(other.into()), "its certificate is for another name than `mail.example.org`");
        assert_eq!(
            said(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)),
            "what it sent is no TLS"
        );
        assert_eq!(trouble(&io::Error::other("the line is cut")), None);
    }
}
