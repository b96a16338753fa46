//! What was measured, as a table for people and as JSON for programs.

use serde_json::{Value, json};

use super::measure::{Measured, PeerMeasured, Series, median, quantile};

/// The lines of one work's table.
pub(super) fn table(measured: &Measured) -> Vec<String> {
    let ours = &measured.ours;
    let title = format!(
        "{}  {}, {} rounds",
        measured.id,
        measured.what,
        ours.seconds.len()
    );
    let head = row("", "median", "ours ÷ peer (middle half)", "target", "");
    let first = row(&ours.who, &time(ours), "", "", "");
    let peers = measured.peers.iter().map(peer_row);
    [title, head, first].into_iter().chain(peers).collect()
}

fn peer_row(peer: &PeerMeasured) -> String {
    let target = format!("≤ {}", number(peer.ratio_max));
    let (Some((series, ratios)), Some((ratio, met))) = (&peer.times, peer.verdict()) else {
        return row(
            &peer.name,
            "not available",
            "",
            &target,
            &format!("not measured: {}", peer.offer),
        );
    };
    let bound = |share| quantile(ratios, share).map_or_else(String::new, number);
    let spread = format!("{} ({} to {})", number(ratio), bound(0.25), bound(0.75));
    row(
        &peer.name,
        &time(series),
        &spread,
        &target,
        if met { "met" } else { "MISSED" },
    )
}

fn row(who: &str, median: &str, ratio: &str, target: &str, verdict: &str) -> String {
    let line = format!("  {who:<24}{median:>14}  {ratio:<32}{target:<10}{verdict}");
    line.trim_end().to_owned()
}

/// The targets that were missed, each named; what was not measured is not missed.
pub(super) fn missed(results: &[Measured]) -> Vec<String> {
    let peers = results
        .iter()
        .flat_map(|work| work.peers.iter().map(|peer| (work.id, peer)));
    let missed = peers.filter_map(|(id, peer)| match peer.verdict() {
        Some((ratio, false)) => {
            let (ratio, target) = (number(ratio), number(peer.ratio_max));
            Some(format!(
                "{id} against {}: {ratio}, target ≤ {target}",
                peer.name
            ))
        }
        _ => None,
    });
    missed.collect()
}

/// The whole group as JSON.
pub(super) fn json(group: &str, runs: usize, results: &[Measured]) -> String {
    let works: Vec<Value> = results.iter().map(work_json).collect();
    format!(
        "{:#}\n",
        json!({ "group": group, "runs": runs, "works": works })
    )
}

fn work_json(measured: &Measured) -> Value {
    let peers = measured.peers.iter().map(|peer| {
        let mut row = json!({ "who": peer.name, "ratio_max": peer.ratio_max });
        if let (Some((series, ratios)), Some((ratio, met))) = (&peer.times, peer.verdict()) {
            row["seconds"] = json!(series.seconds);
            row["median_seconds"] = json!(median(&series.seconds));
            row["ratios"] = json!(ratios);
            row["ratio"] = json!(ratio);
            row["met"] = json!(met);
        } else {
            row["not_available"] = json!(peer.offer);
        }
        row
    });
    json!({
        "id": measured.id,
        "what": measured.what,
        "ours": {
            "who": measured.ours.who,
            "seconds": measured.ours.seconds,
            "median_seconds": median(&measured.ours.seconds),
        },
        "peers": peers.collect::<Vec<_>>(),
    })
}

/// The median with a fitting unit and three digits.
fn time(series: &Series) -> String {
    match median(&series.seconds) {
        None => String::new(),
        Some(seconds) if seconds < 1e-3 => format!("{} µs", number(seconds * 1e6)),
        Some(seconds) if seconds < 1.0 => format!("{} ms", number(seconds * 1e3)),
        Some(seconds) => format!("{} s", number(seconds)),
    }
}

/// Three significant digits, without trailing zeros.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let text = format!("{value:.0$}", usize::try_from(digits).unwrap_or(0));
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(who: &str, seconds: &[f64]) -> Series {
        Series {
            who: who.to_owned(),
            seconds: seconds.to_vec(),
        }
    }

    fn measured() -> Measured {
        let peer = |name: &str, ratio_max, times| PeerMeasured {
            name: name.to_owned(),
            ratio_max,
            times,
            offer: "pip install it",
        };
        let slow = (series("slow", &[2.0, 2.5, 3.0]), vec![0.005, 0.004, 0.006]);
        let fast = (series("fast", &[0.01, 0.01, 0.01]), vec![1.0, 1.25, 1.5]);
        Measured {
            id: "P0",
            what: "a work".to_owned(),
            ours: series("ours", &[0.0125, 0.0100, 0.0150]),
            peers: vec![
                peer("slow", 0.02, Some(slow)),
                peer("fast", 1.0, Some(fast)),
                peer("absent", 1.0, None),
            ],
        }
    }

    #[test]
    fn the_table_sets_each_ratio_beside_its_target() {
        let lines = table(&measured());
        let words = |at: usize| lines[at].split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(lines[0], "P0  a work, 3 rounds");
        assert_eq!(words(2), "ours 12.5 ms");
        assert_eq!(words(3), "slow 2.5 s 0.005 (0.0045 to 0.0055) ≤ 0.02 met");
        assert_eq!(words(4), "fast 10 ms 1.25 (1.12 to 1.38) ≤ 1 MISSED");
        assert_eq!(
            words(5),
            "absent not available ≤ 1 not measured: pip install it"
        );
    }

    #[test]
    fn only_measured_targets_are_missed() {
        assert_eq!(missed(&[measured()]), ["P0 against fast: 1.25, target ≤ 1"]);
    }

    #[test]
    fn the_json_holds_every_round() {
        let json: Value = serde_json::from_str(&json("sample", 3, &[measured()])).unwrap();
        let work = &json["works"][0];
        assert_eq!(work["ours"]["median_seconds"], 0.0125);
        assert_eq!(work["peers"][0]["met"], true);
        assert_eq!(work["peers"][1]["ratios"], json!([1.0, 1.25, 1.5]));
        assert_eq!(work["peers"][2]["not_available"], "pip install it");
    }

    #[test]
    fn numbers_have_three_digits() {
        #[rustfmt::skip]
        let cases = [
            (0.005_123, "0.00512"), (1.0, "1"), (12.5, "12.5"), (1234.5, "1234"), (99.99, "100"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
