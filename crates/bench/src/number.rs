//! Numbers as people read them: three digits that matter, thousands set apart, a unit that fits.
//!
//! Pure. What is no number comes out as a dash, so that no screen ever says `NaN`.

/// What stands where a figure is missing.
pub const NONE: &str = "–";

/// From here on a figure is written with a power of ten.
const HUGE: f64 = 1e15;

/// Digits that are read: more would not fit into a number without rounding it.
const DIGITS_MAX: usize = 15;

/// A plain decimal number above or equal to zero, as people type it: `12`, `0.5`, `.25`.
///
/// The library's own reading also knows powers of ten, and brings a table along that is larger than
/// many a page.
///
/// ```
/// use kneepoint_bench::number::read;
///
/// assert_eq!([read("12"), read(" 0.25 "), read(".5")], [Some(12.0), Some(0.25), Some(0.5)]);
/// assert!(["", ".", "-1", "1e3", "1.2.3", "many"].into_iter().all(|text| read(text).is_none()));
/// ```
pub fn read(text: &str) -> Option<f64> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    let digits = || whole.bytes().chain(part.bytes());
    let is_plain = digits().all(|digit| digit.is_ascii_digit());
    if !is_plain || whole.len() + part.len() > DIGITS_MAX || whole.is_empty() && part.is_empty() {
        return None;
    }
    let value = digits().fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0'));
    // Both are exact, so the quotient is the number that is nearest.
    Some(value as f64 / 10_u64.pow(part.len() as u32) as f64)
}

/// A count with its thousands set apart.
///
/// ```
/// assert_eq!(kneepoint_bench::number::count(1_234_567), "1,234,567");
/// ```
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// So many of something, by a name that takes an "s" where there are more.
///
/// ```
/// use kneepoint_bench::number::counted;
///
/// assert_eq!([1, 2000].map(|n| counted(n, "request")), ["1 request", "2,000 requests"]);
/// ```
pub fn counted(value: u64, name: &str) -> String {
    let ending = if value == 1 { "" } else { "s" };
    [&count(value), " ", name, ending].concat()
}

/// A figure with three digits that matter, or all of a whole number's.
///
/// ```
/// use kneepoint_bench::number::figure;
///
/// assert_eq!([1330.4, 26.62, 0.0421].map(figure), ["1,330", "26.6", "0.0421"]);
/// assert_eq!(figure(f64::NAN), "–");
/// ```
pub fn figure(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if size >= HUGE {
        return format!("{value:.1e}");
    }
    // Rounding must not add a digit: 99.96 is 100, not 100.0.
    let decimals = match size {
        _ if size == 0.0 || size >= 99.95 => 0,
        _ if size >= 9.995 => 1,
        _ if size >= 0.9995 => 2,
        _ if size >= 0.09995 => 3,
        _ if size >= 0.000_999_5 => 4,
        _ => return format!("{value:.1e}"),
    };
    grouped(&format!("{value:.decimals$}"))
}

/// A time given in milliseconds, from one second on in seconds.
///
/// ```
/// use kneepoint_bench::number::time_ms;
///
/// assert_eq!([0.42, 410.3, 1250.0].map(time_ms), ["0.420 ms", "410 ms", "1.25 s"]);
/// ```
pub fn time_ms(value: f64) -> String {
    if !value.is_finite() {
        NONE.to_owned()
    } else if value.abs() < 999.5 {
        format!("{} ms", figure(value))
    } else {
        format!("{} s", figure(value / 1000.0))
    }
}

/// A share of 1 as a percentage.
///
/// ```
/// assert_eq!(kneepoint_bench::number::percent(0.0123), "1.23 %");
/// ```
pub fn percent(share: f64) -> String {
    format!("{} %", figure(share * 100.0))
}

/// A sentence of figures or of anything else, with its first letter as sentences have it.
///
/// ```
/// assert_eq!(kneepoint_bench::number::capital("32 at once"), "32 at once");
/// assert_eq!(kneepoint_bench::number::capital("the rest"), "The rest");
/// ```
pub fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// The label of a tick, short: `40k` for 40,000. `step` is the distance to the next tick, which
/// says how many decimals tell the two apart.
pub(crate) fn tick(value: f64, step: f64) -> String {
    // From where on, in which unit.
    const UNITS: [(f64, f64, &str); 4] = [
        (1e12, 1e12, "T"),
        (1e9, 1e9, "G"),
        (1e6, 1e6, "M"),
        (1e4, 1e3, "k"),
    ];
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value.abs() >= HUGE {
        return format!("{value:e}");
    }
    let unit = UNITS.iter().find(|(from, ..)| value.abs() >= *from);
    let (size, word) = unit.map_or((1.0, ""), |&(_, size, word)| (size, word));
    let step = (step / size).abs();
    let mut decimals = 0_usize;
    let is_whole = |scaled: f64| scaled > 0.999 && (scaled - scaled.round()).abs() < 1e-6 * scaled;
    while decimals < 9 && step > 0.0 && !is_whole(step * POWERS[decimals]) {
        decimals += 1;
    }
    let text = format!("{:.decimals$}", value / size);
    // Ticks of a logarithmic axis have no common step: what is behind the point may be zeros.
    let text = if decimals > 0 {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{}{word}", grouped(text))
}

const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

fn grouped(digits: &str) -> String {
    let (sign, rest) = digits
        .strip_prefix('-')
        .map_or(("", digits), |rest| ("-", rest));
    let (whole, fraction) = rest.find('.').map_or((rest, ""), |at| rest.split_at(at));
    let mut out = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_no_more() {
        #[rustfmt::skip]
        let cases = [
            (0.0,           "0"),
            (0.000_01,      "1.0e-5"),
            (0.042,         "0.0420"),
            (9.996,         "10.0"),     // rounding gives no fourth digit
            (99.96,         "100"),
            (-1234.5,       "-1,234"),
            (123_456.0,     "123,456"),
            (1e300,         "1.0e300"),
            (f64::INFINITY, "–"),
        ];
        for (value, expected) in cases {
            assert_eq!(figure(value), expected, "{value}");
        }
        assert_eq!(time_ms(999.6), "1.00 s");
        assert_eq!(count(12), "12");
    }

    #[test]
    fn ticks_are_short_and_tell_each_other_apart() {
        #[rustfmt::skip]
        let cases = [
            // value, step,    label
            (0.0,     500.0,   "0"),
            (1500.0,  500.0,   "1,500"),
            (10_000.0, 5000.0, "10k"),
            (12_500.0, 2500.0, "12.5k"),
            (2.5e6,   5e5,     "2.5M"),
            (0.25,    0.05,    "0.25"),
            (0.5,     0.05,    "0.5"),
            (1e18,    5e17,    "1e18"),
        ];
        for (value, step, expected) in cases {
            assert_eq!(tick(value, step), expected, "{value}");
        }
    }
}
