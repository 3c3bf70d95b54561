//! Secrets of webhooks, and what is signed with them.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use standardwebhooks::Webhook;

use crate::kernel::{AppError, Secret};

/// Bytes of a key; the specification wants 24 to 64.
const KEY: usize = 32;

/// A new random secret: `whsec_` and a key in base64.
pub fn new_secret() -> Result<Secret, AppError> {
    let mut key = [0_u8; KEY];
    aws_lc_rs::rand::fill(&mut key)
        .map_err(|_| AppError::Internal(anyhow::anyhow!("no randomness")))?;
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(key))))
}

/// The value of `webhook-signature`: a signature with each of these secrets.
pub fn sign(secrets: &[Secret], id: &str, timestamp: i64, body: &str) -> Result<String, AppError> {
    let signed = secrets
        .iter()
        .map(|secret| Webhook::new(secret.expose())?.sign(id, timestamp, body.as_bytes()));
    Ok(signed.collect::<Result<Vec<_>, _>>().map_err(AppError::internal)?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementation's own tests.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let sign = |secrets: &[Secret]| {
            sign(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#)
        };
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(std::slice::from_ref(&secret)).unwrap(), expected);
        let both = sign(&[new_secret().unwrap(), secret]).unwrap();
        assert_eq!(both.split(' ').nth(1), Some(expected));
    }

    #[test]
    fn two_new_secrets_differ() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), "whsec_".len() + 44);
    }
}
