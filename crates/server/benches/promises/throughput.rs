//! How much faster the simulated endpoint answers than the fastest client we know can ask, so that
//! what it measures is never itself.
//!
//! In turn, oha asks as fast as the server's one thread can answer, and undici's `dispatch` as fast
//! as one Node process can ask and read what it is told: the fastest client that `bench client` knows.
//! What it could ask if it left the answers unread is printed beside it. Server and client have a
//! core each, and only the ratio within a round counts: a shared machine changes its speed by half
//! from one second to the next. Where others use the cores too, the ratio of processor times says
//! what the cores alone would show.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::{Bound, Figure, Outcome, Server, quantile};

const ROUNDS: usize = 11;
const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";
const CONNECTIONS: &str = "100";
const OHA_REQUESTS: u64 = 150_000;
const UNDICI_REQUESTS: u64 = 60_000;
const BODY: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"Hello!"}],"max_tokens":100}"#;
const NAME: &str = "P13: requests/s answered (oha) ÷ asked (undici dispatch)";

/// What is needed besides the server: a command that answers where it is there, and how to get it.
const NEEDS: [(&[&str], &str); 4] = [
    (
        &["oha", "--version"],
        "oha: `cargo xtask setup --only oha`, then `cargo xtask bench server`",
    ),
    (
        &["node", "--input-type=module", "-e", "import 'undici'"],
        "undici: `cargo xtask setup --only npm`",
    ),
    (
        &["taskset", "-c", SERVER_CORE, "true"],
        "taskset, of util-linux",
    ),
    (&["taskset", "-c", CLIENT_CORE, "true"], "a second core"),
];

/// Measures, or says what is missing.
pub(crate) fn measure() -> Outcome<Figure> {
    for (words, offer) in NEEDS {
        let asked = Command::new(words[0])
            .args(&words[1..])
            .current_dir(tests())
            .output();
        if !asked.is_ok_and(|output| output.status.success()) {
            return Ok(Figure::missing(NAME, "×", offer));
        }
    }
    let server = Server::start_on(Some(SERVER_CORE), &[])?;
    let url = format!("http://{}/mock/instant/v1/chat/completions", server.http);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(Round {
            answered: oha(&url, &server)?,
            asked: undici(&url, &[])?,
            unread: undici(&url, &["unread"])?,
        });
    }
    let median = |of: &dyn Fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.5)
    };
    println!(
        "P13: oha {:.0}/s at {:.2} µs of the server, undici dispatch {:.0}/s at {:.2} µs of its own \
         (medians of {ROUNDS} rounds)",
        median(&|round| round.answered.per_second),
        median(&|round| round.answered.processor_us),
        median(&|round| round.asked.per_second),
        median(&|round| round.asked.processor_us),
    );
    println!(
        "P13 by processor time per request: {:.2} ×; against a client that leaves the answers \
         unread: {:.2} ×",
        median(&|round| round.asked.processor_us / round.answered.processor_us),
        median(&|round| round.answered.per_second / round.unread.per_second),
    );
    let ratio = median(&|round| round.answered.per_second / round.asked.per_second);
    Ok(Figure::new(NAME, ratio, "×", Bound::Least(2.0)))
}

/// One after the other, in the same seconds.
struct Round {
    answered: Rate,
    asked: Rate,
    unread: Rate,
}

/// What was found of the server, or of the client.
struct Rate {
    per_second: f64,
    /// Processor time per request.
    processor_us: f64,
}

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

/// What the server answers.
fn oha(url: &str, server: &Server) -> Outcome<Rate> {
    let before = server.processor_s()?;
    let report = client(&[
        "oha",
        "--worker-threads",
        "1",
        "--no-tui",
        "--output-format",
        "json",
        "-n",
        &OHA_REQUESTS.to_string(),
        "-c",
        CONNECTIONS,
        "-m",
        "POST",
        "-H",
        "content-type: application/json",
        "-d",
        BODY,
        url,
    ])?;
    if report["statusCodeDistribution"]["200"] != OHA_REQUESTS {
        return Err(format!("oha: {}", report["statusCodeDistribution"]).into());
    }
    let per_second = report["summary"]["requestsPerSec"].as_f64();
    Ok(Rate {
        per_second: per_second.ok_or("oha named no rate")?,
        processor_us: (server.processor_s()? - before) * 1e6 / OHA_REQUESTS as f64,
    })
}

/// What undici asks.
fn undici(url: &str, mode: &[&str]) -> Outcome<Rate> {
    let program = "peers/server/dispatch.mjs";
    let count = UNDICI_REQUESTS.to_string();
    let words = [&["node", program, url, &count, CONNECTIONS], mode].concat();
    let report = client(&words)?;
    let number = |name: &str| report[name].as_f64().ok_or("undici named no rate");
    Ok(Rate {
        per_second: number("per_second")?,
        processor_us: number("processor_us")?,
    })
}

/// Runs a client on its core and reads the JSON that it prints.
fn client(words: &[&str]) -> Outcome<Value> {
    let mut command = Command::new("taskset");
    command.args(["-c", CLIENT_CORE]).args(words);
    let output = command.current_dir(tests()).output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {why}", words[0]).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
