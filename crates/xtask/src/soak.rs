//! `cargo xtask soak`: a long run of real requests with faults among them, after which nothing may be
//! lost and nothing left behind.

use std::process::Command;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::npm;
use crate::repo::Repo;
use crate::server;
use crate::setup::provide;
use crate::shell::run;

/// Calls unless told otherwise: some five minutes.
const CALLS: usize = 1_000_000;
/// Fewer say nothing about what stays.
const CALLS_MIN: usize = 20_000;
const CALLS_MAX: usize = 100_000_000;

/// `cargo xtask soak`.
pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    let calls = args.word().map_or(Ok(CALLS), calls);
    let calls = calls.map_err(Failure::Usage)?;
    provide(repo, &npm::NEEDS)?;
    let server = server::release(repo)?;
    npm::build(repo)?;
    npm::unpack(repo)?;
    run(Command::new("node")
        .args(["--expose-gc", "tests/soak/soak.mjs", &calls.to_string()])
        .env("KNEEPOINT_SERVER", server))
}

fn calls(word: &str) -> std::result::Result<usize, String> {
    let range = CALLS_MIN..=CALLS_MAX;
    word.parse()
        .ok()
        .filter(|calls| range.contains(calls))
        .ok_or_else(|| format!("`{word}`: expected calls, from {CALLS_MIN} to {CALLS_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_long_enough_to_say_something_and_ends() {
        assert_eq!(calls("20000"), Ok(20_000));
        for word in ["0", "19999", "1e6", "many", "100000001"] {
            assert!(calls(word).is_err_and(|text| text.contains(word)), "{word}");
        }
    }
}
