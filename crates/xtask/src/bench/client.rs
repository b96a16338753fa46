//! What a call through the npm package costs, beside the clients that people use in its place.

use std::process::Command;

use super::measure::{Peer, Work};
use crate::failure::Result;
use crate::npm;
use crate::repo::Repo;
use crate::server;
use crate::setup::provide;

/// Where the programs lie. Each starts a server of its own.
const FOLDER: &str = "tests/peers/client";

pub(super) fn works(repo: &Repo) -> Result<Vec<Work>> {
    provide(repo, &npm::NEEDS)?;
    let server = server::release(repo)?;
    npm::build(repo)?;
    npm::unpack(repo)?;
    let program = |file: &str, words: &[&str]| {
        let mut command = Command::new("node");
        command
            .arg(format!("{FOLDER}/{file}.mjs"))
            .args(words.iter().filter(|word| !word.is_empty()))
            .env("KNEEPOINT_SERVER", &server);
        command
    };
    let peer = |file: &str, name: &'static str, word: &str, ratio_max| Peer {
        name,
        command: program(file, &[name, word]),
        ratio_max,
        probe: &["node", "--version"],
        offer: "cargo xtask setup --only npm",
    };
    let work =
        |id, what: &str, file: &str, who: &str, word: &str, peers: &[(&'static str, f64)]| Work {
            id,
            what: what.to_owned(),
            ours: program(file, &[who, word]),
            peers: peers
                .iter()
                .map(|(name, ratio_max)| peer(file, name, word, *ratio_max))
                .collect(),
        };
    let split = "fetch + split";
    let parser = "fetch + eventsource-parser";
    Ok(vec![
        work(
            "P1",
            "1000 chat completions, 100 at once, wall time",
            "unary",
            "kneepoint",
            "wall",
            &[("openai", 0.1), ("fetch", 0.2)],
        ),
        work(
            "P1",
            "the same, processor time",
            "unary",
            "kneepoint",
            "cpu",
            &[("dispatch", 1.5)],
        ),
        work(
            "P3",
            "a chat stream decoded to text, 1 event per read",
            "decode",
            "kneepoint",
            "1",
            &[("openai", 1.0 / 15.0), ("eventsource-parser", 1.0 / 3.0)],
        ),
        work(
            "P3",
            "the same, 10 events per read",
            "decode",
            "kneepoint",
            "10",
            &[("openai", 1.0 / 40.0), ("eventsource-parser", 1.0 / 8.0)],
        ),
        work(
            "P4",
            "100 streams of 200 tokens at once, processor time",
            "streams",
            "kneepoint",
            "cpu",
            &[("openai", 0.2), (parser, 1.0 / 1.5)],
        ),
        work(
            "P5",
            "the same with whole chunk objects",
            "streams",
            "kneepoint/openai",
            "cpu",
            &[("openai", 0.25), (split, 0.5)],
        ),
        work(
            "P9",
            "from a cold process to the first answer",
            "start",
            "kneepoint",
            "",
            &[("openai", 1.0)],
        ),
    ])
}
