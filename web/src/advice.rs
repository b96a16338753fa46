//! What a result means for whoever reads it: what happened, the likely cause, what to press. Pure.

use kneepoint_bench::client_bound::Cause;
use kneepoint_bench::number::{capital, count, counted, percent};
use kneepoint_bench::record::Class;
use kneepoint_bench::report::{Report, Rung};

/// Above this share of requests, failures and refusals are spoken of.
const SHARE: f64 = 0.01;

/// One thing to know about a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Its name in the document.
    pub name: &'static str,
    /// What happened.
    pub title: String,
    /// The likely cause, and what to do.
    pub text: String,
    /// A line to copy into a terminal.
    pub line: Option<String>,
}

impl Advice {
    fn new(name: &'static str, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name,
            title: title.into(),
            text: text.into(),
            line: None,
        }
    }
}

/// What there is to say. `https` is the page's address with HTTP/2, where there is another; `typed` the
/// address in the form, which may be that of the report.
pub fn advise(report: &Report, https: Option<&str>, typed: &str) -> Vec<Advice> {
    let Some(rung) = report.main_rung() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if rung.ok == 0 && rung.requests > 0 {
        all.push(unanswered(report, rung, typed));
    } else {
        all.extend(some_failed(report, rung));
    }
    all.extend(repeated(rung));
    if rung.client.bound && rung.ok > 0 {
        all.push(client_bound(report, rung, https));
    }
    let stability = report
        .answer
        .as_ref()
        .and_then(|answer| answer.stability.as_ref());
    if let Some(drift) = stability.filter(|drift| !drift.stable) {
        all.push(Advice::new(
            "drifting",
            format!("The server changed by {} meanwhile.", percent(drift.value)),
            "Others may be using it, or it warmed up. Press Find the knee once more; trust the \
             answer when two in a row agree.",
        ));
    }
    if rung.buffered {
        all.push(Advice::new(
            "buffered",
            "Streams came in one burst.",
            "Something on the way, most often a proxy, holds answers back until they are whole. \
             Times to the first token are its doing, not the model's.",
        ));
    }
    for note in report.method.hidden_notes() {
        let text = capital(note) + ".";
        all.push(Advice::new("hidden", "The page was hidden.", text));
    }
    // A verdict on a run that reached nobody says itself that it was ended.
    if report.method.stopped_early && report.method.unreached_note().is_none() {
        all.push(Advice::new(
            "stopped",
            "Stopped before the end.",
            "What had been measured is shown; requests that were under way are not counted as \
             failures.",
        ));
    }
    all
}

/// Nothing was answered: by what most requests ended with.
fn unanswered(report: &Report, rung: &Rung, typed: &str) -> Advice {
    let Some(worst) = rung.worst() else {
        return Advice::new(
            "all-failed",
            "Nothing was answered.",
            "Press Run once more.",
        );
    };
    let mut text = match worst.class {
        Class::Cors => return cors(report, typed),
        Class::Throttled => {
            "Every request was refused (429). Unless its words name a quota, wait a minute, then run \
             with fewer at once; Find the knee begins with one and says where the limit lies."
        }
        Class::Client => {
            "The server found fault with the requests. Check the key, the model's name and the \
             address, then run again."
        }
        Class::Server => "The server failed each time. Its log says more; try one request at once.",
        Class::Timeout => {
            "No answer came in time. Check the address, or allow more time: More, then Timeout."
        }
        Class::Network => "No answer could be fetched. Check the address, and that the server runs.",
        Class::Truncated => {
            "Answers broke off, or were none of an LLM endpoint. Check the address; something on the way \
             may also cut them."
        }
        Class::NotApi => {
            "What answers there is no LLM endpoint, but a web page or another text. Check the address: \
             most base URLs end in /v1."
        }
        Class::Empty => "The server answered without a text. Check the model's name.",
        Class::Aborted | Class::Ok => "The run was ended before an answer had come.",
    }
    .to_owned();
    if let Some(said) = &worst.excerpt {
        text = text + " The first failure: " + said;
    }
    Advice::new("all-failed", "Nothing was answered.", text)
}

fn cors(report: &Report, typed: &str) -> Advice {
    const AWAY: &str =
        "the server does not run, its address is wrong, or its certificate is not trusted";
    const CLOSED: &str = "the endpoint does not allow calls from web pages (CORS)";
    // Servers on one's own machine mostly allow them.
    let is_local = report.config.is_loopback();
    let (likely, other) = if is_local {
        (AWAY, CLOSED)
    } else {
        (CLOSED, AWAY)
    };
    Advice {
        line: Some(proxy_line(&origin(report, typed))),
        ..Advice::new(
            "cors",
            "The browser reached no server, or may not read its answers.",
            format!(
                "Most likely {likely}; else {other}. Browsers do not say which. Against CORS run it through \
                 the local proxy, which keeps the key out of this page as well: in a clone of Kneepoint \
                 start the line below, open the address that it prints, and choose Proxy."
            ),
        )
    }
}

/// A host's address without a path. A report does not say by which scheme the host was asked: what was
/// typed does, while it stands in the form.
fn origin(report: &Report, typed: &str) -> String {
    let host = report.config.host.as_deref().unwrap_or("llm.example");
    let is_of_host = |rest: &str| rest.split(['/', '?', '#']).next() == Some(host);
    let scheme = match typed.trim().split_once("://") {
        Some((scheme, rest)) if is_of_host(rest) => scheme,
        _ if report.config.is_loopback() => "http",
        _ => "https",
    };
    [scheme, "://", host].concat()
}

/// The line for a terminal that gives this page a proxy to an endpoint.
pub fn proxy_line(origin: &str) -> String {
    [
        "API_KEY=… cargo xtask demo --upstream mine=",
        origin,
        ",key-env=API_KEY",
    ]
    .concat()
}

fn some_failed(report: &Report, rung: &Rung) -> Option<Advice> {
    let share = |count: u64| count as f64 / rung.requests.max(1) as f64;
    let refused = rung.count(Class::Throttled);
    // A ladder says itself where the refusals begin.
    if share(refused) > SHARE && report.answer.is_none() {
        return Some(Advice::new(
            "rate-limited",
            format!(
                "{} of {} requests were refused (429).",
                count(refused),
                count(rung.requests)
            ),
            "The server takes fewer at once, or fewer a second. Find the knee says how many; then \
             run below that.",
        ));
    }
    let others = |one: &&kneepoint_bench::report::ClassCount| {
        !matches!(one.class, Class::Ok | Class::Throttled | Class::Aborted)
    };
    let failed: u64 = rung
        .classes
        .iter()
        .filter(others)
        .map(|one| one.count)
        .sum();
    let classes = rung.classes.iter().filter(others);
    let classes: Vec<String> = classes
        .map(|one| format!("{} {}", one.class.as_str(), count(one.count)))
        .collect();
    let broke = if rung.count(Class::Cors) > 0 {
        " As others were answered, “cors” is most likely a server that went away or a connection that \
         broke: browsers do not tell these apart."
    } else {
        ""
    };
    (share(failed) > SHARE).then(|| {
        Advice::new(
            "some-failed",
            format!(
                "{} of {} requests failed.",
                count(failed),
                count(rung.requests)
            ),
            format!(
                "{}.{broke} Percentiles are of those that were answered; what the server said is below.",
                classes.join(", ")
            ),
        )
    })
}

/// Requests that went well in the end look like any other, but for the time that they took.
fn repeated(rung: &Rung) -> Option<Advice> {
    let repeats = rung.repeats();
    (repeats > 0 && rung.ok > 0).then(|| {
        Advice::new(
            "repeated",
            format!("{} more than requests.", counted(repeats, "attempt")),
            "The server refused some or failed, and they were sent again after a pause, which the times \
             contain. With 0 retries each refusal is counted instead.",
        )
    })
}

fn client_bound(report: &Report, rung: &Rung, https: Option<&str>) -> Advice {
    let mut text = rung.client.reasons.join("; ");
    let is_http1 = report.protocol.http.as_deref() == Some("http/1.1");
    match https {
        Some(https) if is_http1 && report.env.browser && rung.client.is_by(Cause::Connections) => {
            text = [
                &text,
                ". Over HTTP/2 one connection carries many: open ",
                https,
                " instead. Its certificate was made for this run, so the browser warns first: choose \
                 “Advanced”, then “Proceed” or “Accept”.",
            ]
            .concat();
        }
        _ if rung.client.is_by(Cause::Timers) => {
            text += ". Let this machine do nothing else, and run once more.";
        }
        _ if report.env.browser => {
            text += ". The command line is less so: see “The same in a terminal”.";
        }
        _ => text += ".",
    }
    Advice::new("client-bound", "What held the client back.", capital(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::example;
    use kneepoint_bench::client_bound::{Signs, judge};
    use kneepoint_bench::report::{ClassCount, hidden_note};

    /// The example as if `count` of a hundred requests had ended so.
    fn ended(class: Class, lost: u64) -> Report {
        let mut report = example();
        report.answer = None;
        report.rungs.truncate(1);
        let rung = &mut report.rungs[0];
        rung.client.bound = false;
        (rung.requests, rung.ok) = (100, 100 - lost);
        rung.classes = vec![ClassCount {
            class,
            count: lost,
            excerpt: Some("no such model".to_owned()),
        }];
        report
    }

    fn names(report: &Report) -> Vec<&'static str> {
        advise(report, None, "")
            .iter()
            .map(|advice| advice.name)
            .collect()
    }

    #[test]
    fn each_trouble_has_its_advice() {
        #[rustfmt::skip]
        let cases: [(Class, u64, &[&str]); 7] = [
            (Class::Cors,      100, &["cors"]),
            (Class::Client,    100, &["all-failed"]),
            (Class::Throttled, 100, &["all-failed"]),
            (Class::NotApi,    100, &["all-failed"]),
            (Class::Throttled, 20,  &["rate-limited"]),
            (Class::Server,    20,  &["some-failed"]),
            (Class::Server,    1,   &[]),               // one in a hundred is in the figures
        ];
        for (class, lost, expected) in cases {
            assert_eq!(names(&ended(class, lost)), expected, "{class:?} {lost}");
        }
    }

    #[test]
    fn a_blocked_endpoint_gets_a_line_for_the_proxy() {
        #[rustfmt::skip]
        let cases = [
            // the report's host, the form's address, the upstream
            ("llm.example:8443", "",                          "https://llm.example:8443"),
            ("10.0.0.7:8000",    "http://10.0.0.7:8000/v1",   "http://10.0.0.7:8000"),
            ("127.0.0.1:8443",   "https://127.0.0.1:8443/v1", "https://127.0.0.1:8443"),
            ("127.0.0.1:8000",   "",                          "http://127.0.0.1:8000"),
            ("llm.example",      "http://other.example/v1",   "https://llm.example"), // of another run
        ];
        let mut report = ended(Class::Cors, 100);
        for (host, typed, expected) in cases {
            report.config.host = Some(host.to_owned());
            let line = advise(&report, None, typed)[0]
                .line
                .clone()
                .expect("a line");
            let upstream = format!("--upstream mine={expected},key-env=API_KEY");
            assert!(line.ends_with(&upstream), "{line}");
        }
    }

    #[test]
    fn what_a_browser_does_not_tell_apart_is_named_with_the_likelier_first() {
        let mut report = ended(Class::Cors, 100);
        let away = "Most likely the server does not run, its address is wrong";
        let closed =
            "Most likely the endpoint does not allow calls from web pages (CORS); else the server";
        #[rustfmt::skip]
        let cases = [
            ("127.0.0.1:8000", away,   "(cors: no server there, or one that refuses web pages)"),
            ("localhost:8000", away,   "(cors: no server there, or one that refuses web pages)"),
            ("llm.example",    closed, "(cors: a server that refuses web pages, or none there)"),
        ];
        for (host, likely, headline) in cases {
            report.config.host = Some(host.to_owned());
            let text = &advise(&report, None, "")[0].text;
            assert!(text.starts_with(likely), "{text}");
            let said = kneepoint_bench::report::verdict(&report);
            assert!(said.contains(headline), "{said}");
        }
    }

    #[test]
    fn attempts_that_were_repeated_are_not_hidden_in_the_times() {
        let mut report = ended(Class::Server, 0);
        for (attempts, expected) in [(100, vec![]), (101, vec![]), (340, vec!["repeated"])] {
            report.rungs[0].attempts = attempts;
            assert_eq!(names(&report), expected, "{attempts}");
        }
        let title = &advise(&report, None, "")[0].title;
        assert_eq!(title, "240 attempts more than requests.");
    }

    #[test]
    fn what_the_server_said_is_passed_on() {
        let text = &advise(&ended(Class::Client, 100), None, "")[0].text;
        assert!(text.ends_with("The first failure: no such model"), "{text}");
    }

    #[test]
    fn a_server_that_went_away_is_not_blamed_for_its_headers() {
        let text = |class| advise(&ended(class, 20), None, "")[0].text.clone();
        assert!(text(Class::Cors).starts_with("cors 20. As others were answered"));
        assert!(text(Class::Server).starts_with("5xx 20. Percentiles"));
    }

    #[test]
    fn a_page_that_was_hidden_is_told_of_wherever_its_result_is_opened() {
        let mut report = ended(Class::Server, 0);
        let note = "the page was out of sight for 3 s of 9 s: browsers slow down what is hidden";
        assert!(hidden_note(3.0, 9.0).starts_with(note), "as it is written");
        let other = "ended by the budget: hidden costs".to_owned();
        report.method.notes = vec![other, note.to_owned()];
        let read = Report::from_json(&report.to_json()).expect("what was written can be read");
        assert_eq!(names(&read), ["hidden"]);
        let advice = &advise(&read, None, "")[0];
        assert!(advice.text.starts_with("The page was out of sight for 3 s"));
        assert!(read.text().contains(note), "a terminal says it too");
    }

    #[test]
    fn a_page_that_is_the_limit_names_the_better_way() {
        let mut report = ended(Class::Server, 0);
        let twelve = Signs {
            protocol: Some("http/1.1".to_owned()),
            browser: true,
            concurrency: Some(12),
            ..Signs::default()
        };
        report.rungs[0].client = judge(&twelve);
        report.protocol.http = Some("http/1.1".to_owned());
        report.env.browser = true;
        let advice = advise(&report, Some("https://127.0.0.1:8089"), "");
        assert_eq!(advice[0].name, "client-bound");
        assert!(
            advice[0]
                .text
                .contains("connections per host over HTTP/1.1 that a browser opens. Over HTTP/2"),
            "{}",
            advice[0].text
        );
        assert!(advice[0].text.contains("https://127.0.0.1:8089"));
        // More connections are no help to a machine that is busy.
        let late = Signs {
            lags_ms: vec![46.0; 10],
            ..Signs::default()
        };
        report.rungs[0].client = judge(&late);
        let text = &advise(&report, Some("https://127.0.0.1:8089"), "")[0].text;
        assert!(
            text.contains("do nothing else") && !text.contains("https"),
            "{text}"
        );
    }
}
