//! `cargo xtask demo`: from a fresh clone to the page at the simulated endpoint.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::page;
use crate::repo::Repo;
use crate::server;
use crate::setup::provide;

/// Ports that are tried first, without and with TLS.
const PORTS: [u16; 2] = [8088, 8443];

/// So many further ones are tried where they are in use.
const TRIES: u16 = 100;

pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    provide(repo, &page::NEEDS)?;
    let dist = page::build(repo)?;
    let server = server::release(repo)?;
    let [plain, encrypted] = PORTS.map(free);
    let mut command = Command::new(server);
    command
        .args(["--listen", &format!("127.0.0.1:{}", plain?)])
        .args(["--tls-listen", &format!("127.0.0.1:{}", encrypted?)])
        .arg("--page")
        .arg(dist);
    for upstream in args.values("--upstream") {
        command.args(["--upstream", upstream]);
    }
    serve(&mut command)
}

/// Runs the server until it is stopped. Ctrl-C reaches it as well as us.
fn serve(command: &mut Command) -> Result {
    let started = command.stdout(Stdio::piped()).spawn();
    let mut server =
        started.map_err(|error| Failure::work(format!("kneepoint-server: {error}")))?;
    let said = server.stdout.take().expect("its output is piped");
    let mut addresses = Vec::new();
    for line in BufReader::new(said)
        .lines()
        .map_while(std::result::Result::ok)
    {
        if let Some(rest) = line.strip_prefix("listening ") {
            addresses.extend(rest.split(' ').next().map(str::to_owned));
        }
        if line == "ready" {
            println!("{}", welcome(&addresses));
        }
    }
    let status = server.wait();
    let status = status.map_err(|error| Failure::work(format!("kneepoint-server: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::work(format!("kneepoint-server ended: {status}")))
}

fn welcome(addresses: &[String]) -> String {
    let [plain, encrypted] = [0, 1].map(|at| addresses.get(at).map_or("", String::as_str));
    format!(
        "\nKneepoint is ready. Open one of these in a browser:

  {plain}    at once
  {encrypted}   with HTTP/2; its certificate was made for this run, so the browser asks first

Press Run: requests go to a simulated endpoint on this machine, and figures appear while they do.
Press Find the knee: within a minute it says how many requests at once do that endpoint good.
Nothing leaves this machine and nothing costs anything. Ctrl-C ends it.\n"
    )
}

/// The port, or the next one that is free.
fn free(port: u16) -> Result<u16> {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (port..port.saturating_add(TRIES))
        .find(is_free)
        .ok_or_else(|| {
            Failure::work(format!(
                "no port from {port} on is free: something uses {TRIES} of them"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_gives_way_to_the_next() {
        let used = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = used.local_addr().unwrap().port();
        let found = free(port).unwrap();
        assert!(found > port);
    }

    #[test]
    fn both_addresses_and_what_to_press_are_told() {
        let addresses = ["http://127.0.0.1:1", "https://127.0.0.1:2"].map(str::to_owned);
        let told = welcome(&addresses);
        for part in [&*addresses[0], &*addresses[1], "Press Run", "Ctrl-C"] {
            assert!(told.contains(part), "{part}");
        }
    }
}
