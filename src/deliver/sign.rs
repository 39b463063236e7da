//! Signs webhooks as Standard Webhooks 1.0.

use chrono::{DateTime, Utc};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use crate::config::Secret;

/// A sink's secrets, ready to sign.
pub struct Signer(Vec<Webhook>);

/// A secret can't be used. It is not named: it is secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("secret {number} is not `whsec_` and base64; `wirewatch secret new` prints one that is")]
pub struct SecretError {
    /// Counted from 1.
    pub number: usize,
}

impl Signer {
    /// Reads the secrets: none leaves webhooks unsigned, several sign each of them while receivers rotate.
    ///
    /// # Errors
    /// One of them is not base64.
    pub fn new(secrets: &[Secret]) -> Result<Self, SecretError> {
        let read = |(i, secret): (usize, &Secret)| {
            Webhook::new(secret.reveal().trim()).map_err(|_| SecretError { number: i + 1 })
        };
        secrets.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The headers of one attempt. The id is the same on every attempt, the time is the attempt's own.
    pub fn headers(&self, id: &str, at: DateTime<Utc>, body: &str) -> Vec<(&'static str, String)> {
        let timestamp = at.timestamp();
        let mut headers = vec![(HEADER_WEBHOOK_ID, id.to_owned()), (HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string())];
        // Signing fails only on a body that is not UTF-8, and this one is a `str`.
        let signatures: Vec<String> =
            self.0.iter().filter_map(|secret| secret.sign(id, timestamp, body.as_bytes()).ok()).collect();
        if !signatures.is_empty() {
            headers.push((HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // The secret, id, time and signature of the specification's own example.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &str = r#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    /// The vector that the specification's own libraries are tested with, in each language the same.
    #[test]
    fn vector_of_the_reference_libraries_is_met() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let headers =
            Signer::new(&[secret]).unwrap().headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(headers[2], ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()));
    }

    fn signature(secrets: &[&str]) -> Option<String> {
        let secrets: Vec<_> = secrets.iter().map(|s| Secret::new(*s)).collect();
        let at = DateTime::from_timestamp(1_649_367_553, 0).unwrap();
        let headers = Signer::new(&secrets).unwrap().headers(ID, at, BODY);
        assert_eq!(headers[0], ("webhook-id", ID.to_owned()));
        assert_eq!(headers[1], ("webhook-timestamp", "1649367553".to_owned()));
        headers.get(2).map(|(_, value)| value.clone())
    }

    #[test]
    fn published_vector_is_met() {
        assert_eq!(signature(&[SECRET]).unwrap(), SIGNATURE);
    }

    #[test]
    fn each_secret_signs_while_they_rotate_and_none_is_unsigned() {
        let both = signature(&["whsec_bmV3", SECRET]).unwrap();
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(SIGNATURE));
        assert_eq!(signature(&[]), None);
    }

    #[test]
    fn bad_secret_is_told_by_its_number_alone() {
        let error = Signer::new(&[Secret::new(SECRET), Secret::new("hunter2!")]).err().unwrap();
        assert_eq!(error, SecretError { number: 2 });
        assert!(!error.to_string().contains("hunter2"));
    }
}
