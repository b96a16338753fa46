//! The group `stats`: mean, deviation and quantiles of a million samples.

use std::process::Command;

use super::measure::{Peer, Work};
use crate::failure::Result;
use crate::repo::Repo;
use crate::shell::run;

/// How many samples are summarised.
const SAMPLES: &str = "1000000";
/// Makes the samples the same on every machine.
const SEED: &str = "1";

/// Builds our program and writes the samples, so that all read the same.
pub(super) fn works(repo: &Repo) -> Result<Vec<Work>> {
    let file = repo.target.join("bench/samples");
    let mut build = Command::new("cargo");
    run(build.args([
        "build",
        "--release",
        "-p",
        "kneepoint-stats",
        "--example",
        "summarize",
    ]))?;
    run(ours().arg("--write").arg(&file).args([SAMPLES, SEED]))?;

    let mut summarize = ours();
    summarize.arg(&file);
    let peer = |program: &str| {
        let mut command = Command::new("python3");
        command
            .arg(format!("tests/peers/stats/{program}"))
            .arg(&file);
        command
    };
    Ok(vec![Work {
        id: "P11",
        what: "summary (mean, deviation, quantiles) of 1,000,000 samples".to_owned(),
        ours: summarize,
        peers: vec![
            Peer {
                name: "python statistics",
                command: peer("statistics_peer.py"),
                ratio_max: 1.0 / 50.0,
                probe: &["python3", "--version"],
                offer: "install Python 3",
            },
            Peer {
                name: "numpy",
                command: peer("numpy_peer.py"),
                ratio_max: 1.0,
                probe: &["python3", "-c", "import numpy"],
                offer: "pip install numpy",
            },
        ],
    }])
}

fn ours() -> Command {
    let mut command = Command::new("cargo");
    command.args(["run", "--release", "--quiet", "-p", "kneepoint-stats"]);
    command.args(["--example", "summarize", "--"]);
    command
}
