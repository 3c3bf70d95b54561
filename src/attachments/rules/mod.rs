//! Pure decisions about files: how they are called, what may be attached, what is asked for of them.
mod media_type;
mod metadata;
mod name;
mod range;

pub use media_type::{Accepted, essence, may_be_shown, served_as};
pub use metadata::Metadata;
pub use name::{content_disposition, file_name};
pub use range::{Asked, asked};

/// A SHA-256 in hexadecimal digits.
pub fn hex(sum: &[u8]) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 that 64 hexadecimal digits stand for.
pub fn sum(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.trim();
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok();
    (0..32).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_64_digits() {
        let digits = "00ff".repeat(16);
        assert_eq!(hex(&sum(&digits).unwrap()), digits);
        assert_eq!(sum(&format!(" {}\n", digits.to_uppercase())), sum(&digits));
        assert_eq!(sum(&digits[1..]), None);
        assert_eq!(sum(&digits.replace('f', "g")), None);
        assert_eq!(sum(&"é".repeat(32)), None);
    }
}
