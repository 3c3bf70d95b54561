//! Addresses of files: those that need the caller's token, and signed ones that need none.
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::CaseLine;
use crate::kernel::{AttachmentId, SIGNATURE, SecretKey};
use crate::notes::NoteVisibility;

const PURPOSE: &str = "file link";
/// Stands in the place of a time: the link does not expire.
const STANDING: i64 = 0;
/// The bytes of an id and of a time.
const SIGNED: usize = 16 + 8;

/// Makes and reads the addresses of files.
#[derive(Clone)]
pub struct FileLinks {
    key: Arc<SecretKey>,
    public_url: Arc<str>,
}

impl FileLinks {
    /// `public_url` begins every address.
    pub fn new(key: Arc<SecretKey>, public_url: &str) -> Self {
        Self { key, public_url: public_url.into() }
    }

    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The address for who may see the ticket.
    pub fn content(&self, id: AttachmentId) -> String {
        format!("{}/v1/attachments/{id}/content", self.public_url)
    }

    /// An address that serves whoever has it until then, to the second.
    pub fn expiring(&self, id: AttachmentId, until: DateTime<Utc>) -> String {
        self.signed(id, until.timestamp())
    }

    /// How a case in the CRM names an attachment. The people of the CRM have no token here, and cases are read years later: a public
    /// file has a signed link that does not expire, the same at every call. Cases are shown to customers by some CRMs: an
    /// internal file has the address that asks for a token of the desk.
    pub fn in_case(&self, line: &CaseLine) -> String {
        match (&line.url, line.visibility) {
            (Some(url), _) => url.clone(),
            (None, NoteVisibility::Public) => self.signed(line.id, STANDING),
            (None, NoteVisibility::Internal) => self.content(line.id),
        }
    }

    /// The attachment that a signed link leads to; `None` when it was not signed here, or has expired.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Option<AttachmentId> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, signature) = bytes.split_at_checked(SIGNED)?;
        if !self.key.verify(PURPOSE, signed, signature) {
            return None;
        }
        let (id, until) = signed.split_at_checked(16)?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        let good = until == STANDING || now.timestamp() < until;
        Some(AttachmentId(Uuid::from_slice(id).ok()?)).filter(|_| good)
    }

    fn signed(&self, id: AttachmentId, until: i64) -> String {
        let mut bytes = Vec::with_capacity(SIGNED + SIGNATURE);
        bytes.extend(id.0.as_bytes());
        bytes.extend(until.to_be_bytes());
        let signature = self.key.sign(PURPOSE, &bytes);
        bytes.extend(signature);
        format!("{}/v1/files/content?token={}", self.public_url, URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::kernel::TicketId;

    fn links() -> FileLinks {
        let key = SecretKey::parse(&SecretKey::generate().unwrap()).unwrap();
        FileLinks::new(Arc::new(key), "https://desk.example")
    }

    fn token(url: &str) -> String {
        url.strip_prefix("https://desk.example/v1/files/content?token=").unwrap().to_owned()
    }

    #[test]
    fn an_expiring_link_ends_and_cannot_be_prolonged_or_moved() {
        let (links, id) = (links(), AttachmentId::new());
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let token = token(&links.expiring(id, now + TimeDelta::seconds(60)));
        assert_eq!(links.read(&token, now), Some(id));
        assert_eq!(links.read(&token, now + TimeDelta::seconds(59)), Some(id));
        assert_eq!(links.read(&token, now + TimeDelta::seconds(60)), None);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            assert_eq!(links.read(&URL_SAFE_NO_PAD.encode(forged), now), None, "byte {at}");
        }
        assert_eq!(links.read("", now), None);
        assert_eq!(links.read("%%%", now), None);
        assert_eq!(self::links().read(&token, now), None);
    }

    #[test]
    fn a_case_has_standing_links_to_public_files_and_no_way_around_the_token_to_internal_ones() {
        let links = links();
        let line = |visibility, url: Option<&str>| CaseLine {
            id: AttachmentId(Uuid::nil()),
            ticket_id: TicketId::new(),
            visibility,
            name: "a".into(),
            url: url.map(str::to_owned),
        };
        let public = links.in_case(&line(NoteVisibility::Public, None));
        assert_eq!(links.in_case(&line(NoteVisibility::Public, None)), public);
        let later = DateTime::from_timestamp(9_000_000_000, 0).unwrap();
        assert_eq!(links.read(&token(&public), later), Some(AttachmentId(Uuid::nil())));
        let internal = links.in_case(&line(NoteVisibility::Internal, None));
        assert!(internal.ends_with("/content"), "{internal}");
        let elsewhere = Some("https://files.example/a");
        let kept = links.in_case(&line(NoteVisibility::Internal, elsewhere));
        assert_eq!(Some(kept.as_str()), elsewhere);
    }
}
