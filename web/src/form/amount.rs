//! Numbers and times as people write them.

use kneepoint_bench::number;

/// The largest number that a terminal takes, as a seed for instance.
pub(super) const COUNT_MAX: u64 = 1_000_000_000_000;

/// The longest time that a terminal takes, a day, in milliseconds.
const TIME_MAX: f64 = 86_400_000.0;

/// A whole number: `1000`, `1,000`, `1.5k`, `2M`.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text: String = text
        .trim()
        .chars()
        .filter(|character| !matches!(character, ',' | '_' | ' '))
        .collect();
    let (digits, times) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1e6),
            None => (text.as_str(), 1.0),
        },
    };
    let value = number::read(digits)? * times;
    let nearest = value.round();
    // By floats 1.001k is a little less than 1001.
    let is_whole = (value - nearest).abs() < 1e-6 && nearest <= COUNT_MAX as f64;
    is_whole.then_some(nearest as u64)
}

/// A time in milliseconds: `1.5s`, `30`, `5m`, `200ms`. A number alone is seconds.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let units = [("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)];
    let unit = units
        .into_iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = unit.unwrap_or((text, 1e3));
    let value = number::read(number)? * size;
    // To the nearest: 2.01 s by floats are a little less than 2010 ms.
    (1.0..=TIME_MAX)
        .contains(&value)
        .then_some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_read_as_people_write_them() {
        #[rustfmt::skip]
        let numbers = [("1000", Some(1000)), (" 1,000 ", Some(1000)), ("2k", Some(2000)), ("3M", Some(3_000_000)),
            ("1.5k", Some(1500)), ("1.001k", Some(1001)), ("1.0005k", None), ("1000000M", Some(1_000_000_000_000)),
            ("1000000000001", None), ("", None), ("-1", None), ("1.5", None), ("99999999999999999999", None), ("20000000000000000000k", None)];
        for (text, expected) in numbers {
            assert_eq!(whole(text), expected, "{text}");
        }
        #[rustfmt::skip]
        let times = [("1.5s", Some(1500)), ("30", Some(30_000)), ("5m", Some(300_000)), ("200 ms", Some(200)),
            ("1h", Some(3_600_000)), ("2.01s", Some(2010)), ("24h", Some(86_400_000)), ("24.01h", None), ("0", None), ("soon", None), ("NaN", None), ("inf", None)];
        for (text, expected) in times {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
