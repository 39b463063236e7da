//! Checks the signature of a webhook, with the crate `standardwebhooks`.

use reqwest::header::HeaderMap;
use standardwebhooks::Webhook;

/// Whether `body`, as it came, was signed with `secret` within the last five minutes.
pub fn verify(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    Webhook::new(secret).is_ok_and(|webhook| webhook.verify(body, headers).is_ok())
}
