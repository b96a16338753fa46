//! Whether the client, not the server, was the limit of what was measured.
//!
//! Pure: what the client observed about itself goes in, a verdict in words comes out.

use kneepoint_stats::{Rule, quantile};

/// Timers later than this at p95 spoil times to the first token.
const LAG_MS: f64 = 10.0;

/// And later than this share of the usual gap between chunks, those between tokens.
const LAG_SHARE_OF_GAP: f64 = 0.25;

/// One late timer is a hiccup, such as code that is compiled when it first runs. Of fewer than twenty
/// it alone would be the 95th percentile.
const LATE_LEAST: usize = 2;

/// A thread that stood still for more than this share of the time has lost as much of what it measures,
/// however few of its timers were late.
const STILL_MAX: f64 = 0.10;

/// And for longer than a hiccup lasts, in milliseconds.
const STILL_LEAST_MS: f64 = 100.0;

/// A thread that works less than this while its timers are late is held up by something else.
const IDLE_MAX: f64 = 0.35;

/// A thread that is busy for more than this share of the time delays what it measures.
const BUSY_MAX: f64 = 0.70;

/// Browsers open so many connections per host over HTTP/1.1.
pub const BROWSER_HTTP1_CONNECTIONS: u32 = 6;

/// Streams of one HTTP/2 session in Chromium, even where the server allows more.
pub const BROWSER_HTTP2_STREAMS: u32 = 256;

/// A larger part of the wanted concurrency than this must not be missing.
const RESIDUAL_MAX: f64 = 0.10;

/// What the client observed about itself in a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signs {
    /// How late timers fired, in milliseconds, in any order.
    pub lags_ms: Vec<f64>,
    /// How long it was observed, in milliseconds.
    pub observed_ms: f64,
    /// The median gap between chunks, in milliseconds; none where answers were not streamed.
    pub gap_ms: Option<f64>,
    /// The share of the window in which the measuring thread worked.
    pub busy: f64,
    /// The concurrency that was wanted; none where requests were sent at given times.
    pub concurrency: Option<u32>,
    /// Requests in flight on average, where the server refused some: those leave connections free, and
    /// a cap that is not reached is no limit. None where nothing was refused.
    pub in_flight: Option<f64>,
    /// The most that may be in flight, where it was reached while more was due; else none.
    pub full: Option<u32>,
    /// Little's residual: how much of it did not arrive.
    pub residual: Option<f64>,
    /// The protocol, where the runtime tells: `http/1.1`, `h2`.
    pub protocol: Option<String>,
    /// Whether the runtime is a browser.
    pub browser: bool,
    /// How many requests the runtime lets be under way at once, where it tells.
    pub cap: Option<u32>,
}

/// A kind of sign against which something can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Timers fired late.
    Timers,
    /// A browser opens only so many connections over HTTP/1.1.
    Connections,
}

impl Cause {
    /// What its sentences hold and no others do: reports keep the sentences alone.
    const fn words(self) -> &'static str {
        match self {
            Self::Timers => TIMERS,
            Self::Connections => CONNECTIONS,
        }
    }
}

const TIMERS: &str = "timers fired";
const CONNECTIONS: &str = "connections per host over HTTP/1.1";

/// Whether the client was the limit, and by which signs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Whether it was.
    pub bound: bool,
    /// By which signs, in sentences; empty where it was not.
    pub reasons: Vec<String>,
    /// How late timers were at p95, in milliseconds; none where none was watched.
    pub lag_p95_ms: Option<f64>,
    /// The share of the time in which the measuring thread worked.
    pub busy: f64,
}

fields!(Verdict {
    bound,
    reasons,
    lag_p95_ms,
    busy
});
by_serde!(Verdict);

impl Verdict {
    /// Whether this is among the reasons, also in a report of an earlier version.
    pub fn is_by(&self, cause: Cause) -> bool {
        let words = cause.words();
        self.reasons.iter().any(|reason| reason.contains(words))
    }
}

/// Judges by all the signs there are.
///
/// ```
/// use kneepoint_bench::client_bound::{Signs, judge};
///
/// let six = Signs { protocol: Some("http/1.1".into()), browser: true, concurrency: Some(12), ..Signs::default() };
/// let verdict = judge(&six);
/// assert!(verdict.bound && verdict.reasons[0].contains("6 connections"));
/// ```
pub fn judge(signs: &Signs) -> Verdict {
    let mut lags = signs.lags_ms.clone();
    lags.retain(|lag| lag.is_finite());
    lags.sort_unstable_by(f64::total_cmp);
    let lag_p95_ms = quantile(&lags, 0.95, Rule::Nearest);
    let reasons = [
        lag_p95_ms.and_then(|lag| late(lag, &lags, signs).or_else(|| still(signs))),
        busy(signs.busy),
        signs.concurrency.and_then(|wanted| capped(signs, wanted)),
        signs.full.map(full),
        signs.residual.and_then(missing),
    ];
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    Verdict {
        bound: !reasons.is_empty(),
        reasons,
        lag_p95_ms,
        busy: signs.busy,
    }
}

fn late(at_p95: f64, lags_ms: &[f64], signs: &Signs) -> Option<String> {
    let allowed = LAG_MS.max(signs.gap_ms.unwrap_or(0.0) * LAG_SHARE_OF_GAP);
    let is_late = |lag: &&f64| **lag > allowed;
    let is_hiccup = lags_ms.iter().filter(is_late).count() < LATE_LEAST;
    let said = format!("{TIMERS} {at_p95:.1} ms late at p95, where {allowed:.1} ms are allowed");
    (at_p95 > allowed && !is_hiccup).then(|| said + &why_late(signs))
}

/// By which sign the thread stood still, if it did.
pub(crate) fn still(signs: &Signs) -> Option<String> {
    let is_late = |lag: &&f64| lag.is_finite() && **lag > LAG_MS;
    let lost: f64 = signs.lags_ms.iter().filter(is_late).sum();
    let percent = 100.0 * lost / signs.observed_ms.max(1.0);
    let said = format!("{TIMERS} late by {percent:.0} % of the time in all");
    (percent > 100.0 * STILL_MAX && lost > STILL_LEAST_MS).then(|| said + &why_late(signs))
}

fn why_late(signs: &Signs) -> String {
    if signs.busy > IDLE_MAX {
        return String::new();
    }
    let percent = signs.busy * 100.0;
    format!(
        ", although the measuring thread was busy for only {percent:.0} % of the time: something else on \
         this machine holds it up"
    )
}

fn busy(share: f64) -> Option<String> {
    (share > BUSY_MAX).then(|| {
        let percent = share * 100.0;
        format!("the measuring thread was busy for {percent:.0} % of the time")
    })
}

fn full(most: u32) -> String {
    format!(
        "{most} requests were in flight, the most there may be, while more were due: these were sent \
         late or not at all"
    )
}

/// How many requests the runtime has under way at once, and what they are there; none without a bound.
fn cap(signs: &Signs) -> Option<(u32, String)> {
    let protocol = signs.protocol.as_deref().unwrap_or_default();
    let (usual, what) = match protocol {
        "http/1.1" | "http/1.0" if signs.browser => (
            Some(BROWSER_HTTP1_CONNECTIONS),
            format!("{CONNECTIONS} that a browser opens"),
        ),
        "h2" if signs.browser => (
            Some(BROWSER_HTTP2_STREAMS),
            "streams of one HTTP/2 session in a browser".to_owned(),
        ),
        _ => (None, String::new()),
    };
    // What the runtime says of itself counts more than what such runtimes usually do.
    let cap = signs.cap.or(usual)?;
    let what = if usual == Some(cap) {
        what
    } else {
        "requests at once that this runtime allows".to_owned()
    };
    Some((cap, what))
}

/// Whether so many at once are above what the runtime has under way.
pub(crate) fn is_above_cap(signs: &Signs, wanted: u32) -> bool {
    cap(signs).is_some_and(|(cap, _)| wanted > cap)
}

fn capped(signs: &Signs, wanted: u32) -> Option<String> {
    let (cap, what) = cap(signs)?;
    let is_reached = signs.in_flight.is_none_or(|mean| mean >= f64::from(cap));
    (wanted > cap && is_reached)
        .then(|| format!("{wanted} requests were wanted at once, above the {cap} {what}"))
}

fn missing(residual: f64) -> Option<String> {
    (residual > RESIDUAL_MAX).then(|| {
        let percent = residual * 100.0;
        format!("{percent:.0} % of the wanted concurrency never reached the network (Little's law)")
    })
}

/// Below this ratio, more requests at once bring no more.
const STAIRCASE_GAIN: f64 = 1.1;

/// The time to the first byte grows by at least this share of the time of service.
const STAIRCASE_WAIT: f64 = 0.5;

/// As many requests as there are connections are served at once, give or take this share.
const STAIRCASE_SPREAD: f64 = 0.2;

/// What one concurrency brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Requests that were wanted at once.
    pub concurrency: u32,
    /// Answers per second.
    pub rate: f64,
    /// The median time to the head of the answer, in milliseconds.
    pub first_byte_ms: f64,
}

/// Whether two rungs show a browser's six connections, where the runtime does not tell the protocol:
/// six requests at once are served, more bring nothing, and first bytes come later by the time that
/// they wait. `service_ms` is how long a request takes that need not wait. A server of six slots looks
/// the same, and the words say so.
pub fn staircase(before: &Point, now: &Point, service_ms: f64) -> Option<String> {
    let served = now.rate * service_ms / 1000.0;
    let connections = f64::from(BROWSER_HTTP1_CONNECTIONS);
    let is_staircase = now.concurrency > BROWSER_HTTP1_CONNECTIONS
        && now.rate < STAIRCASE_GAIN * before.rate
        && now.first_byte_ms - before.first_byte_ms > STAIRCASE_WAIT * service_ms
        && (served / connections - 1.0).abs() < STAIRCASE_SPREAD;
    is_staircase.then(|| {
        format!(
            "{served:.1} requests were served at once, as many as a browser opens {CONNECTIONS} (the runtime does not tell the protocol; a server of six slots would look the same)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Signs {
        Signs {
            lags_ms: vec![1.0; 100],
            observed_ms: 5100.0,
            gap_ms: Some(20.0),
            busy: 0.1,
            concurrency: Some(6),
            in_flight: None,
            full: None,
            residual: Some(0.02),
            protocol: Some("http/1.1".to_owned()),
            browser: true,
            cap: None,
        }
    }

    #[test]
    fn each_sign_alone_is_enough() {
        assert_eq!(judge(&quiet()).reasons, Vec::<String>::new());
        let h2 = Some("h2".to_owned());
        #[rustfmt::skip]
        let cases = [
            (Signs { lags_ms: vec![10.1; 10], ..quiet() },                              "late"),
            (Signs { busy: 0.71, ..quiet() },                                           "busy"),
            (Signs { concurrency: Some(7), ..quiet() },                                 "6 connections"),
            (Signs { concurrency: Some(257), protocol: h2.clone(), ..quiet() },         "256 streams"),
            (Signs { concurrency: Some(11), browser: false, cap: Some(10), ..quiet() }, "above the 10"),
            (Signs { concurrency: Some(241), cap: Some(240), ..quiet() },               "above the 240 requests"),
            (Signs { full: Some(1000), ..quiet() },                                     "1000 requests were in flight"),
            (Signs { residual: Some(0.11), ..quiet() },                                 "Little"),
        ];
        for (signs, word) in cases {
            let verdict = judge(&signs);
            assert!(verdict.bound && verdict.reasons.len() == 1, "{verdict:?}");
            assert!(verdict.reasons[0].contains(word), "{verdict:?}");
        }
    }

    #[test]
    fn slow_streams_may_be_timed_more_coarsely() {
        let signs = Signs {
            lags_ms: vec![15.0; 10],
            gap_ms: Some(80.0),
            ..quiet()
        };
        assert!(!judge(&signs).bound);
    }

    #[test]
    fn one_late_timer_is_a_hiccup() {
        let late = |times: usize, of: usize| {
            let mut lags_ms = vec![1.0; of];
            lags_ms[..times].fill(46.0);
            judge(&Signs { lags_ms, ..quiet() }).bound
        };
        #[rustfmt::skip]
        let cases = [
            (1, 1, false), (1, 6, false), (1, 19, false), // as short as a run may be
            (2, 6, true),  (2, 20, true), (6, 6, true),
            (2, 100, false), (6, 100, true),              // by the share of them
        ];
        for (times, of, expected) in cases {
            assert_eq!(late(times, of), expected, "{times} of {of}");
        }
    }

    #[test]
    fn a_machine_that_stood_still_is_noticed_by_a_single_timer() {
        let bound = |lag_ms: f64, observed_ms| {
            let lags_ms = vec![1.0, lag_ms, 1.0, 1.0, 1.0, 1.0, 1.0];
            let signs = Signs {
                lags_ms,
                observed_ms,
                ..quiet()
            };
            judge(&signs).reasons
        };
        #[rustfmt::skip]
        let cases = [
            (250.0, 600.0,  true),
            (110.0, 600.0,  true),
            (110.0, 1200.0, false), // hardly a part of the time
            (90.0,  600.0,  false), // a hiccup
        ];
        for (lag_ms, observed_ms, expected) in cases {
            let reasons = bound(lag_ms, observed_ms);
            assert_eq!(
                reasons.len(),
                usize::from(expected),
                "{lag_ms} ms: {reasons:?}"
            );
        }
        assert!(
            bound(250.0, 600.0)[0].starts_with("timers fired late by 42 % of the time in all, ")
        );
    }

    #[test]
    fn what_can_be_done_something_about_is_known_by_its_sentences() {
        let (timers, connections) = (Some(Cause::Timers), Some(Cause::Connections));
        let h2 = Some("h2".to_owned());
        let written = |signs: Signs| judge(&signs).reasons;
        let of_report = |reason: &str| vec![reason.to_owned()];
        #[rustfmt::skip]
        let cases = [
            (written(Signs { lags_ms: vec![46.0; 10], ..quiet() }),                        timers),
            (written(Signs { lags_ms: vec![250.0, 1.0], observed_ms: 600.0, ..quiet() }),  timers),
            (written(Signs { concurrency: Some(12), ..quiet() }),                          connections),
            (written(Signs { concurrency: Some(300), protocol: h2, ..quiet() }),           None),
            (written(Signs { concurrency: Some(241), cap: Some(240), ..quiet() }),         None),
            (written(Signs { busy: 0.9, ..quiet() }),                                      None),
            (written(quiet()),                                                             None),
            // As reports hold them.
            (of_report("timers fired 46.0 ms late at p95, where 10.0 ms are allowed"),     timers),
            (of_report("timers fired late by 42 % of the time in all"),                    timers),
            (of_report("12 requests were wanted at once, above the 6 connections per host over HTTP/1.1 \
                        that a browser opens"),                                            connections),
            (of_report("6.1 requests were served at once, as many as a browser opens connections per \
                        host over HTTP/1.1"),                                              connections),
        ];
        for (reasons, expected) in cases {
            let verdict = Verdict {
                reasons,
                ..Verdict::default()
            };
            for cause in [Cause::Timers, Cause::Connections] {
                let is_expected = expected == Some(cause);
                assert_eq!(verdict.is_by(cause), is_expected, "{cause:?}: {verdict:?}");
            }
        }
    }

    #[test]
    fn late_timers_of_an_idle_thread_are_a_busy_machines() {
        let verdict = |busy| {
            judge(&Signs {
                lags_ms: vec![46.0; 100],
                busy,
                ..quiet()
            })
        };
        let words = "something else on this machine holds it up";
        assert!(verdict(0.02).reasons[0].contains(words));
        assert!(!verdict(0.5).reasons[0].contains(words));
    }

    #[test]
    fn a_cap_that_refusals_keep_from_being_reached_is_no_limit() {
        let bound = |in_flight| {
            judge(&Signs {
                concurrency: Some(20),
                in_flight,
                ..quiet()
            })
            .bound
        };
        let cases = [(None, true), (Some(17.4), true), (Some(0.9), false)];
        for (in_flight, expected) in cases {
            assert_eq!(bound(in_flight), expected, "{in_flight:?}");
        }
    }

    #[test]
    fn outside_browsers_http_1_is_no_cap() {
        let signs = Signs {
            browser: false,
            concurrency: Some(1000),
            ..quiet()
        };
        assert!(!judge(&signs).bound);
    }

    #[test]
    fn several_names_of_one_server_are_several_times_six_connections() {
        let signs = Signs {
            concurrency: Some(240),
            cap: Some(240),
            ..quiet()
        };
        assert!(!judge(&signs).bound);
    }

    #[test]
    fn six_connections_show_as_a_staircase() {
        let point = |concurrency, rate, first_byte_ms| Point {
            concurrency,
            rate,
            first_byte_ms,
        };
        let eight = point(8, 6.0, 400.0);
        #[rustfmt::skip]
        let cases = [
            (eight,                  point(16, 6.1, 1700.0),  true),
            (eight,                  point(16, 11.0, 450.0),  false),  // it scales
            (eight,                  point(16, 6.1, 450.0),   false),  // slower tokens, no queue
            (point(32, 20.0, 400.0), point(64, 20.0, 1800.0), false),  // twenty at once
            (point(2, 6.0, 50.0),    point(4, 6.0, 900.0),    false),  // fewer than six
        ];
        for (before, now, expected) in cases {
            assert_eq!(
                staircase(&before, &now, 1000.0).is_some(),
                expected,
                "{now:?}"
            );
        }
    }
}
