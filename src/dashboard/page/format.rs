//! Figures as people of a language write them.
use super::Texts;

/// What stands where there is no figure.
pub const NONE: &str = "–";
/// Between a number and its unit.
const THIN: char = '\u{a0}';

impl Texts {
    /// `1,204`
    pub fn count(&self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut text = String::from(if number < 0 { "−" } else { "" });
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push_str(self.thousands);
            }
            text.push(digit);
        }
        text
    }

    /// With as many places: `4.3`
    pub fn decimal(&self, number: f64, places: usize) -> String {
        let text = format!("{number:.places$}");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let whole = whole.parse().map_or_else(|_| whole.to_owned(), |whole| self.count(whole));
        if fraction.is_empty() { whole } else { format!("{whole}{}{fraction}", self.point) }
    }

    /// Of a part of one: `93.4 %`
    pub fn percent(&self, part: f64) -> String {
        format!("{}{THIN}%", self.decimal(part * 100.0, 1))
    }

    /// The two largest units, up to hours: a day of business time has no fixed length. `26 h 10 min`
    pub fn duration(&self, seconds: i64) -> String {
        if seconds < 60 {
            let unit = if seconds == 0 { "min" } else { "s" };
            return format!("{seconds}{THIN}{unit}");
        }
        let minutes = (seconds + 30) / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        match (hours, minutes) {
            (0, minutes) => format!("{minutes}{THIN}min"),
            (hours, 0) => format!("{}{THIN}h", self.count(hours)),
            (hours, minutes) => format!("{}{THIN}h {minutes}{THIN}min", self.count(hours)),
        }
    }

    /// In one unit: `26.2 h`
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
    pub fn brief_duration(&self, seconds: Option<i64>) -> String {
        match seconds {
            None => NONE.to_owned(),
            Some(seconds @ ..3_600) => self.duration(seconds),
            Some(seconds) => {
                let hours = seconds as f64 / 3_600.0;
                let places = usize::from((hours * 10.0).round() % 10.0 > 0.0);
                format!("{}{THIN}h", self.decimal(hours, places))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts;

    #[test]
    fn numbers_are_written_as_the_language_does() {
        let (en, de) = (texts("en"), texts("de-AT"));
        for (number, english) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (-12_000, "−12,000"),
        ] {
            assert_eq!(en.count(number), english);
        }
        assert_eq!(de.count(1_204), "1.204");
        assert_eq!(
            (en.decimal(1_234.56, 1), de.decimal(4.25, 2)),
            ("1,234.6".into(), "4,25".into())
        );
        assert_eq!(
            (en.percent(0.9345), de.percent(1.0)),
            ("93.5\u{a0}%".into(), "100,0\u{a0}%".into())
        );
    }

    #[test]
    fn durations_have_the_two_largest_units() {
        let en = texts("en");
        for (seconds, text) in [
            (0, "0 min"),
            (59, "59 s"),
            (60, "1 min"),
            (3_570, "1 h"),
            (3_600, "1 h"),
            (94_200, "26 h 10 min"),
            (4_000_000, "1,111 h 7 min"),
        ] {
            assert_eq!(en.duration(seconds).replace('\u{a0}', " "), text);
        }
    }

    #[test]
    fn brief_durations_have_one_unit() {
        let de = texts("de");
        for (seconds, text) in [(Some(45), "45 s"), (Some(10_800), "3 h"), (Some(31_000), "8,6 h")]
        {
            assert_eq!(de.brief_duration(seconds).replace('\u{a0}', " "), text);
        }
        assert_eq!(de.brief_duration(None), "–");
    }
}
