//! One work, done by us and by our peers in turn.
//!
//! Each program does the work a few times in one process, times it by its own clock, without its
//! start, and prints one line: `{"who":"…","seconds":[…]}`.

use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::shell::{ask, output, show};

/// A piece of work and those who do it.
pub(super) struct Work {
    /// Its number among the ratios to reach.
    pub(super) id: &'static str,
    pub(super) what: String,
    pub(super) ours: Command,
    pub(super) peers: Vec<Peer>,
}

/// Somebody else's program for the same work.
pub(super) struct Peer {
    /// What it is called until it says so itself.
    pub(super) name: &'static str,
    pub(super) command: Command,
    /// Our time divided by its time, at most.
    pub(super) ratio_max: f64,
    /// A command that answers where the peer can run, and how to get it where it cannot.
    pub(super) probe: &'static [&'static str],
    pub(super) offer: &'static str,
}

/// What was measured of one work.
pub(super) struct Measured {
    pub(super) id: &'static str,
    pub(super) what: String,
    pub(super) ours: Series,
    pub(super) peers: Vec<PeerMeasured>,
}

/// What was measured of a peer.
pub(super) struct PeerMeasured {
    pub(super) name: String,
    pub(super) ratio_max: f64,
    /// Its times and, per round, our time divided by its own; nothing where it cannot run.
    pub(super) times: Option<(Series, Vec<f64>)>,
    pub(super) offer: &'static str,
}

/// The times of one program, one per round, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Series {
    pub(super) who: String,
    pub(super) seconds: Vec<f64>,
}

impl PeerMeasured {
    /// The median ratio and whether it is within the target; nothing where it was not measured.
    pub(super) fn verdict(&self) -> Option<(f64, bool)> {
        let (_, ratios) = self.times.as_ref()?;
        let ratio = median(ratios)?;
        Some((ratio, ratio <= self.ratio_max))
    }
}

/// Runs ours and each peer in turn, `runs` times over.
pub(super) fn measure(work: Work, runs: usize) -> Result<Measured> {
    let Work {
        id,
        what,
        mut ours,
        peers,
    } = work;
    let mut ours_series = Series::default();
    let mut rows: Vec<(Peer, Option<Series>)> = Vec::new();
    for peer in peers {
        let there = ask(peer.probe[0], &peer.probe[1..]).is_some();
        if !there {
            println!(
                "{} is not available here and is left out: {}",
                peer.name, peer.offer
            );
        }
        rows.push((peer, there.then(Series::default)));
    }
    println!("{what}\n$ {}", show(&ours));
    for (peer, _) in rows.iter().filter(|(_, series)| series.is_some()) {
        println!("$ {}", show(&peer.command));
    }
    for round in 1..=runs {
        println!("round {round} of {runs}");
        run_once(&mut ours, &mut ours_series)?;
        for (peer, series) in &mut rows {
            if let Some(series) = series {
                run_once(&mut peer.command, series)?;
            }
        }
    }
    let peers = rows.into_iter().map(|(peer, series)| PeerMeasured {
        name: series
            .as_ref()
            .map_or_else(|| peer.name.to_owned(), |series| series.who.clone()),
        ratio_max: peer.ratio_max,
        offer: peer.offer,
        times: series.map(|series| {
            let pairs = ours_series.seconds.iter().zip(&series.seconds);
            let ratios = pairs.map(|(ours, peer)| ours / peer).collect();
            (series, ratios)
        }),
    });
    let peers = peers.collect();
    Ok(Measured {
        id,
        what,
        ours: ours_series,
        peers,
    })
}

fn run_once(command: &mut Command, series: &mut Series) -> Result {
    let text = output(command)?;
    let (who, seconds) = parse(&text).map_err(|error| {
        Failure::work(format!(
            "`{}` printed what is no result: {error}",
            show(command)
        ))
    })?;
    series.who = who;
    series.seconds.push(seconds);
    Ok(())
}

/// Reads the line of a program: who it is, and the median of its times in this round.
fn parse(text: &str) -> std::result::Result<(String, f64), String> {
    let line: Value = serde_json::from_str(text.trim()).map_err(|error| error.to_string())?;
    let who = line["who"].as_str().ok_or("no \"who\"")?;
    let seconds = line["seconds"].as_array().ok_or("no \"seconds\"")?;
    let seconds: Option<Vec<f64>> = seconds.iter().map(Value::as_f64).collect();
    let median = seconds
        .as_deref()
        .and_then(median)
        .filter(|median| *median > 0.0);
    Ok((
        who.to_owned(),
        median.ok_or("\"seconds\" holds no times above zero")?,
    ))
}

/// The middle value, or the mean of the two in the middle; nothing of nothing.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(sorted[middle - 1], upper)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(line: &str) -> Command {
        let mut command = Command::new("echo");
        command.arg(line);
        command
    }

    fn peer(line: &str, probe: &'static [&'static str]) -> Peer {
        let command = says(line);
        Peer {
            name: "peer",
            command,
            ratio_max: 0.5,
            probe,
            offer: "get it",
        }
    }

    fn work(peers: Vec<Peer>) -> Work {
        let ours = says(r#"{"who":"ours","seconds":[3,1,2]}"#);
        Work {
            id: "P0",
            what: "a work".to_owned(),
            ours,
            peers,
        }
    }

    #[test]
    fn the_ratio_is_taken_of_medians_within_each_round() {
        let line = r#"{"who":"theirs","seconds":[4.0]}"#;
        let measured = measure(work(vec![peer(line, &["true"])]), 2).unwrap();
        let expected = Series {
            who: "ours".to_owned(),
            seconds: vec![2.0, 2.0],
        };
        assert_eq!(measured.ours, expected);
        let theirs = &measured.peers[0];
        assert_eq!(theirs.name, "theirs");
        assert_eq!(theirs.times.as_ref().unwrap().1, [0.5, 0.5]);
        assert_eq!(theirs.verdict(), Some((0.5, true)));
    }

    #[test]
    fn a_peer_that_is_not_there_is_left_out_and_has_no_verdict() {
        let measured = measure(work(vec![peer("not run", &["false"])]), 1).unwrap();
        assert_eq!(measured.peers[0].name, "peer");
        assert_eq!(measured.peers[0].verdict(), None);
    }

    #[test]
    fn a_peer_that_is_there_and_fails_stops_the_measurement() {
        let failure = measure(work(vec![peer("oops", &["true"])]), 1)
            .err()
            .unwrap();
        assert!(
            failure
                .text()
                .starts_with("`echo oops` printed what is no result")
        );
    }

    #[test]
    fn only_a_full_line_is_a_result() {
        assert_eq!(
            parse("{\"who\":\"a\",\"seconds\":[2,4]}\n"),
            Ok(("a".to_owned(), 3.0))
        );
        #[rustfmt::skip]
        let cases = [
            "", "a", "{}", r#"{"who":"a"}"#, r#"{"seconds":[1]}"#, r#"{"who":"a","seconds":[]}"#,
            r#"{"who":"a","seconds":[0]}"#, r#"{"who":"a","seconds":["1"]}"#,
            "{\"who\":\"a\",\"seconds\":[1]}\n{\"who\":\"a\",\"seconds\":[1]}",
        ];
        for text in cases {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
