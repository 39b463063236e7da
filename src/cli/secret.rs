//! `secret new`: a fresh secret for a webhook.

use data_encoding::BASE64;

/// Bytes of a fresh secret: Standard Webhooks asks for 24 to 64, and HMAC-SHA-256 gains nothing from more than 32.
const SECRET_BYTES: usize = 32;

/// A fresh `whsec_…` secret from the system's random source.
///
/// # Errors
/// When the system has no randomness to give; a weaker source would be worse than none.
pub fn fresh() -> Result<String, getrandom::Error> {
    let mut key = [0; SECRET_BYTES];
    getrandom::fill(&mut key)?;
    Ok(format!("whsec_{}", BASE64.encode(&key)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_fresh_secret_is_one_that_the_config_takes() {
        use crate::config::{Environment, Origin, load_str};
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert_ne!(one, other);
        let config = format!(
            "[[feed]]\nurl = 'https://example.org/'\n[[sink]]\nid = 'a'\ntype = 'webhook'\nurl = 'https://example.org/'\n\
             secret = ['{one}', '{other}']\n"
        );
        let loaded = load_str(&config, Origin::Named("test".into()), &Environment::default());
        assert_eq!(loaded.problems, []);
    }
}
