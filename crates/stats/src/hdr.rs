//! The HDR V2 binary payload, as it is before compression: every HDR tool reads it once it went
//! through zlib, and merges it. Decoding is bounded by the layout, whatever the bytes say.

use crate::histogram::{Histogram, HistogramError, representative};
use thiserror::Error;

/// V2, not compressed, counters written as variable-length integers.
const COOKIE: u32 = 0x1c84_9313;
const HEADER_LEN: usize = 40;
const DIGITS: u32 = 3;
const LOWEST_VALUE: u64 = 1;

/// Why bytes are not a histogram that this crate can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// They do not begin as a V2 payload does. (Compressed ones must be inflated before.)
    #[error("not an uncompressed HDR V2 payload")]
    Cookie,
    /// They end too early, or go on after the length that they give.
    #[error("the payload is not as long as it says")]
    Length,
    /// They come from a histogram with another layout than 3 digits from 1 upward.
    #[error("only histograms of 3 significant digits from 1 upward can be read")]
    Layout,
    /// The counters go beyond the largest value, or a run of empty ones has no length.
    #[error("the counters do not fit the layout")]
    Counters,
    /// The counters add up to more than can be counted.
    #[error(transparent)]
    Count(#[from] HistogramError),
}

impl Histogram {
    /// The HDR V2 payload before compression. To get what HDR tools exchange, deflate it (with
    /// zlib's header) and put the 4-byte cookie `0x1c849314` and the deflated length in front,
    /// both big-endian.
    ///
    /// ```
    /// use kneepoint_stats::Histogram;
    ///
    /// let mut histogram = Histogram::new();
    /// histogram.record_many(3, 7)?;
    /// let payload = histogram.to_v2();
    /// // Behind the header: a run of three empty counters, then a count of seven.
    /// assert_eq!(payload[40..], [5, 14]);
    /// assert_eq!(Histogram::from_v2(&payload).expect("ours"), histogram);
    /// # Ok::<(), kneepoint_stats::HistogramError>(())
    /// ```
    pub fn to_v2(&self) -> Vec<u8> {
        let mut counters = Vec::new();
        let mut empty_run = 0;
        for &count in self.counts() {
            if count == 0 {
                empty_run += 1;
                continue;
            }
            if empty_run > 0 {
                push_integer(&mut counters, -empty_run);
                empty_run = 0;
            }
            push_integer(&mut counters, count.cast_signed());
        }
        let mut payload = Vec::with_capacity(HEADER_LEN + counters.len());
        payload.extend(COOKIE.to_be_bytes());
        payload.extend((counters.len() as u32).to_be_bytes());
        payload.extend(0_u32.to_be_bytes()); // the counters begin with that of the value 0
        payload.extend(DIGITS.to_be_bytes());
        payload.extend(LOWEST_VALUE.to_be_bytes());
        payload.extend(self.room().0.to_be_bytes());
        payload.extend(1.0_f64.to_be_bytes()); // values are the integers themselves
        payload.extend(counters);
        payload
    }

    /// Reads such a payload, from any HDR implementation, if its layout is this crate's. The
    /// smallest, the largest and the mean are then known as exactly as the counters tell them.
    pub fn from_v2(payload: &[u8]) -> Result<Self, DecodeError> {
        let (header, mut rest) = payload
            .split_at_checked(HEADER_LEN)
            .ok_or(DecodeError::Length)?;
        let (words, _) = header.as_chunks::<4>();
        let word = |index: usize| u32::from_be_bytes(words[index]);
        if word(0) != COOKIE {
            return Err(DecodeError::Cookie);
        }
        if word(1) as usize != rest.len() {
            return Err(DecodeError::Length);
        }
        let lowest = u64::from(word(4)) << 32 | u64::from(word(5));
        // hdr-histogram-js writes an offset of 1 and ignores it when it reads. True offsets are
        // multiples of 1024.
        if word(2) > 1 || word(3) != DIGITS || lowest != LOWEST_VALUE {
            return Err(DecodeError::Layout);
        }
        let mut histogram = Self::new();
        let mut index = 0_usize;
        while !rest.is_empty() {
            let number = take_integer(&mut rest).ok_or(DecodeError::Length)?;
            let step = if number < 0 { number.unsigned_abs() } else { 1 };
            if number > 0 {
                let value = representative(index).ok_or(DecodeError::Counters)?;
                histogram.record_many(value, number.unsigned_abs())?;
            }
            index = usize::try_from(step)
                .ok()
                .and_then(|step| index.checked_add(step))
                .ok_or(DecodeError::Counters)?;
        }
        Ok(histogram)
    }
}

/// Appends an integer as HDR does: the sign in the lowest bit, then 7 bits per byte from the low
/// end, the eighth telling that more follow; a ninth byte has no such bit and holds 8.
fn push_integer(bytes: &mut Vec<u8>, number: i64) {
    let mut rest = (number << 1 ^ number >> 63).cast_unsigned();
    for _ in 0..8 {
        if rest < 0x80 {
            bytes.push(rest as u8);
            return;
        }
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// Takes such an integer off the front. `None` if the bytes end within it.
fn take_integer(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for position in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if position == 8 || byte < 0x80 {
            number |= u64::from(byte) << (7 * position);
            break;
        }
        number |= u64::from(byte & 0x7f) << (7 * position);
    }
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_and_take_nine_bytes_at_most() {
        let edges = (0..63).flat_map(|bit| [1_i64 << bit, (1 << bit) - 1, -(1 << bit)]);
        for number in edges.chain([i64::MIN, i64::MAX]) {
            let mut bytes = Vec::new();
            push_integer(&mut bytes, number);
            assert!(bytes.len() <= 9);
            assert_eq!(take_integer(&mut bytes.as_slice()), Some(number));
            assert_eq!(take_integer(&mut &bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn foreign_bytes_are_refused_by_name() {
        let mut histogram = Histogram::new();
        histogram.record(5_000).unwrap();
        let good = histogram.to_v2();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Histogram::from_v2(&bytes)
        };
        assert_eq!(Histogram::from_v2(&good[..39]), Err(DecodeError::Length));
        assert_eq!(
            Histogram::from_v2(&good[..good.len() - 1]),
            Err(DecodeError::Length)
        );
        assert_eq!(with(3, 0x14), Err(DecodeError::Cookie));
        assert_eq!(with(10, 4), Err(DecodeError::Layout));
        assert_eq!(with(15, 2), Err(DecodeError::Layout));
        assert_eq!(with(23, 2), Err(DecodeError::Layout));

        // Counters that lead out of the layout, or overflow its total.
        let with_counters = |numbers: &[i64]| {
            let mut counters = Vec::new();
            for &number in numbers {
                push_integer(&mut counters, number);
            }
            let mut bytes = good[..HEADER_LEN].to_vec();
            bytes[4..8].copy_from_slice(&(counters.len() as u32).to_be_bytes());
            bytes.extend(counters);
            Histogram::from_v2(&bytes)
        };
        assert_eq!(with_counters(&[-60_000, 1]), Err(DecodeError::Counters));
        assert_eq!(
            with_counters(&[i64::MIN, i64::MIN, 1]),
            Err(DecodeError::Counters)
        );
        let too_many = DecodeError::Count(HistogramError::CountTooLarge);
        assert_eq!(with_counters(&[i64::MAX, 1]), Err(too_many));
        assert_eq!(
            too_many.to_string(),
            "the histogram cannot count that many values"
        );
        // Java and JavaScript write a single empty counter as a zero.
        assert_eq!(with_counters(&[0, 0, 4]).unwrap().max(), Some(2));
    }
}
