//! Numbers. The library's own parser of floats is many kilobytes of tables for a last bit that no
//! reader of ours needs.

/// From here on floats cannot tell whole numbers apart.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// About as many digits as a whole number can hold; those that follow only say how large it is.
const DIGITS_END: u64 = 1_000_000_000_000_000_000;

/// A number's value: exact where its digits and its power of ten are floats, and close beyond.
/// Infinite where no float is as large; `None` where `source` is no number at all.
pub(super) fn real(source: &str) -> Option<f64> {
    // Bytes: a search for characters takes most of the time where code is made small.
    let is_negative = source.as_bytes().first()? == &b'-';
    let unsigned = source.get(usize::from(is_negative)..)?;
    if !unsigned.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let is_mark = |byte| matches!(byte, b'e' | b'E');
    let mark = unsigned.bytes().position(is_mark);
    let (written, exponent) = match mark {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)?),
        None => (unsigned, "0"),
    };
    let (mut digits, mut power, mut in_fraction) = (0_u64, 0_i32, 0);
    for byte in written.bytes() {
        match byte {
            b'.' => in_fraction = 1,
            _ if digits < DIGITS_END => {
                digits = digits * 10 + u64::from(byte & 15);
                power -= in_fraction;
            }
            _ => power += 1 - in_fraction,
        }
    }
    // What has too many digits for an exponent is larger, or smaller, than any float.
    let beyond = if exponent.starts_with('-') {
        i32::MIN
    } else {
        i32::MAX
    };
    power = power.saturating_add(exponent.parse().unwrap_or(beyond));
    // Exact up to 10^22, infinite from 10^309 on.
    let scale = (0..power.unsigned_abs().min(400)).fold(1.0, |scale, _| scale * 10.0);
    let size = match digits as f64 {
        // Nothing, however often.
        0.0 => 0.0,
        digits if power < 0 => digits / scale,
        digits => digits * scale,
    };
    Some(if is_negative { -size } else { size })
}

/// A whole number from 0 on.
pub(super) fn count(source: &str) -> Option<u64> {
    if let Ok(count) = source.parse() {
        return Some(count);
    }
    // Some servers write counts as 12.0.
    let real = real(source).filter(|real| (0.0..=WHOLE_MAX).contains(real))?;
    let count = real as u64;
    (count as f64 - real == 0.0).then_some(count)
}
