//! One work, done by us and by our peers in turn.

use std::process::Command;

use super::player::Player;
use crate::failure::Result;
use crate::shell::ask;

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

/// Lets ours and each peer do the work in turn, `rounds` times over. All are ready before the first is
/// measured and stay until the last was, so that turns are short and a machine's moods meet all alike.
pub(super) fn measure(work: Work, rounds: usize) -> Result<Measured> {
    let Work {
        id,
        what,
        mut ours,
        peers,
    } = work;
    println!("{what}");
    let mut ours = Part::start(&mut ours)?;
    let mut rows: Vec<(Peer, Option<Part>)> = Vec::new();
    for mut peer in peers {
        let part = if ask(peer.probe[0], &peer.probe[1..]).is_some() {
            Some(Part::start(&mut peer.command)?)
        } else {
            println!(
                "{} is not available here and is left out: {}",
                peer.name, peer.offer
            );
            None
        };
        rows.push((peer, part));
    }
    for _ in 0..rounds {
        ours.turn()?;
        for part in rows.iter_mut().filter_map(|(_, part)| part.as_mut()) {
            part.turn()?;
        }
    }
    let ours = ours.end()?;
    let mut peers = Vec::new();
    for (peer, part) in rows {
        let series = part.map(Part::end).transpose()?;
        peers.push(PeerMeasured {
            name: series
                .as_ref()
                .map_or_else(|| peer.name.to_owned(), |series| series.who.clone()),
            ratio_max: peer.ratio_max,
            offer: peer.offer,
            times: series.map(|series| {
                let pairs = ours.seconds.iter().zip(&series.seconds);
                let ratios = pairs.map(|(ours, peer)| ours / peer).collect();
                (series, ratios)
            }),
        });
    }
    Ok(Measured {
        id,
        what,
        ours,
        peers,
    })
}

/// A program and the times it took.
struct Part {
    player: Player,
    seconds: Vec<f64>,
}

impl Part {
    fn start(command: &mut Command) -> Result<Self> {
        let player = Player::start(command)?;
        let seconds = Vec::new();
        Ok(Self { player, seconds })
    }

    fn turn(&mut self) -> Result {
        self.seconds.push(self.player.turn()?);
        Ok(())
    }

    fn end(self) -> Result<Series> {
        let who = self.player.who.clone();
        self.player.leave()?;
        let seconds = self.seconds;
        Ok(Series { who, seconds })
    }
}

/// The value below which this share of the values lies, between two of them in proportion; nothing of
/// nothing.
pub(super) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    Some(low + (high - low) * place.fract())
}

/// The value in the middle.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that takes this long each time.
    fn takes(who: &str, seconds: &str) -> Command {
        let mut command = Command::new("sh");
        let script =
            r#"echo "{\"who\":\"$0\"}"; while read -r _; do echo "{\"seconds\":$1}"; done"#;
        command.args(["-c", script, who, seconds]);
        command
    }

    fn work(probe: &'static [&'static str]) -> Work {
        let peer = Peer {
            name: "peer",
            command: takes("theirs", "4.0"),
            ratio_max: 0.5,
            probe,
            offer: "get it",
        };
        Work {
            id: "P0",
            what: "a work".to_owned(),
            ours: takes("ours", "2"),
            peers: vec![peer],
        }
    }

    #[test]
    fn the_ratio_is_taken_within_each_round() {
        let measured = measure(work(&["true"]), 2).unwrap();
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
        let measured = measure(work(&["false"]), 1).unwrap();
        assert_eq!(measured.peers[0].name, "peer");
        assert_eq!(measured.peers[0].verdict(), None);
    }

    #[test]
    fn quantiles_lie_between_values_in_proportion() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(quantile(&[5.0, 1.0, 2.0, 3.0, 4.0], 0.25), Some(2.0));
        assert_eq!(quantile(&[7.0], 0.75), Some(7.0));
        assert_eq!(median(&[]), None);
    }
}
