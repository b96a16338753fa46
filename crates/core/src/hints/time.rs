//! Spans and points of time as servers write them: decimals, Go's durations, the three forms of an
//! HTTP date, RFC 3339, and words. What cannot be understood is `None`; nothing overflows.

use std::time::Duration;

use crate::text;

/// Waits are kept up to this, which is as good as never and leaves room for sums.
pub(super) const WAIT_MAX: Duration = Duration::from_hours(100 * 365 * 24);

/// From this on a bare number is no span of seconds but a time: seconds, or milliseconds, since 1970.
const EPOCH_SECONDS_MIN: u64 = 1_000_000_000;
const EPOCH_MILLIS_MIN: u64 = 1_000_000_000_000;

/// From `now` to `then`, unless it is past.
pub(super) fn until(then: Duration, now: Duration) -> Option<Duration> {
    then.checked_sub(now).map(|wait| wait.min(WAIT_MAX))
}

/// Any of HTTP's three forms of a date, as time since 1970.
pub(super) fn http_date(value: &str) -> Option<Duration> {
    let parts = value.split([' ', ',', '-']).filter(|part| !part.is_empty());
    let ([_, day, month, year, time, "GMT"] | [_, month, day, time, year]) =
        *parts.collect::<Vec<_>>()
    else {
        return None;
    };
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec".as_bytes().chunks(3);
    let month = 1 + months.take_while(|name| *name != month.as_bytes()).count() as i64;
    let year = match number(year)? {
        short @ ..70 => 2000 + short,
        short @ 70..100 => 1900 + short,
        year => year,
    };
    let seconds = seconds_since_1970([year, month, number(day)?], numbers(time, ':')?)?;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

/// A plain decimal number of milliseconds. No sign, no exponent, no words.
pub(super) fn milliseconds(value: &str) -> Option<Duration> {
    bare_decimal(value).map(|number| number.times(1_000_000))
}

/// A plain decimal number of seconds, or a time since 1970 where it is as large as that: nobody asks for a
/// pause of thirty years.
pub(super) fn seconds(value: &str, now: Duration) -> Option<Duration> {
    bare_decimal(value)?.wait(now)
}

/// A decimal number, split at the point so that no digit is lost.
#[derive(Clone, Copy)]
struct Decimal {
    whole: u64,
    /// Billionths.
    fraction: u64,
}

impl Decimal {
    fn times(self, unit_ns: u64) -> Duration {
        let billionths = u128::from(self.whole) * 1_000_000_000 + u128::from(self.fraction);
        let ns = billionths.saturating_mul(unit_ns.into()) / 1_000_000_000;
        u64::try_from(ns).map_or(WAIT_MAX, |ns| Duration::from_nanos(ns).min(WAIT_MAX))
    }

    fn wait(self, now: Duration) -> Option<Duration> {
        match self.whole {
            EPOCH_MILLIS_MIN.. => until(Duration::from_millis(self.whole), now),
            EPOCH_SECONDS_MIN.. => until(Duration::new(self.whole, self.fraction as u32), now),
            _ => Some(self.times(1_000_000_000)),
        }
    }
}

/// A number and nothing else.
fn bare_decimal(text: &str) -> Option<Decimal> {
    let (number, rest) = leading_decimal(text)?;
    rest.is_empty().then_some(number)
}

/// The number at the beginning of `text`, and what follows it.
fn leading_decimal(text: &str) -> Option<(Decimal, &str)> {
    let (digits, mut rest) = split_digits(text);
    if digits.is_empty() {
        return None;
    }
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let (places, after) = split_digits(after);
        // A full stop may follow a number in a sentence.
        if !places.is_empty() {
            let places = places.get(..9).unwrap_or(places);
            let scale = 10_u64.pow(9 - places.len() as u32);
            fraction = places.parse::<u64>().unwrap_or(0) * scale;
            rest = after;
        }
    }
    // Too many digits for the type are too many seconds for anyone.
    let whole = digits.parse().unwrap_or(u64::MAX);
    Some((Decimal { whole, fraction }, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `6m0s`, `1.5s`, `120ms`, seconds without a unit, a time since 1970, or an RFC 3339 date.
pub(super) fn reset(value: &str, now: Duration) -> Option<Duration> {
    if let Some(number) = bare_decimal(value) {
        return number.wait(now);
    }
    spans(value)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(wait, _)| wait)
        .or_else(|| until(rfc3339(value)?, now))
}

/// One span of time after the other, as Go writes durations and people write sentences, and what
/// follows them.
pub(super) fn spans(text: &str) -> Option<(Duration, &str)> {
    let mut total: Option<Duration> = None;
    let mut rest = text;
    while let Some((number, after)) = leading_decimal(rest.trim_start()) {
        let after = after.trim_start_matches(' ');
        let is_between = |c: char| c.is_ascii() && !c.is_ascii_alphabetic();
        let word = after.split(is_between).next().unwrap_or_default();
        let Some(unit) = unit_ns(word) else {
            break;
        };
        let so_far = total.unwrap_or_default();
        total = Some((so_far + number.times(unit)).min(WAIT_MAX));
        rest = text::from(after, word.len());
    }
    Some((total?, rest))
}

fn unit_ns(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000_000_000,
        "d" | "day" | "days" => 86_400_000_000_000,
        _ => return None,
    })
}

/// A date of RFC 3339 as time since 1970.
fn rfc3339(text: &str) -> Option<Duration> {
    let (date, after) = text.split_at_checked(10)?;
    let (time, after) = after.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let (fraction, zone) = if after.starts_with('.') {
        let (decimal, zone) = leading_decimal(text.get(18..)?)?;
        (Duration::from_nanos(decimal.fraction), zone)
    } else {
        (Duration::ZERO, after)
    };
    let local = seconds_since_1970(numbers(date, '-')?, numbers(time, ':')?)?;
    let utc = u64::try_from(local - zone_seconds(zone)?).ok()?;
    Some(Duration::from_secs(utc) + fraction)
}

/// So many numbers with something between them.
fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let numbers: Option<Vec<i64>> = text.split(between).map(number).collect();
    numbers?.try_into().ok()
}

/// Small enough for sums and products of a date's parts.
fn number(text: &str) -> Option<i64> {
    let (digits, rest) = split_digits(text);
    rest.is_empty()
        .then(|| digits.parse::<u32>().ok().map(i64::from))?
}

/// `Z`, or hours and minutes east (`+`) or west (`-`) of it.
fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let [hours, minutes] = numbers(rest, ':')?;
    let exists = rest.len() == "00:00".len() && hours < 24 && minutes < 60;
    exists.then_some(sign * (hours * 3600 + minutes * 60))
}

/// The time of a year, month and day, and an hour, minute and second, if there is such a day.
fn seconds_since_1970(date: [i64; 3], time: [i64; 3]) -> Option<i64> {
    let ([year, month, day], [hour, minute, second]) = (date, time);
    let first = days_since_1970(year, month, 1);
    let end = days_since_1970(year, month + 1, 1);
    // 60 is a leap second.
    let exists = (1..=12).contains(&month)
        && (1..=end - first).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    exists.then_some((first + day - 1) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days in the Gregorian calendar, counted in years that begin in March so that the leap day comes
/// last. The month after December is the next year's first.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719 468 days lie between the first of March of the year 0 and 1970.
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_rfc_3339_are_counted_right() {
        #[rustfmt::skip]
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00+00:01", None),  // before 1970
            ("1970-01-02T00:00:00+23:59", Some(60)),
            ("1970-01-03T00:00:00+24:00", None),
            ("1970-01-03T00:00:00+00:60", None),
            ("1970-01-03T00:00:00+1:00", None),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2001-03-01T00:00:00Z", Some(983_404_800)),
            ("2024-12-31T23:59:60Z", Some(1_735_689_600)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
            ("0000-01-01T00:00:00Z", None),
            ("2023-02-29T12:00:00Z", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(rfc3339(text), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn times_since_1970_are_told_from_spans() {
        let now = Duration::from_secs(1_700_000_000);
        let long = "9".repeat(30);
        let ms = |millis| Some(Duration::from_millis(millis));
        #[rustfmt::skip]
        let cases = [
            ("1700000060",    ms(60_000)),
            ("1700000060.25", ms(60_250)),  // as some languages write their clocks
            ("1700000060000", ms(60_000)),
            ("1699999999.9",  None),        // past
            ("+1700000060",   None),
            (&long,           Some(WAIT_MAX)),
        ];
        for (value, wait) in cases {
            assert_eq!(reset(value, now), wait, "{value}");
            assert_eq!(seconds(value, now), wait, "{value}");
        }
    }

    #[test]
    fn dates_of_http_are_read_in_three_forms() {
        #[rustfmt::skip]
        let cases = [
            ("Tue, 29 Feb 2000 12:00:00 GMT",     Some(951_825_600)),
            ("Tuesday, 29-Feb-00 12:00:00 GMT",   Some(951_825_600)),
            ("Tue Feb 29 12:00:00 2000",          Some(951_825_600)),
            ("Sun Nov  6 08:49:37 1994",          Some(784_111_777)),
            ("Wednesday, 31-Dec-69 23:59:59 GMT", Some(3_155_759_999)),  // of 2069
            ("Thursday, 01-Jan-70 00:00:00 GMT",  Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT",     Some(253_402_300_799)),
            ("Mon, 29 Feb 1900 12:00:00 GMT",     None),
            ("Tue, 31 Apr 2024 12:00:00 GMT",     None),
            ("Tue, 29 Feb 2000 24:00:00 GMT",     None),
            ("Tue, 29 Feb 2000 12:60:00 GMT",     None),
            ("Tue, 29 Feb 2000 12:00:61 GMT",     None),
            ("Tue, 29 Feb 2000 12:00:00 CET",     None),
            ("Tue, 29 Feb 2000 12:00 GMT",        None),
            ("Tue, 29 Foo 2000 12:00:00 GMT",     None),
            ("Tue, 29 Feb 99999999999 12:00:00 GMT", None),
            ("Tue, 29 Feb 4294967295 12:00:00 GMT", None),  // no leap year, however late
            ("Tue, 01 Mar 4294967295 12:00:00 GMT", Some(135_536_014_607_889_600)),
        ];
        for (text, seconds) in cases {
            assert_eq!(http_date(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
