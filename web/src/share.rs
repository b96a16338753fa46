//! A result in few characters: for links, and for keeping many.
//!
//! What makes a report long are counted times and moments; a link needs their shape and not each of
//! them. The text is JSON that any version of the same schema reads.

use kneepoint_bench::json;
use kneepoint_bench::report::{Metric, Moment, Report, Rung};
use serde_json::Value;

/// Counted times that are left of each metric of the main rung.
const BUCKETS_MAX: usize = 48;

/// Moments that are left of all rungs together.
const MOMENTS_MAX: usize = 90;

/// Digits that are kept of every number that is not whole: one more than are shown.
const DIGITS: i32 = 4;

/// Where rounding finds a number this near to one that is whole, it is taken for that: it was rounded before.
const WHOLE_WITHIN: f64 = 1e-6;

/// How long the text of a link may be once it is unpacked: a link from a stranger must not fill the
/// memory.
pub const UNPACKED_MAX: usize = 1 << 20;

/// Whether the endpoint's name goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// It does.
    Shown,
    /// It does not, nor its path, nor anything it said.
    Hidden,
}

/// A report as short JSON.
pub fn short(report: &Report, host: Host) -> String {
    let mut report = report.clone();
    let is_main: Vec<bool> = {
        let main = report.main_rung();
        let same = |rung: &Rung| main.is_some_and(|main| std::ptr::eq(main, rung));
        report.rungs.iter().map(same).collect()
    };
    let moments: usize = report.rungs.iter().map(|rung| rung.timeline.len()).sum();
    let every = moments.div_ceil(MOMENTS_MAX).max(1);
    for (rung, is_main) in report.rungs.iter_mut().zip(is_main) {
        shorten(rung, is_main);
        rung.timeline = rung.timeline.chunks(every).map(Moment::joined).collect();
    }
    if host == Host::Hidden {
        report.config.host = None;
        report.config.path = String::new();
        report.protocol.notes = Vec::new();
        for class in report.rungs.iter_mut().flat_map(|rung| &mut rung.classes) {
            class.excerpt = None;
        }
    }
    let mut json = json::from_str(&report.to_json()).unwrap_or_default();
    round_all(&mut json);
    json::to_string(&json)
}

/// Leaves out what the pictures can do without.
fn shorten(rung: &mut Rung, is_main: bool) {
    (rung.ttfv, rung.icl, rung.queue, rung.e2e_sched) = (None, None, None, None);
    rung.reference = rung.reference.take().filter(|_| is_main);
    for metric in [&mut rung.ttft, &mut rung.tpot, &mut rung.e2e] {
        let Some(metric) = metric else { continue };
        if is_main {
            metric.buckets = coarse(metric);
        } else {
            metric.buckets = Vec::new();
            metric.quantiles.retain(|one| [0.5, 0.95].contains(&one.q));
        }
    }
}

/// Neighbouring counts together, each at the value that most of them have.
fn coarse(metric: &Metric) -> Vec<(u64, u64)> {
    let size = metric.buckets.len().div_ceil(BUCKETS_MAX).max(1);
    let group = |group: &[(u64, u64)]| {
        let value = group.iter().max_by_key(|(_, count)| *count)?.0;
        let counts = group.iter().map(|(_, count)| *count);
        Some((value, counts.fold(0, u64::saturating_add)))
    };
    metric.buckets.chunks(size).filter_map(group).collect()
}

/// Leaves numbers the digits that matter, and what is null out.
fn round_all(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().unwrap_or_default();
            *value = round(exact).into();
        }
        Value::Array(list) => list.iter_mut().for_each(round_all),
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(round_all);
        }
        _ => {}
    }
}

/// A number that is shown as the exact one is. Rounded to the nearest it would not always be: 103.46 were
/// 103.5 here and 104 on the screen. So what is cut off leaves a trace where the last digit that stays is
/// one that later rounding decides by.
fn round(exact: f64) -> f64 {
    let size = exact.abs();
    if size <= f64::MIN_POSITIVE {
        return 0.0;
    }
    // Large numbers are shown with all their whole digits.
    let decimals = (DIGITS - 1 - size.log10().floor() as i32).max(1);
    let scale = 10_f64.powi(decimals);
    let scaled = size * scale;
    if !scaled.is_finite() {
        return exact;
    }
    let kept = if (scaled - scaled.round()).abs() < WHOLE_WITHIN {
        scaled.round()
    } else if scaled.trunc() % 5.0 < 1.0 {
        scaled.trunc() + 1.0
    } else {
        scaled.trunc()
    };
    (kept / scale).copysign(exact)
}

/// Bytes as text that a link carries unchanged (base64url, RFC 4648 §5, without padding).
pub fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..=group.len() {
            let six = bits >> (18 - 6 * place) & 63;
            text.push(char::from(ALPHABET[six as usize]));
        }
    }
    text
}

/// The same as files hold it: base64 with its padding (RFC 4648 §4).
pub fn encode_padded(bytes: &[u8]) -> String {
    let mut text = encode(bytes).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The bytes of such a text; none if it is not one.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let six = |character: u8| match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for (place, character) in group.iter().enumerate() {
            bits |= u32::from(six(*character)?) << (18 - 6 * place);
        }
        let [_, a, b, c] = bits.to_be_bytes();
        let whole = match group.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bytes.extend([a, b, c].into_iter().take(whole));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::example;
    use kneepoint_bench::number;

    #[test]
    fn bytes_survive_the_way_through_a_link() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|index| index.wrapping_mul(41)).collect();
            let text = encode(&bytes);
            assert!(
                text.bytes()
                    .all(|one| one.is_ascii_alphanumeric() || b"-_".contains(&one))
            );
            assert_eq!(decode(&text), Some(bytes));
        }
        assert_eq!(encode(b"\xfb\xff"), "-_8");
        assert_eq!(encode_padded(b"\xfb\xff"), "+/8=");
        assert_eq!(
            (decode("a"), decode("ab c"), decode("a+b=")),
            (None, None, None)
        );
    }

    #[test]
    fn a_short_report_is_a_report_with_the_same_answer() {
        let report = example();
        let text = short(&report, Host::Shown);
        let again = Report::from_json(&text).expect("a report");
        assert_eq!(again.answer, report.answer);
        assert_eq!(again.rungs.len(), report.rungs.len());
        assert_eq!(
            short(&again, Host::Shown).len(),
            text.len(),
            "short stays short"
        );
    }

    #[test]
    fn counts_beyond_all_bounds_in_a_file_are_as_many_as_can_be_counted() {
        let mut report = example();
        for rung in &mut report.rungs {
            let moment = Moment {
                ok: u64::MAX,
                ..Moment::default()
            };
            rung.timeline = vec![moment; 2 * MOMENTS_MAX];
            let metrics = [&mut rung.ttft, &mut rung.e2e];
            for metric in metrics.into_iter().flatten() {
                metric.buckets = (0..2 * BUCKETS_MAX as u64)
                    .map(|at| (at, u64::MAX))
                    .collect();
            }
        }
        let again = Report::from_json(&short(&report, Host::Shown)).expect("a report");
        let moments = again.rungs.iter().flat_map(|rung| &rung.timeline);
        assert!(moments.map(|moment| moment.ok).all(|ok| ok == u64::MAX));
    }

    #[test]
    fn a_hidden_host_is_nowhere() {
        let mut report = example();
        report.config.host = Some("secret.example".to_owned());
        report.config.path = "/tenants/secret/v1".to_owned();
        report.protocol.notes = vec!["secret".to_owned()];
        assert!(!short(&report, Host::Hidden).contains("secret"));
        assert!(short(&report, Host::Shown).contains("secret.example"));
    }

    #[test]
    fn numbers_keep_one_digit_more_than_are_shown() {
        #[rustfmt::skip]
        let cases = [
            (1330.456, 1330.4), (103.46, 103.4), (0.012_345_6, 0.012_34), (-9.99999, -9.999), (103.55, 103.6),
            (103.5, 103.5), (104.53, 104.6), (1e15, 1e15), (0.0, 0.0), (1e-320, 0.0),
        ];
        for (exact, expected) in cases {
            let kept = round(exact);
            assert!(
                (kept - expected).abs() <= expected.abs() * 1e-12,
                "{exact}: {kept}"
            );
            assert_eq!(round(kept).to_bits(), kept.to_bits(), "{exact}, once more");
        }
    }

    #[test]
    fn a_number_from_a_link_is_shown_as_the_one_that_was_measured() {
        let mut exact = 1e-4;
        while exact < 1e7 {
            let kept = round(exact);
            assert_eq!(number::figure(kept), number::figure(exact), "{exact}");
            assert_eq!(number::time_ms(kept), number::time_ms(exact), "{exact}");
            let is_share = exact < 1.0;
            assert!(
                !is_share || number::percent(kept) == number::percent(exact),
                "{exact}"
            );
            exact *= 1.000_37;
        }
    }
}
