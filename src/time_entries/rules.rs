//! Minutes, days and money. Pure.
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

/// The currencies that people pay with (ISO 4217), without funds, metals and codes for tests.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
    CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR \
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD \
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG \
    XOF XPF YER ZAR ZMW ZWG";

/// The first day that work can be booked on.
const EARLIEST: Option<NaiveDate> = NaiveDate::from_ymd_opt(2000, 1, 1);

pub fn is_currency(code: &str) -> bool {
    CURRENCIES.split_whitespace().any(|known| known == code)
}

/// The day on the clock of this zone.
pub fn day(time: DateTime<Utc>, zone: Tz) -> NaiveDate {
    time.with_timezone(&zone).date_naive()
}

/// Fails with why nothing can be booked on this day; `today` is the agent's.
pub fn check_day(date: NaiveDate, today: NaiveDate) -> Result<(), &'static str> {
    if date > today {
        return Err("the day has not begun where the agent is");
    }
    if Some(date) < EARLIEST {
        return Err("nothing is booked before the year 2000");
    }
    Ok(())
}

/// What a timer counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Begun minutes count whole; one at the least.
    pub minutes: i32,
    /// It ran as long as timers count, or longer.
    pub capped: bool,
}

/// `most` is what a timer counts at the most, whole minutes up to a day.
pub fn counted(started: DateTime<Utc>, stopped: DateTime<Utc>, most: TimeDelta) -> Counted {
    let ran = stopped - started;
    let capped = ran >= most;
    let microseconds = ran.min(most).num_microseconds().unwrap_or(i64::MAX).max(1);
    let minutes = microseconds.saturating_add(59_999_999) / 60_000_000;
    Counted { minutes: i32::try_from(minutes).unwrap_or(i32::MAX), capped }
}

/// What these minutes cost, in the minor unit of the currency; a half is rounded up. Each entry is rounded by itself, so that the
/// entries of a bill add up to its sum.
pub fn amount(minutes: i32, per_hour: i64) -> i64 {
    (i64::from(minutes) * per_hour + 30) / 60
}

/// Chargeable entries that cost the same: how many there are of so many minutes, at this rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    pub minutes: i32,
    pub chargeable: bool,
    pub per_hour: Option<i64>,
    pub currency: Option<String>,
    pub entries: i64,
}

/// A sum in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub currency: String,
    pub amount: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    pub entries: i64,
    pub minutes: i64,
    pub chargeable_minutes: i64,
    /// Chargeable minutes for which there is no rate.
    pub unpriced_minutes: i64,
    /// By currency.
    pub amounts: Vec<Sum>,
}

impl Totals {
    pub fn of(groups: impl IntoIterator<Item = Alike>) -> Self {
        let mut totals = Self::default();
        for group in groups {
            let minutes = i64::from(group.minutes) * group.entries;
            totals.entries += group.entries;
            totals.minutes += minutes;
            if !group.chargeable {
                continue;
            }
            totals.chargeable_minutes += minutes;
            match (group.per_hour, group.currency) {
                (Some(per_hour), Some(currency)) => {
                    totals.add(currency, amount(group.minutes, per_hour) * group.entries);
                }
                _ => totals.unpriced_minutes += minutes,
            }
        }
        totals.amounts.sort_unstable_by(|a, b| a.currency.cmp(&b.currency));
        totals
    }

    fn add(&mut self, currency: String, amount: i64) {
        match self.amounts.iter_mut().find(|sum| sum.currency == currency) {
            Some(sum) => sum.amount += amount,
            None => self.amounts.push(Sum { currency, amount }),
        }
    }
}

#[cfg(test)]
mod tests;
