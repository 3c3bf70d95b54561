//! Names of files, as strangers give them.
use std::fmt::Write as _;

/// Characters of a name at the most.
const LONGEST: usize = 255;
/// Characters of an extension that is kept when a name is cut.
const EXTENSION: usize = 16;

/// A name as one line that means the same wherever it is shown and saved: without folders, control characters, and the marks that
/// turn the direction of writing, so that `exe.txt` is no `txt.exe`.
pub fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let name = kept.trim_matches(is_edge);
    if name.is_empty() {
        return "file".into();
    }
    shorten(name)
}

/// Some systems drop these at the end of a name, others hide a file that begins with a dot.
fn is_edge(c: char) -> bool {
    c.is_whitespace() || c == '.'
}

/// Marks of direction, and those that take no room (Unicode, section 23.2 and 23.3).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// Cuts in front of the extension.
fn shorten(name: &str) -> String {
    let length = name.chars().count();
    if length <= LONGEST {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let extension = extension.filter(|extension| extension.chars().count() <= EXTENSION);
    let end = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
    let kept = name.chars().take(LONGEST - end.chars().count());
    kept.collect::<String>().trim_end_matches(is_edge).to_owned() + &end
}

/// The header `Content-Disposition` (RFC 6266): the name in ASCII for old programs, and whole as RFC 8187 encodes it.
pub fn content_disposition(shown: bool, name: &str) -> String {
    let safe = |c: char| (c.is_ascii_graphic() || c == ' ') && !"\"\\%".contains(c);
    let ascii: String = name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    let mut whole = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(whole, "%{byte:02X}");
        }
    }
    let kind = if shown { "inline" } else { "attachment" };
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_has_no_folders_no_control_characters_and_no_tricks() {
        for (given, name) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\a\\report.pdf", "report.pdf"),
            ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
            ("txt.\u{202e}exe.fdp", "txt.exe.fdp"),
            ("..", "file"),
            (" . ", "file"),
            ("", "file"),
            ("virus.exe. .", "virus.exe"),
            ("Bücher „neu“.pdf", "Bücher „neu“.pdf"),
        ] {
            assert_eq!(file_name(given), name, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = file_name(&format!("{}.tar.gz", "ä".repeat(400)));
        assert_eq!(name.chars().count(), LONGEST);
        assert!(name.ends_with("ä.gz"));
        assert_eq!(file_name(&"x".repeat(400)).len(), LONGEST);
    }

    #[test]
    fn the_header_has_the_name_for_old_programs_and_for_new_ones() {
        assert_eq!(
            content_disposition(false, "Müller \"x\".pdf"),
            "attachment; filename=\"M_ller _x_.pdf\"; filename*=UTF-8''M%C3%BCller%20%22x%22.pdf"
        );
        assert!(content_disposition(true, "a.png").starts_with("inline; filename=\"a.png\""));
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_the_header(given in any::<String>()) {
            let name = file_name(&given);
            prop_assert!(!name.is_empty() && name.chars().count() <= LONGEST);
            prop_assert_eq!(file_name(&name), name.clone());
            let header = content_disposition(false, &name);
            prop_assert!(header.bytes().all(|b| (0x20..0x7f).contains(&b)));
            prop_assert_eq!(header.matches('"').count(), 2);
            let encoded = header.split("UTF-8''").last().unwrap();
            prop_assert!(encoded.bytes().all(|b| !b" ;,\"'()".contains(&b)));
        }
    }
}
