//! Several names of one server, so that a browser opens six connections to each of them. Pure: which
//! name the next request goes to, by how many are in flight.

use kneepoint_bench::client_bound::BROWSER_HTTP1_CONNECTIONS;

/// A host is a name to browsers, whatever it stands for.
pub const CONNECTIONS_PER_NAME: u32 = BROWSER_HTTP1_CONNECTIONS;

/// So many names are used at most: Chromium opens 256 connections in all, and the page needs some.
pub const NAMES_MAX: usize = 40;

/// How many requests are in flight to each name that was used so far.
#[derive(Debug, Default)]
pub struct Shards(Vec<u32>);

impl Shards {
    /// Takes a place and answers the number of its name: the first one with a connection to spare,
    /// so that open connections serve again; else a new one; else the one with the fewest in flight.
    pub fn take(&mut self) -> usize {
        let free = self.0.iter().position(|&n| n < CONNECTIONS_PER_NAME);
        let fewest = || (0..self.0.len()).min_by_key(|&at| self.0[at]);
        let used = self.0.len();
        let at = match free {
            Some(at) => at,
            None if used < NAMES_MAX => used,
            None => fewest().unwrap_or_default(),
        };
        if at == used {
            self.0.push(0);
        }
        self.0[at] += 1;
        at
    }

    /// Gives a place back.
    pub fn give_back(&mut self, at: usize) {
        self.0[at] -= 1;
    }

    /// How many names were used.
    pub fn used(&self) -> usize {
        self.0.len()
    }
}

/// A page's own address as one of these names has it, if they are the same machine: only loopback
/// names are, and only over plain HTTP are connections so few.
pub fn name(origin: &str, number: usize) -> Option<String> {
    let authority = origin.strip_prefix("http://")?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_loopback =
        matches!(host, "127.0.0.1" | "localhost" | "[::1]") || host.ends_with(".localhost");
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    is_loopback.then(|| format!("http://s{number}.localhost{port}"))
}
