//! Numbers and times as people write them.

use kneepoint_bench::number;

/// A whole number: `1000`, `1,000`, `1k`, `2M`.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text: String = text
        .trim()
        .chars()
        .filter(|character| !matches!(character, ',' | '_' | ' '))
        .collect();
    let (digits, times) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1000),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1_000_000),
            None => (text.as_str(), 1),
        },
    };
    digits.parse::<u64>().ok()?.checked_mul(times)
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
    (1.0..1e12).contains(&value).then_some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_read_as_people_write_them() {
        #[rustfmt::skip]
        let numbers = [("1000", Some(1000)), (" 1,000 ", Some(1000)), ("2k", Some(2000)), ("3M", Some(3_000_000)),
            ("", None), ("-1", None), ("1.5", None), ("99999999999999999999", None), ("20000000000000000000k", None)];
        for (text, expected) in numbers {
            assert_eq!(whole(text), expected, "{text}");
        }
        #[rustfmt::skip]
        let times = [("1.5s", Some(1500)), ("30", Some(30_000)), ("5m", Some(300_000)), ("200 ms", Some(200)),
            ("1h", Some(3_600_000)), ("2.01s", Some(2010)), ("0", None), ("soon", None), ("NaN", None), ("inf", None)];
        for (text, expected) in times {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
