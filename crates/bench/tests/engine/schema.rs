//! Every report that the engine writes follows `schema/v1.json`, and every field is described there.

use kneepoint_bench::export::{ReadError, html, vllm};
use kneepoint_bench::ladder::Options;
use kneepoint_bench::merge::merge;
use kneepoint_bench::plan::{Load, Plan, Prompts, Slo};
use kneepoint_bench::record::Class;
use kneepoint_bench::report::{ClassCount, Report};
use kneepoint_bench::{Control, Target, run};
use kneepoint_core::platform::sim::{ServerModel, Sim};
use kneepoint_core::{Config, Provider, Secret};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../schema/v1.json");
const KEY: &str = "sk-canary-0123456789";
const TEXT: &str = "a prompt that nobody else may read";

fn report(model: ServerModel, plan: &Plan, stream: bool) -> Report {
    let sim = Sim::new(5);
    sim.serve("https://llm.test", model);
    let config = Config {
        api_key: Some(Secret::new(KEY)),
        ..Config::new(Provider::compatible("https://llm.test/v1"))
    };
    let target = Target {
        stream,
        ..Target::new(config, Prompts::text("small", TEXT))
    };
    sim.run(run(&sim, &target, plan, &Control::new(), &mut ()))
        .expect("it can run")
}

fn reports() -> Vec<Report> {
    let counted = |load| Plan {
        requests: Some(40),
        slo: Some(Slo {
            e2e_ms: Some(1500.0),
            ..Slo::default()
        }),
        ..Plan::new(load)
    };
    let loads = [
        Load::Closed { concurrency: 4 },
        Load::Constant { rate: 10.0 },
        Load::Poisson { rate: 10.0 },
        Load::Gamma {
            rate: 10.0,
            burstiness: 0.5,
        },
        Load::Ramp {
            from: 1.0,
            to: 10.0,
            over_ms: 5000,
        },
    ];
    let good = loads.map(|load| report(ServerModel::default(), &counted(load), true));
    let ladder = Plan::new(Load::Ladder(Options {
        max: 16,
        ..Options::default()
    }));
    let limited = ServerModel {
        slots: Some(6),
        ..ServerModel::default()
    };
    let failing = ServerModel {
        errors: 1.0,
        ..ServerModel::default()
    };
    let silent = ServerModel {
        reports_usage: false,
        ..ServerModel::default()
    };
    let closed = counted(Load::Closed { concurrency: 4 });
    let others = [
        report(limited, &ladder, true),
        report(failing, &closed, true),
        report(silent, &closed, false),
    ];
    good.into_iter().chain(others).collect()
}

/// Checks a value against the part of JSON Schema that ours is written in. A keyword that is not
/// known here fails, so that nothing in the schema goes unchecked.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{at}: {what}: {value}"));
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$ref" => {
                let path = rule.as_str().and_then(|path| path.strip_prefix('#'));
                let target = root
                    .pointer(path.expect("within the file"))
                    .expect("it is defined");
                check(value, target, root, at)?;
            }
            "anyOf" => {
                let any = rule.as_array().expect("a list");
                let errors: Vec<_> = any
                    .iter()
                    .filter_map(|one| check(value, one, root, at).err())
                    .collect();
                if errors.len() == any.len() {
                    return Err(errors.join("; "));
                }
            }
            "enum" if !rule.as_array().expect("a list").contains(value) => {
                return wrong("not listed");
            }
            "type" => {
                let types = rule
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![rule.clone()]);
                if !types
                    .iter()
                    .any(|name| is_a(value, name.as_str().expect("a name")))
                {
                    return wrong(&format!("not of type {rule}"));
                }
            }
            "minimum" if value.as_f64() < rule.as_f64() && value.is_number() => {
                return wrong("too small");
            }
            "maximum" if value.as_f64() > rule.as_f64() && value.is_number() => {
                return wrong("too large");
            }
            "minItems" if (value.as_array().map(Vec::len) < rule.as_u64().map(|n| n as usize)) => {
                return wrong("too few");
            }
            "maxItems" if (value.as_array().map(Vec::len) > rule.as_u64().map(|n| n as usize)) => {
                return wrong("too many");
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, rule, root, &format!("{at}/{index}"))?;
                }
            }
            "required" => {
                for name in rule.as_array().expect("a list") {
                    let name = name.as_str().expect("a name");
                    if value.is_object() && value.get(name).is_none() {
                        return wrong(&format!("no {name}"));
                    }
                }
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => check(field, rule, root, &format!("{at}/{name}"))?,
                        None => return wrong(&format!("{name} is not described")),
                    }
                }
            }
            "enum" | "minimum" | "maximum" | "minItems" | "maxItems" | "description" | "title"
            | "$schema" | "$defs" => {}
            other => return Err(format!("{at}: the keyword {other} is not checked")),
        }
    }
    Ok(())
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("{other} is no type"),
    }
}

#[test]
fn every_report_follows_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    for report in reports() {
        let value: Value = serde_json::from_str(&report.to_json()).expect("a report is JSON");
        if let Err(error) = check(&value, &schema, &schema, "") {
            panic!("{error}");
        }
    }
}

#[test]
fn what_does_not_follow_the_schema_is_told() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let good: Value = serde_json::to_value(&reports()[0]).expect("a report is JSON");
    for (path, bad) in [
        ("/schema", Value::from(2)),
        ("/version", Value::Null),
        ("/rungs/0/ok", Value::from(-1)),
        ("/rungs/0/token_source", Value::from("guessed")),
        ("/rungs/0/e2e/buckets/0", Value::from(vec![1])),
        ("/config/load", serde_json::json!({ "mode": "closed" })),
        ("/env", serde_json::json!({ "browser": false, "secret": 1 })),
    ] {
        let mut value = good.clone();
        *value.pointer_mut(path).expect(path) = bad;
        assert!(check(&value, &schema, &schema, "").is_err(), "{path}");
    }
}

/// Whether two values are the same but for the last digit of a number, which reading may change.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64(), b.as_f64());
            a.zip(b)
                .is_some_and(|(a, b)| (a - b).abs() <= 1e-12 * a.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, value)| b.get(key).is_some_and(|other| is_same(value, other));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    for report in reports() {
        let read = Report::from_json(&report.to_json()).expect("our own");
        let [read, written] =
            [read, report].map(|report| serde_json::to_value(report).expect("JSON"));
        assert!(is_same(&read, &written));
    }
    assert!(matches!(Report::from_json("{"), Err(ReadError::Shape(_))));
}

#[test]
fn a_file_that_claims_more_answers_than_requests_is_shown_all_the_same() {
    let mut report = reports().swap_remove(0);
    report.rungs[0].ok = report.rungs[0].requests + 1;
    let read = Report::from_json(&report.to_json()).expect("a report");
    let rung = &read.rungs[0];
    assert_eq!((rung.unanswered(), rung.error_rate()), (0, 0.0));
    assert!(!read.text().contains("With failures"));
    assert_eq!(vllm(&read, rung)["failed"], 0);
    let mut another = read.clone();
    another.rungs[0].duration_s += 1.0;
    let merged = merge(&[read, another]).expect("one load");
    assert_eq!(merged.rungs[0].unanswered(), 0);
}

#[test]
fn what_was_taken_back_is_no_failure_in_any_table() {
    let mut report = reports().swap_remove(0);
    let rung = &mut report.rungs[0];
    rung.ok = rung.requests - 3;
    rung.classes = [(Class::Throttled, 1), (Class::Aborted, 2)]
        .map(|(class, count)| ClassCount {
            class,
            count,
            excerpt: None,
        })
        .to_vec();
    assert_eq!((rung.unanswered(), rung.failed()), (3, 0));
    let page = html(&report, &[]);
    let (_, table) = page.split_once("<h2>The run</h2>").expect("the table");
    let (row, _) = table.split_once("</tbody>").expect("its rows");
    assert!(
        row.trim_end().ends_with("<td>1</td><td>0</td></tr>"),
        "{row}"
    );
}

#[test]
fn no_report_holds_the_key_or_the_prompt() {
    for report in reports() {
        for text in [report.to_json(), report.text(), html(&report, &[])] {
            assert!(!text.contains(KEY) && !text.contains(TEXT), "{text}");
        }
    }
}
