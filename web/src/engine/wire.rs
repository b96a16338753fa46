//! How the server is reached: what a browser notes of each request, folded into what a report says
//! of connections. Pure, and bounded in memory.

use kneepoint_bench::client_bound::BROWSER_HTTP2_STREAMS;
use kneepoint_bench::order::most_at_once;
use kneepoint_bench::report::Connections;

use super::agent::Family;
use super::shards::{CONNECTIONS_PER_NAME, NAMES_MAX};

/// So many requests are kept to find out how many were on the wire at once: the newest.
const SPANS_MAX: usize = 20_000;

/// A browser that holds half of all requests back for longer than this, in milliseconds, is part of
/// what was measured.
const HELD_MS: f64 = 10.0;

/// From fewer requests that were held back nothing is concluded about how many may be on the wire.
const HELD_LEAST: usize = 10;

/// Nor where hardly more were asked for than were on the wire at once.
const ASKED_LEAST: f64 = 1.1;

/// Where no more may be on the wire, one that was held back goes out when another ends: with it there are as many
/// as there ever are, but for this share. What is late for another reason goes out among fewer.
const FULL_LEAST: f64 = 0.95;

/// What a browser noted of one request. Times are milliseconds of its own clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The protocol, unless it is the one that is known; empty where the browser does not tell.
    pub protocol: Option<String>,
    /// Whether an answer was there at all.
    pub is_answered: bool,
    /// Whether a connection was opened for it.
    pub is_fresh: bool,
    /// When the engine began it.
    pub began: f64,
    /// When it went out.
    pub start: f64,
    /// When the last of its answer was there.
    pub end: f64,
}

/// By which name the server is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The one that was given.
    One,
    /// Several of the simulated endpoint: so many were used so far.
    Several(usize),
    /// One, although several were wanted: this browser does not find them.
    Unresolved,
}

/// A request on the wire, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: f64,
    end: f64,
    /// How long it waited before.
    held: f64,
}

/// All that was noted.
#[derive(Debug)]
pub struct Wire {
    family: Family,
    protocol: Option<String>,
    opened: u64,
    reused: u64,
    /// Answers of which the browser says nothing.
    untold: u64,
    spans: Vec<Span>,
    noted: usize,
}

impl Wire {
    /// Nothing was noted yet.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            protocol: None,
            opened: 0,
            reused: 0,
            untold: 0,
            spans: Vec::new(),
            noted: 0,
        }
    }

    /// Whether a request that went out at `start` may have come by another protocol than is known. To
    /// look costs the browser more than all the rest.
    pub fn asks_protocol(&self, is_fresh: bool, start: f64) -> bool {
        self.protocol.is_none() || is_fresh || start <= 0.0
    }

    /// Notes a request.
    pub fn note(&mut self, entry: Entry) {
        match entry.protocol {
            None => {}
            Some(protocol) if protocol.is_empty() => {
                self.untold += u64::from(entry.is_answered);
                return;
            }
            told => self.protocol = told,
        }
        if entry.is_fresh {
            self.opened += 1;
        } else {
            self.reused += 1;
        }
        let span = Span {
            start: entry.start,
            end: entry.end,
            held: entry.start - entry.began,
        };
        match self.spans.get_mut(self.noted % SPANS_MAX) {
            Some(oldest) => *oldest = span,
            None => self.spans.push(span),
        }
        self.noted += 1;
    }

    /// What is known, but for how many were on the wire at once.
    pub fn told(&self, names: Names) -> Connections {
        let is_told = self.protocol.is_some();
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let cap = match (protocol, self.family) {
            ("http/1.1" | "http/1.0", _) => Some(match names {
                Names::Several(_) => CONNECTIONS_PER_NAME * NAMES_MAX as u32,
                Names::One | Names::Unresolved => CONNECTIONS_PER_NAME,
            }),
            ("h2", Family::Chromium) => Some(BROWSER_HTTP2_STREAMS),
            ("h2", Family::Firefox) => Some(super::AT_ONCE_MAX),
            _ => None,
        };
        let mut notes = Vec::new();
        match names {
            Names::One | Names::Several(0 | 1) => {}
            Names::Several(used) => notes.push(format!(
                "the simulated endpoint was reached by {used} names of this machine (s1.localhost \
                 and so on), each with the {CONNECTIONS_PER_NAME} connections that a browser opens \
                 to one name over HTTP/1.1; the page's HTTPS address needs none of that"
            )),
            Names::Unresolved => notes.push(format!(
                "this browser does not find s1.localhost: the simulated endpoint was reached by \
                 one name, with {CONNECTIONS_PER_NAME} connections over HTTP/1.1"
            )),
        }
        if !is_told && self.untold > 0 {
            notes.push(
                "protocol and connections are unknown: the endpoint sends no Timing-Allow-Origin, \
                 and without it browsers tell pages of other origins nothing about them"
                    .to_owned(),
            );
        }
        Connections {
            http: self.protocol.clone(),
            opened: is_told.then_some(self.opened),
            reused: is_told.then_some(self.reused),
            cap,
            notes,
        }
    }

    /// All that is known.
    pub fn connections(&self, names: Names) -> Connections {
        let mut known = self.told(names);
        let peak = self.most_at_once(|span| span.start);
        if peak == 0 {
            return known;
        }
        let full = self.full_at(peak);
        let why = match (&*known.http.clone().unwrap_or_default(), names) {
            ("http/1.1", Names::One) if peak >= CONNECTIONS_PER_NAME as usize => format!(
                ": a browser opens {CONNECTIONS_PER_NAME} connections to one host over HTTP/1.1, \
                 further requests wait for one of them"
            ),
            ("h2", _) if full.is_some() => {
                ": server and browser let no more go at once over HTTP/2, and further \
                 requests wait"
                    .to_owned()
            }
            _ => String::new(),
        };
        let were = if peak == 1 { "was" } else { "were" };
        let mut first = vec![format!("at most {peak} {were} on the wire at once{why}")];
        let held = self.held_ms().round();
        if held > HELD_MS {
            first.push(format!(
                "the browser held half of the requests back for {held} ms and more before it sent \
                 them; the times to the first token contain that"
            ));
        }
        known.notes.splice(0..0, first);
        known.cap = full.or(known.cap);
        known
    }

    /// How many requests the connections take, if they were seen to be full: with never more than `peak` on
    /// the wire.
    fn full_at(&self, peak: usize) -> Option<u32> {
        let late = self.spans.iter().filter(|span| span.held > HELD_MS);
        let late: Vec<f64> = late.map(|span| span.start).collect();
        let asked = self.most_at_once(|span| span.start - span.held);
        if late.len() < HELD_LEAST || (asked as f64) < ASKED_LEAST * peak as f64 {
            return None;
        }
        let [starts, ends] = [|span: &Span| span.start, |span: &Span| span.end].map(|time| {
            let mut times: Vec<f64> = self.spans.iter().map(time).collect();
            times.sort_unstable_by(f64::total_cmp);
            times
        });
        let until = |times: &[f64], at: f64| times.partition_point(|time| *time <= at);
        let with_it = |at: &f64| until(&starts, *at) - until(&ends, *at).min(until(&starts, *at));
        let full = FULL_LEAST * peak as f64;
        let among_all = late.iter().filter(|at| with_it(at) as f64 >= full).count();
        (2 * among_all > late.len()).then_some(peak as u32)
    }

    /// How long the browser held requests back: the median.
    fn held_ms(&self) -> f64 {
        let mut held: Vec<f64> = self.spans.iter().map(|span| span.held).collect();
        let middle = held.len() / 2;
        if held.is_empty() {
            return 0.0;
        }
        held.sort_unstable_by(f64::total_cmp);
        held[middle]
    }

    /// The most requests that were under way at once, by when each began.
    fn most_at_once(&self, began: impl Fn(&Span) -> f64) -> usize {
        let times = self.spans.iter().map(|span| (began(span), span.end));
        let (starts, ends) = times.unzip();
        most_at_once(starts, ends)
    }
}
