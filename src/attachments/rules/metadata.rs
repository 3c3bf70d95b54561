//! The header `Upload-Metadata` of tus 1.0.0 (extension *creation*).
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{essence, file_name, sum};

/// What a client says of a file that it is about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    pub name: String,
    pub media_type: String,
    pub sha256: Option<Vec<u8>>,
}

impl Metadata {
    /// Keys with values in base64, separated by commas. The keys are those that Uppy and tus-js-client send; others are passed over.
    pub fn parse(header: &str) -> Result<Self, &'static str> {
        let (mut name, mut media_type, mut sha256) = (None, None, None);
        for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let slot = match key {
                "filename" | "name" => &mut name,
                "filetype" | "type" => &mut media_type,
                "sha256" => &mut sha256,
                _ => continue,
            };
            let bytes = STANDARD.decode(value.trim()).map_err(|_| "a value is not in base64")?;
            *slot = Some(String::from_utf8(bytes).map_err(|_| "a value is not in UTF-8")?);
        }
        let sha256 = sha256.map(|hex| sum(&hex).ok_or("sha256 is not 64 hexadecimal digits"));
        Ok(Self {
            name: file_name(&name.unwrap_or_default()),
            media_type: essence(&media_type.unwrap_or_default()),
            sha256: sha256.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_usual_clients_send_is_understood() {
        let encoded = |text: &str| STANDARD.encode(text);
        let header = format!(
            "relativePath bnVsbA==,name {},type {}, is_confidential",
            encoded("../Übersicht.pdf"),
            encoded("application/pdf")
        );
        let read = Metadata::parse(&header).unwrap();
        assert_eq!(
            (read.name.as_str(), read.media_type.as_str()),
            ("Übersicht.pdf", "application/pdf")
        );
        let header = format!("filename {},sha256 {}", encoded("a"), encoded(&"0f".repeat(32)));
        assert_eq!(Metadata::parse(&header).unwrap().sha256, Some(vec![15; 32]));
        assert_eq!(Metadata::parse("").unwrap().name, "file");
        assert!(Metadata::parse("filename *").is_err());
        assert!(Metadata::parse("filename /w==").is_err());
        assert!(Metadata::parse(&format!("sha256 {}", encoded("abc"))).is_err());
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "\\PC{0,120}") {
            let _ = Metadata::parse(&header);
        }
    }
}
