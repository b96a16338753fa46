//! The pictures and the HTML file: of simulated runs, of odd reports, at phone's and screen's width.

use expect_test::expect;
use kneepoint_bench::chart::{self, Options, Picture};
use kneepoint_bench::export;
use kneepoint_bench::ladder;
use kneepoint_bench::plan::{Load, Plan};
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Estimate, Purpose, Report, verdict};
use kneepoint_core::platform::sim::ServerModel;
use proptest::prelude::*;
use serde_json::Value;

use crate::harness::{Stage, closed, taking};

const WIDTHS: [u32; 2] = [360, 1280];

fn climbing() -> Plan {
    Plan::new(Load::Ladder(ladder::Options::default()))
}

#[test]
fn a_rung_that_the_client_spoilt_gives_way_to_the_one_measured_in_its_place() {
    let eight = ServerModel {
        slots: Some(8),
        queues: true,
        ..taking(1.0, 0.3)
    };
    let (clean, _) = ran(1, eight, &climbing(), true);
    let at = |report: &Report| report.main_rung().expect("a knee").clone();
    let curve = |report: &Report| chart::throughput(report, Options::default()).expect("a curve");
    let mut spoilt = at(&clean);
    spoilt.client.bound = true;
    spoilt.output_tokens_per_s = spoilt.output_tokens_per_s.map(|tokens| Estimate {
        value: tokens.value / 2.0,
        ..tokens
    });
    let mut anew = clean.clone();
    anew.rungs.insert(0, spoilt.clone());
    assert_eq!(at(&anew), at(&clean));
    assert_eq!(verdict(&anew), verdict(&clean));
    assert_eq!(anew.client_bound_at(), None);
    // The table has both rows, and marks the one.
    let marked = |report: &Report| report.text().matches("  client\n").count();
    assert_eq!((marked(&clean), marked(&anew)), (0, 1), "{}", anew.text());
    let in_file = |report: &Report| {
        let file = export::html(report, &[]);
        let legend = export::client_legend(report).is_some_and(|legend| file.contains(legend));
        (file.matches("<td>client</td>").count(), legend)
    };
    assert_eq!((in_file(&clean), in_file(&anew)), ((0, false), (1, true)));
    let line = |picture: Picture| {
        let elements = picture.svg.split('<');
        let lines = elements.filter(|element| element.contains("kp-line"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line(curve(&clean)).len(), 1);
    assert_eq!(line(curve(&anew)), line(curve(&clean)));
    // Where nothing was measured in its place, all say so.
    let knee = at(&clean).concurrency;
    anew.rungs
        .retain(|rung| rung.concurrency != knee || rung.client.bound);
    assert_eq!(at(&anew), spoilt);
    assert_eq!(anew.client_bound_at(), knee);
    // Where the client was the limit each time, the last one stands, as it does for the ladder.
    let mut last = spoilt;
    last.start_s += 1.0;
    anew.rungs.push(last.clone());
    assert_eq!(at(&anew), last);
    assert_eq!(anew.client_bound_at(), knee);
}

fn ran(seed: u64, model: ServerModel, plan: &Plan, stream: bool) -> (Report, Vec<Sample>) {
    let mut stage = Stage::new(seed, model);
    stage.target.stream = stream;
    let report = stage.run(plan);
    (report, stage.notebook.measured)
}

/// Runs of all kinds: climbs to a plateau, to a limit and without tokens, plain ones, a failed one,
/// one rung, nothing.
fn all() -> Vec<(Report, Vec<Sample>)> {
    let slots = |queues| ServerModel {
        slots: Some(12),
        queues,
        ..taking(1.0, 0.3)
    };
    let failing = ServerModel {
        errors: 1.0,
        ..ServerModel::default()
    };
    let shaky = ServerModel {
        errors: 0.2,
        shed: 0.1,
        ..taking(0.4, 0.6)
    };
    let mut all = vec![
        ran(1, slots(true), &climbing(), true),
        ran(2, slots(false), &climbing(), true),
        ran(3, slots(true), &climbing(), false),
        ran(4, shaky, &closed(300, 20), true),
        ran(5, failing.clone(), &closed(40, 4), true),
        ran(6, failing, &climbing(), true),
        ran(7, taking(0.5, 0.0), &closed(1, 1), true),
    ];
    let (mut nothing, _) = all[0].clone();
    (nothing.rungs, nothing.answer) = (Vec::new(), None);
    all.push((nothing, Vec::new()));
    let (mut still, _) = all[0].clone();
    for rung in &mut still.rungs {
        (rung.requests_per_s, rung.output_tokens_per_s) = (Estimate::default(), None);
    }
    all.push((still, Vec::new()));
    all
}

/// Every picture of a report.
fn pictures(report: &Report, samples: &[Sample], width: u32) -> Vec<Picture> {
    let options = Options { width };
    let mut pictures = vec![
        chart::throughput(report, options),
        chart::pareto(report, options),
        chart::over_time(report, options),
        chart::overlay(
            [("before", report), (&"after ".repeat(30), report)],
            options,
        ),
    ];
    if let Some(rung) = report.main_rung() {
        pictures.push(chart::percentiles(rung, options));
        pictures.push(chart::requests(samples, 0, rung.concurrency, options));
        for metric in [&rung.ttft, &rung.e2e, &rung.tpot].into_iter().flatten() {
            pictures.push(chart::histogram("a time", metric, options));
        }
    }
    pictures.into_iter().flatten().collect()
}

/// The value of an attribute of an opening tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// The texts of a drawing and the boxes that they take: left, top, right, bottom.
fn texts(svg: &str) -> Vec<(String, [f64; 4])> {
    let elements = svg.split("<text").skip(1);
    let texts = elements.map(|element| {
        let (tag, rest) = element.split_once('>').expect("a tag ends");
        let text = rest.split_once("</text>").expect("an element ends").0;
        let number = |name| attribute(tag, name).and_then(|text| text.parse::<f64>().ok());
        let (x, y) = number("x").zip(number("y")).expect("a place");
        let shown = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let width = shown.chars().count() as f64 * 12.0 * 0.6;
        let left = match attribute(tag, "text-anchor") {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        (text.to_owned(), [left, y - 12.0, left + width, y + 3.0])
    });
    texts.collect()
}

/// Checks that elements are closed in the order in which they were opened.
fn balanced(html: &str) -> Result<(), String> {
    const VOID: [&str; 2] = ["meta", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((_, behind)) = rest.split_once('<') {
        let (tag, after) = behind.split_once('>').ok_or("a tag without an end")?;
        rest = after;
        let name = tag
            .split([' ', '/'])
            .find(|part| !part.is_empty())
            .unwrap_or_default();
        if tag.starts_with('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        if name == "style" && !tag.starts_with('/') {
            rest = &rest[rest.find("</style>").ok_or("a style without an end")?..];
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("never closed: {open:?}"))
    }
}

/// Checks what holds for every drawing, whatever it shows.
fn check(picture: &Picture) {
    let Picture { title, svg, .. } = picture;
    assert_eq!(balanced(svg), Ok(()), "{title}");
    for word in ["NaN", "inf"] {
        assert!(!svg.contains(word), "{title}: {word} in {svg}");
    }
    for quoted in svg.split('"').skip(1).step_by(2) {
        if let Ok(number) = quoted.parse::<f64>() {
            assert!(
                number.is_finite() && number.abs() <= 1e5,
                "{title}: {quoted}"
            );
        }
    }
    for row in &picture.table.rows {
        assert_eq!(row.len(), picture.table.head.len(), "{title}");
    }
}

#[test]
fn every_run_has_its_pictures() {
    for (report, samples) in all() {
        for width in WIDTHS {
            let found = pictures(&report, &samples, width);
            let words: Vec<_> = found.iter().map(|picture| picture.title.as_str()).collect();
            found.iter().for_each(check);
            assert_eq!(found.is_empty(), report.rungs.is_empty(), "{words:?}");
        }
    }
}

#[test]
fn no_text_covers_another_or_leaves_the_picture() {
    for (report, samples) in all() {
        for width in WIDTHS {
            for picture in pictures(&report, &samples, width) {
                let texts = texts(&picture.svg);
                assert!(texts.len() > 3, "{}", picture.title);
                for (index, (text, a)) in texts.iter().enumerate() {
                    let (title, end) = (&picture.title, f64::from(width) + 0.1);
                    assert!(
                        a[0] >= -0.1 && a[2] <= end,
                        "{title} at {width}: {text} is cut"
                    );
                    for (other, b) in &texts[..index] {
                        let apart = a[0] >= b[2] - 0.1
                            || b[0] >= a[2] - 0.1
                            || a[1] >= b[3] - 0.1
                            || b[1] >= a[3] - 0.1;
                        assert!(
                            apart,
                            "{title} at {width}: {text} {a:?} covers {other} {b:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_ladder_is_drawn_with_what_it_found() {
    let (report, _) = &all()[1];
    let picture = chart::throughput(report, Options::default()).expect("a ladder");
    let answer = report.answer.as_ref().expect("a ladder");
    let limit = answer
        .limit
        .as_ref()
        .expect("twelve slots, then refusals")
        .value;
    let marks = texts(&picture.svg);
    assert!(
        marks
            .iter()
            .any(|(text, _)| text.contains("limit") && text.ends_with(&limit.to_string())),
        "{marks:?}"
    );
    assert!(picture.svg.contains("kp-law") && picture.svg.contains("kp-throttled"));
    let points = picture.svg.matches("tabindex=\"0\"").count();
    assert_eq!(points, report.rungs.len(), "every rung is read out");
    assert_eq!(points, picture.table.rows.len());
}

#[test]
fn equal_reports_give_equal_pictures_without_ids() {
    let [(a, samples), (b, again)] =
        [1, 1].map(|seed| ran(seed, taking(0.5, 0.3), &closed(80, 8), true));
    assert_eq!(export::html(&a, &samples), export::html(&b, &again));
    for picture in pictures(&a, &samples, 360) {
        assert!(!picture.svg.contains(" id="));
    }
}

#[test]
fn a_small_picture_is_drawn_like_this() {
    let (mut report, _) = all().swap_remove(0);
    report.rungs.truncate(3);
    report.answer = None;
    for (rung, (n, x)) in report
        .rungs
        .iter_mut()
        .zip([(1, 10.0), (2, 18.0), (4, 30.0)])
    {
        rung.purpose = Purpose::Climb;
        rung.concurrency = Some(n);
        rung.output_tokens_per_s = Some(Estimate {
            value: x,
            low: Some(x - 1.0),
            high: Some(x + 1.0),
        });
    }
    let picture = chart::pareto(&report, Options { width: 280 }).expect("three rungs");
    expect![[r#"
        <svg class="kp-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 280 280" role="group"><title>Speed for each, throughput for all</title><desc>Up: more for all. Right: faster for each. The numbers are requests at once, 3 rungs.</desc>
        <text class="kp-title" x="4" y="12" text-anchor="start">tok/s for all</text>
        <line class="kp-grid" x1="26.4" y1="238" x2="268" y2="238"/>
        <text class="kp-tick" x="18.4" y="242" text-anchor="end">0</text>
        <line class="kp-grid" x1="26.4" y1="173.8" x2="268" y2="173.8"/>
        <text class="kp-tick" x="18.4" y="177.8" text-anchor="end">10</text>
        <line class="kp-grid" x1="26.4" y1="109.6" x2="268" y2="109.6"/>
        <text class="kp-tick" x="18.4" y="113.6" text-anchor="end">20</text>
        <line class="kp-grid" x1="26.4" y1="45.3" x2="268" y2="45.3"/>
        <text class="kp-tick" x="18.4" y="49.3" text-anchor="end">30</text>
        <line class="kp-axis" x1="26.4" y1="238" x2="26.4" y2="242"/>
        <text class="kp-tick" x="26.4" y="258" text-anchor="middle">0</text>
        <line class="kp-axis" x1="138.3" y1="238" x2="138.3" y2="242"/>
        <text class="kp-tick" x="138.3" y="258" text-anchor="middle">5</text>
        <line class="kp-axis" x1="250.1" y1="238" x2="250.1" y2="242"/>
        <text class="kp-tick" x="250.1" y="258" text-anchor="middle">10</text>
        <line class="kp-axis" x1="26.4" y1="238" x2="268" y2="238"/>
        <text class="kp-title" x="268" y="275" text-anchor="end">tok/s for each of N users</text>
        <path class="kp-line" d="M250.1 173.8L227.7 122.4L194.2 45.3"/>
        <g class="kp-point" tabindex="0" role="img"><title>1 at once: 10.0 tok/s each, 10.0 together</title>
        <circle class="kp-dot kp-series" cx="250.1" cy="173.8" r="4.5"/>
        </g>
        <g class="kp-point" tabindex="0" role="img"><title>2 at once: 9.00 tok/s each, 18.0 together</title>
        <circle class="kp-dot kp-series" cx="227.7" cy="122.4" r="4.5"/>
        </g>
        <g class="kp-point" tabindex="0" role="img"><title>4 at once: 7.50 tok/s each, 30.0 together</title>
        <circle class="kp-dot kp-series" cx="194.2" cy="45.3" r="4.5"/>
        </g>
        <text class="kp-word" x="259.1" y="167.8" text-anchor="start">1</text>
        <text class="kp-word" x="236.7" y="116.4" text-anchor="start">2</text>
        <text class="kp-word" x="203.2" y="39.3" text-anchor="start">4</text>
        </svg>"#]].assert_eq(&picture.svg);
}

#[test]
fn the_file_is_whole_and_is_read_back() {
    for (report, samples) in all() {
        let html = export::html(&report, &samples);
        assert_eq!(balanced(&html), Ok(()));
        assert!(html.contains(&verdict(&report).replace('\'', "&#39;")));
        for loads in ["src=", "href=", "@import", "url(", "http-equiv"] {
            assert!(!html.contains(loads), "{loads}");
        }
        let (_, json) = html
            .split_once("id=\"kneepoint-report\">")
            .expect("the data");
        let json = json.split_once("</script>").expect("an end").0;
        let read = Report::from_json(json).expect("our own");
        assert_eq!(read.config, report.config);
        assert_eq!(read.rungs.len(), report.rungs.len());
    }
}

#[test]
fn hostile_words_stay_words_and_a_hidden_host_stays_hidden() {
    const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror='a\"'>";
    let (mut report, samples) = ran(1, taking(0.5, 0.3), &closed(40, 4), true);
    HOSTILE.clone_into(&mut report.config.model);
    report.method.notes.push(HOSTILE.to_owned());
    report.protocol.http = Some(HOSTILE.to_owned());
    report.config.host = None;
    let html = export::html(&report, &samples);
    assert_eq!(balanced(&html), Ok(()));
    assert_eq!(html.matches("<script").count(), 1, "the data");
    assert!(!html.contains("<img") && !html.contains("llm.test"));
    let named = [(HOSTILE, &report), ("b", &report)];
    let overlay = chart::overlay(named, Options::default()).expect("answers");
    assert!(!overlay.figure().contains("<img"));
}

#[test]
fn a_run_is_told_in_a_sentence() {
    let verdicts: Vec<_> = all().iter().map(|(report, _)| verdict(report)).collect();
    expect![[r"
        Best balance at 13 requests at once: 175 tok/s, TTFT p95 391 ms (of 64 requests; an interval needs 72); above 13 only the queue grows.
        Best balance at 9 requests at once: 147 tok/s, TTFT p95 183 ms (of 53 requests; an interval needs 72); above 11 the server refuses requests.
        Best balance at 13 requests at once: 12.0 answers/s, latency p95 1.67 s (of 70 requests; an interval needs 72); above 13 only the queue grows.
        20 at once: 422 tok/s, TTFT p95 789 ms; 2 of 300 requests failed (0.667 %).
        None of 40 requests was answered (5xx).
        No knee was found: with 1 at a time 30 of 30 requests (100.0 %) failed.
        1 at once: 31.4 tok/s, TTFT p95 72.5 ms (of 1 request; an interval needs 72); the one request was answered.
        Nothing was measured.
        Best balance at 13 requests at once: 0 answers/s, TTFT p95 391 ms (of 64 requests; an interval needs 72); above 13 only the queue grows."]].assert_eq(&verdicts.join("\n"));
}

/// Colours as `light-dark(#light, #dark)`, by name.
fn colours() -> Vec<(&'static str, [f64; 2])> {
    let luminance = |hex: &str| {
        let part = |at: usize| {
            let value = u8::from_str_radix(&hex[at..at + 2], 16).expect("two hex digits");
            let share = f64::from(value) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let lines = chart::STYLE.lines();
    let named =
        lines.filter_map(|line| line.trim().strip_suffix(");")?.split_once(": light-dark("));
    named
        .map(|(name, pair)| {
            let (light, dark) = pair.split_once(", ").expect("two colours");
            (name, [light, dark].map(luminance))
        })
        .collect()
}

#[test]
fn every_colour_is_read_on_its_paper_in_light_and_dark() {
    let colours = colours();
    let (_, paper) = *colours
        .iter()
        .find(|(name, _)| *name == "--kp-paper")
        .expect("paper");
    let mut seen = 0;
    for (name, colour) in colours {
        if ["--kp-paper", "--kp-rule"].contains(&name) {
            continue;
        }
        for (a, b) in colour.into_iter().zip(paper) {
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{name}: {contrast:.2}");
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
}

/// Puts `odd` in place of every number of a report that takes it, but of its schema.
fn distort(value: &mut Value, odd: &mut impl FnMut() -> Value) {
    match value {
        Value::Number(_) => *value = odd(),
        Value::Array(list) => list.iter_mut().for_each(|one| distort(one, odd)),
        Value::Object(map) => {
            let fields = map.iter_mut().filter(|(name, _)| *name != "schema");
            fields.for_each(|(_, one)| distort(one, odd));
        }
        _ => {}
    }
}

#[test]
fn whatever_numbers_a_file_holds_it_can_be_drawn() {
    let (report, _) = &all()[1];
    let whole = [0_u64, 1, 2, 7, 1000, 4_000_000_000];
    proptest!(ProptestConfig::with_cases(64), |(choices in proptest::collection::vec(0..whole.len(), 97))| {
        let mut value = serde_json::to_value(report).expect("a report is JSON");
        let mut next = choices.iter().cycle();
        distort(&mut value, &mut || Value::from(whole[*next.next().expect("a cycle")]));
        let odd = Report::from_json(&value.to_string()).expect("numbers only");
        for width in WIDTHS {
            pictures(&odd, &[], width).iter().for_each(check);
        }
        prop_assert_eq!(balanced(&export::html(&odd, &[])), Ok(()));
    });
}

#[test]
fn figures_beyond_all_measure_can_be_drawn() {
    for odd in [0.0, -1.0, 1e-300, 1e18, 1e308, f64::NAN, f64::INFINITY] {
        let (mut report, samples) = all().swap_remove(0);
        for rung in &mut report.rungs {
            let estimate = Estimate {
                value: odd,
                low: Some(odd),
                high: Some(-odd),
            };
            (rung.requests_per_s, rung.output_tokens_per_s) = (estimate, Some(estimate));
            (rung.start_s, rung.duration_s) = (odd, odd);
            for moment in &mut rung.timeline {
                (moment.t_s, moment.duration_s) = (odd, odd);
                (moment.in_flight, moment.tokens) = (odd, odd);
                (moment.ok, moment.refused) = (u64::MAX, u64::MAX);
            }
            for metric in [&mut rung.e2e, &mut rung.ttft].into_iter().flatten() {
                for one in &mut metric.quantiles {
                    (one.value, one.low, one.high) = (odd, Some(odd), Some(odd));
                }
                metric.buckets.push((u64::MAX, u64::MAX));
            }
        }
        for width in WIDTHS {
            pictures(&report, &samples, width).iter().for_each(check);
        }
        assert_eq!(balanced(&export::html(&report, &samples)), Ok(()));
    }
}
