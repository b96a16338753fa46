//! The group `reference`: the usual small benchmark of a deployment, by the command line and by the
//! script in Python that it replaces.

use super::measure::{Peer, Work};
use super::packaged::program;
use super::python::interpreter;
use crate::failure::Result;
use crate::repo::Repo;

const FOLDER: &str = "tests/peers/reference";

/// The official client for Python, whose asynchronous form the script uses.
const CLIENT: &str = "fireworks-ai==1.2.28";

/// Builds the package and the server, and makes a virtual environment to be thrown away.
pub(super) fn works(repo: &Repo) -> Result<Vec<Work>> {
    let python = interpreter(repo, "python", "fireworks", &[CLIENT])?;
    let measured = |who: &str| {
        let mut command = program(repo, &format!("{FOLDER}/measure.mjs"))?;
        command.arg(who);
        Ok(command)
    };
    let mut ours = measured("kneepoint")?;
    ours.args(["kneepoint", "bench", "--url", "URL/v1", "--model", "m"])
        .args(["-n", "1000", "-c", "1000", "--prompt", "Hello!"])
        .args(["--max-tokens", "100", "--max-retries", "5"])
        // The script does not stream.
        .arg("--no-stream");
    let mut script = measured("AsyncFireworks")?;
    script
        .arg(python)
        .arg(format!("{FOLDER}/async_fireworks.py"))
        .arg("URL");
    Ok(vec![Work {
        id: "P2",
        what: "1000 calls by 1000 workers, the program's start included".to_owned(),
        ours,
        peers: vec![Peer {
            name: "AsyncFireworks",
            command: script,
            ratio_max: 0.25,
            probe: &["python3", "--version"],
            offer: "install Python 3",
        }],
    }])
}
