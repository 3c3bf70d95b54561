//! Media types (RFC 9110, section 8.3): which files are taken, and as what they are given out again.

/// What anything is that is not known better (RFC 2046, section 4.5.1).
const UNKNOWN: &str = "application/octet-stream";
/// An essence is longer than this only by malice.
const LONGEST: usize = 127;

/// Types that run no script wherever they are opened. Whatever else was sent is given out as bytes.
const SERVED: [&str; 26] = [
    "application/gzip",
    "application/json",
    "application/msword",
    "application/pdf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/zip",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/csv",
    "text/plain",
    "video/mp4",
];
/// Those that a browser may show in its window, when it is asked to.
const SHOWN: [&str; 6] =
    ["application/pdf", "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"];

/// A declared type without its parameters, in lower case; what is none is unknown.
pub fn essence(declared: &str) -> String {
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let is_type = essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
    if is_type && essence.len() <= LONGEST { essence } else { UNKNOWN.to_owned() }
}

/// The `Content-Type` under which a file of this type is given out.
pub fn served_as(essence: &str) -> &'static str {
    let known = SERVED.iter().find(|served| **served == essence).copied();
    match known {
        // Whoever saves it decides about its encoding; a browser that shows it must not guess.
        Some("text/plain") => "text/plain; charset=utf-8",
        Some("text/csv") => "text/csv; charset=utf-8",
        known => known.unwrap_or(UNKNOWN),
    }
}

/// Whether a browser may show it in its window.
pub fn may_be_shown(essence: &str) -> bool {
    SHOWN.contains(&essence)
}

/// What may be attached: media types as `image/png` or `image/*`, ends of names as `.log`.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Empty: whatever is not blocked.
    pub allowed: Vec<String>,
    pub blocked: Vec<String>,
}

impl Accepted {
    /// Why a file is not taken.
    pub fn refusal(&self, name: &str, essence: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let fits = |pattern: &String| {
            let pattern = pattern.to_ascii_lowercase();
            match pattern.strip_suffix('*').filter(|kind| kind.ends_with('/')) {
                Some(kind) => essence.starts_with(kind),
                None if pattern.starts_with('.') => name.ends_with(&pattern),
                None => essence == pattern,
            }
        };
        if let Some(pattern) = self.blocked.iter().find(|pattern| fits(pattern)) {
            return Some(format!("files that are {pattern} are not taken here"));
        }
        let taken = self.allowed.is_empty() || self.allowed.iter().any(fits);
        (!taken).then(|| format!("what is taken here: {}", self.allowed.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|pattern| (*pattern).to_owned()).collect()
    }

    #[test]
    fn what_could_run_a_script_is_given_out_as_bytes() {
        for declared in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "x/y"] {
            assert_eq!(served_as(&essence(declared)), UNKNOWN, "{declared}");
            assert!(!may_be_shown(&essence(declared)), "{declared}");
        }
        assert_eq!(served_as(&essence("Image/PNG; x=text/html")), "image/png");
        assert!(SHOWN.iter().all(|shown| SERVED.contains(shown)));
    }

    #[test]
    fn a_type_or_the_end_of_a_name_allows_and_blocks() {
        let images = Accepted { allowed: list(&["image/*", ".LOG"]), blocked: list(&[".exe"]) };
        assert_eq!(images.refusal("a.png", "image/png"), None);
        assert_eq!(images.refusal("A.log", UNKNOWN), None);
        assert!(images.refusal("a.pdf", "application/pdf").is_some());
        assert!(images.refusal("a.png.EXE", "image/png").is_some());
        let open = Accepted { allowed: Vec::new(), blocked: list(&["text/html"]) };
        assert_eq!(open.refusal("a", UNKNOWN), None);
        assert!(open.refusal("a", "text/html").is_some());
    }

    proptest! {
        #[test]
        fn whatever_is_declared_is_stored_as_one_token_pair(declared in "\\PC{0,200}") {
            let essence = essence(&declared);
            prop_assert!(essence.len() <= LONGEST && essence.matches('/').count() == 1);
            prop_assert!(essence.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase()));
        }
    }
}
