//! Which bytes of a file are asked for (RFC 9110, section 14).
use std::ops::Range;

/// What the header `Range` comes to on a file of a certain length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// There is none, or one that need not be followed.
    Whole,
    Part(Range<u64>),
    /// None of these bytes exist.
    Nothing,
}

/// Several ranges in one answer are not worth their complexity: those are answered with the whole file, as the standard allows.
pub fn asked(header: Option<&str>, length: u64) -> Asked {
    let range = header.and_then(|value| value.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.trim().split_once('-')) else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number beyond all files is as good as the largest.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if last >= start => (start, last.saturating_add(1).min(length)),
        (Some(start), None) if last.is_empty() => (start, length),
        (None, Some(0)) if first.is_empty() => return Asked::Nothing,
        (None, Some(count)) if first.is_empty() => (length.saturating_sub(count), length),
        _ => return Asked::Whole,
    };
    if start < end { Asked::Part(start..end) } else { Asked::Nothing }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_clamped_to_the_file() {
        for (header, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=5-99999999999999999999999", Asked::Part(5..10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
        ] {
            assert_eq!(asked(Some(header), 10), expected, "{header}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Nothing);
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_beyond_the_file(header in "(bytes=)?[0-9,+-]{0,30}", length in any::<u64>()) {
            if let Asked::Part(part) = asked(Some(&header), length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
