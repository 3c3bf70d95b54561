//! The link of a survey: its id and a signature, so that nobody finds another's by counting. How long it serves is kept with the
//! survey.
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::kernel::{SIGNATURE, SecretKey, SurveyId};

const PURPOSE: &str = "survey";
/// Bytes of an id.
const ID: usize = 16;

/// What stands behind `/s/`.
pub fn token(key: &SecretKey, id: SurveyId) -> String {
    let id = id.0.as_bytes();
    URL_SAFE_NO_PAD.encode([id.as_slice(), &key.sign(PURPOSE, id)].concat())
}

/// The survey of a link that was signed here.
pub fn parse(key: &SecretKey, token: &str) -> Option<SurveyId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, signature) = bytes.split_at_checked(ID)?;
    let good = signature.len() == SIGNATURE && key.verify(PURPOSE, id, signature);
    good.then(|| Uuid::from_slice(id).ok()).flatten().map(SurveyId)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> SecretKey {
        SecretKey::parse(&SecretKey::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_link_leads_to_its_survey_with_the_key_that_signed_it() {
        let (key, id) = (key(), SurveyId::new());
        let token = token(&key, id);
        assert_eq!(parse(&key, &token), Some(id));
        assert_eq!(parse(&self::key(), &token), None);
        assert_eq!(parse(&key, &token[..token.len() - 1]), None);
        assert_eq!(parse(&key, &format!("{token}AA")), None);
    }

    #[test]
    fn the_signature_of_one_survey_is_not_good_for_another() {
        let key = key();
        let (one, other) = (token(&key, SurveyId::new()), token(&key, SurveyId::new()));
        // 16 bytes end inside of the 22nd character, so both halves are decoded on their own.
        let bytes = |token: &str| URL_SAFE_NO_PAD.decode(token).unwrap();
        let mixed = [&bytes(&one)[..ID], &bytes(&other)[ID..]].concat();
        assert_eq!(parse(&key, &URL_SAFE_NO_PAD.encode(mixed)), None);
    }

    proptest! {
        #[test]
        fn no_text_is_a_link_by_chance(text in "[A-Za-z0-9_-]{0,60}|.{0,60}") {
            prop_assert_eq!(parse(&key(), &text), None);
        }
    }
}
