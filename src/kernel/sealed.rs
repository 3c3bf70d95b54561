//! Secrets: never printed, and encrypted wherever they are stored; and signatures of what goes out and comes back.
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

/// A text that must not reach a log: `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; call it where it is used, never where it is kept.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

const NONCE: usize = 12;

/// Bytes of a signature ([`SecretKey::sign`]).
pub const SIGNATURE: usize = 16;

/// The key that seals what the database keeps: AES-256-GCM (NIST SP 800-38D), a random nonce for each value. It also signs what
/// others carry for the service: HMAC-SHA-256 (RFC 2104), cut to 16 bytes. With the keys before it, which only open and verify.
pub struct SecretKey {
    present: KeyPair,
    previous: Vec<KeyPair>,
}

struct KeyPair {
    sealing: RandomizedNonceKey,
    signing: hmac::Key,
}

impl SecretKey {
    /// From 32 bytes in base64. Fails when it is not that.
    pub fn parse(text: &Secret) -> anyhow::Result<Self> {
        let bytes = STANDARD.decode(text.expose().trim())?;
        anyhow::ensure!(bytes.len() == 32, "the secret key must be 32 bytes in base64");
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, &bytes)
            .map_err(|_| anyhow::anyhow!("the secret key cannot be used"))?;
        // A key of its own: no two algorithms share one.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), b"signing");
        let signing = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        Ok(Self { present: KeyPair { sealing, signing }, previous: Vec::new() })
    }

    /// Opens also what these keys sealed.
    pub fn after(mut self, previous: &[Secret]) -> anyhow::Result<Self> {
        for text in previous {
            self.previous.push(Self::parse(text)?.present);
        }
        Ok(self)
    }

    /// A new random key as [`SecretKey::parse`] takes it.
    pub fn generate() -> anyhow::Result<Secret> {
        let mut bytes = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("no randomness"))?;
        Ok(Secret::new(STANDARD.encode(bytes)))
    }

    /// Encrypts `plain`; `purpose` must be given again to open it, so that a sealed value cannot
    /// be moved to another place.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .present
            .sealing
            .seal_in_place_append_tag(Aad::from(purpose), &mut sealed)
            .map_err(|_| anyhow::anyhow!("sealing failed"))?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Decrypts what [`SecretKey::seal`] made. Fails with another key, purpose, or a changed value.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
        let plain = self.keys().find_map(|key| open(&key.sealing, purpose, sealed));
        plain
            .ok_or_else(|| anyhow::anyhow!("a stored secret cannot be opened with this secret key"))
    }

    /// The same value sealed with the present key; `None` if it is already. Fails where [`SecretKey::open`] does.
    pub fn reseal(&self, purpose: &str, sealed: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        if open(&self.present.sealing, purpose, sealed).is_some() {
            return Ok(None);
        }
        self.seal(purpose, &self.open(purpose, sealed)?).map(Some)
    }

    /// Signs `content`; `purpose` must be given again to verify it, so that a signature serves in no other place.
    pub fn sign(&self, purpose: &str, content: &[u8]) -> [u8; SIGNATURE] {
        signature(&self.present.signing, purpose, content)
    }

    /// Whether this is the signature of `content`, by the present key or one before it. Takes the same time for any content.
    pub fn verify(&self, purpose: &str, content: &[u8], signed: &[u8]) -> bool {
        self.keys().any(|key| {
            let expected = signature(&key.signing, purpose, content);
            verify_slices_are_equal(&expected, signed).is_ok()
        })
    }

    fn keys(&self) -> impl Iterator<Item = &KeyPair> {
        std::iter::once(&self.present).chain(&self.previous)
    }
}

fn signature(key: &hmac::Key, purpose: &str, content: &[u8]) -> [u8; SIGNATURE] {
    let mut context = hmac::Context::with_key(key);
    // A purpose has no zero byte, so no other pair of purpose and content is the same text.
    context.update(purpose.as_bytes());
    context.update(&[0]);
    context.update(content);
    let mut cut = [0; SIGNATURE];
    cut.copy_from_slice(&context.sign().as_ref()[..SIGNATURE]);
    cut
}

fn open(key: &RandomizedNonceKey, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = body.to_vec();
    Some(key.open_in_place(nonce, Aad::from(purpose), &mut body).ok()?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_with_its_key_and_purpose() {
        let key = SecretKey::parse(&SecretKey::generate().unwrap()).unwrap();
        let sealed = key.seal("crm", b"s3cret").unwrap();
        assert_eq!(key.open("crm", &sealed).unwrap(), b"s3cret");
        assert!(key.open("jwt", &sealed).is_err());
        let other = SecretKey::parse(&SecretKey::generate().unwrap()).unwrap();
        assert!(other.open("crm", &sealed).is_err());
        assert!(key.open("crm", &sealed[..5]).is_err());
    }

    #[test]
    fn a_previous_key_opens_and_does_not_seal() {
        let (old, new) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let sealed = SecretKey::parse(&old).unwrap().seal("crm", b"s3cret").unwrap();
        let both = SecretKey::parse(&new).unwrap().after(&[old]).unwrap();
        assert_eq!(both.open("crm", &sealed).unwrap(), b"s3cret");
        let resealed = both.reseal("crm", &sealed).unwrap().unwrap();
        let new = SecretKey::parse(&new).unwrap();
        assert_eq!(new.open("crm", &resealed).unwrap(), b"s3cret");
        assert!(both.reseal("crm", &resealed).unwrap().is_none());
        assert!(both.reseal("jwt", &sealed).is_err());
        assert!(new.open("crm", &both.seal("crm", b"x").unwrap()).is_ok());
    }

    #[test]
    fn a_signature_is_good_for_its_content_and_purpose_with_any_key_that_is_kept() {
        let (old, new) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let signed = SecretKey::parse(&old).unwrap().sign("survey", b"ticket 7");
        let both = SecretKey::parse(&new).unwrap().after(&[old]).unwrap();
        assert!(both.verify("survey", b"ticket 7", &signed));
        assert!(!both.verify("survey", b"ticket 8", &signed));
        assert!(!both.verify("file", b"ticket 7", &signed));
        assert!(!both.verify("survey", b"ticket 7", &signed[..SIGNATURE - 1]));
        assert!(!both.verify("survey", b"ticket 7", &[]));
        assert!(!SecretKey::parse(&new).unwrap().verify("survey", b"ticket 7", &signed));
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("abc")), "[hidden]");
    }
}
