//! The benchmark engine, as JavaScript drives it.
//!
//! Plans, targets and results cross as JSON: they are few, and both sides have types for them. A run
//! is a task of the module's world like any other, and tells a [`Watch`] what happens.

use std::str::FromStr;

use js_sys::Object;
use kneepoint_bench::compare::{Comparison, compare, compare_reports};
use kneepoint_bench::export::{self, ReadError};
use kneepoint_bench::merge::merge;
use kneepoint_bench::plan::{Plan, PromptSource, Prompts};
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Connections, Environment, Metric, Report, Rung, Times};
use kneepoint_bench::threshold::{Outcome, Threshold};
use kneepoint_bench::{Control, Listener, Target, Tick, run};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

use crate::host::Transport;
use crate::options;
use crate::port::Port;
use crate::world;

#[wasm_bindgen]
extern "C" {
    /// Who is told of a run.
    pub type Watch;

    /// How things stand, five times a second.
    #[wasm_bindgen(method)]
    fn tick(this: &Watch, json: &str);

    /// Whether each request is to be told.
    #[wasm_bindgen(method, getter)]
    fn wants_samples(this: &Watch) -> bool;

    /// A request that has ended.
    #[wasm_bindgen(method)]
    fn sample(this: &Watch, json: &str, measured: bool);

    /// A rung that was measured.
    #[wasm_bindgen(method)]
    fn rung(this: &Watch, json: &str);

    /// What is known of the connections, as JSON.
    #[wasm_bindgen(method)]
    fn connections(this: &Watch) -> String;

    /// The run is over: its result as JSON.
    #[wasm_bindgen(method)]
    fn done(this: &Watch, json: &str);

    /// There is no result, and why.
    #[wasm_bindgen(method)]
    fn failed(this: &Watch, reason: &str);
}

struct Told {
    watch: Watch,
    wants_samples: bool,
}

impl Told {
    fn new(watch: Watch) -> Self {
        Self {
            wants_samples: watch.wants_samples(),
            watch,
        }
    }

    fn finish<T: Serialize>(&self, outcome: Result<T, String>) {
        match outcome {
            Ok(result) => self.watch.done(&written(&result)),
            Err(reason) => self.watch.failed(&reason),
        }
    }
}

impl Listener for Told {
    fn tick(&mut self, tick: &Tick) {
        self.watch.tick(&written(tick));
    }

    fn sample(&mut self, sample: &Sample, measured: bool) {
        if self.wants_samples {
            self.watch.sample(&export::json_line(sample), measured);
        }
    }

    fn rung(&mut self, rung: &Rung) {
        self.watch.rung(&written(rung));
    }

    fn connections(&mut self) -> Connections {
        serde_json::from_str(&self.watch.connections()).unwrap_or_default()
    }
}

/// What a target's options say beside those of its client, which come apart.
#[derive(Deserialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent answers to independent questions"
)]
struct TargetOptions {
    model: String,
    prompts: PromptSource,
    system: Option<String>,
    nonce: bool,
    max_tokens: Option<u32>,
    #[serde(default)]
    extra: Map<String, Value>,
    stream: bool,
    adaptive: bool,
    hide_host: bool,
    env: Environment,
}

fn target(client: &JsValue, options: &str) -> Result<Target, String> {
    let config = options::config(client).map_err(|error| error.to_string())?;
    let given: TargetOptions = read("target", options)?;
    let prompts = Prompts::from_source(&given.model, &given.prompts)
        .map_err(|error| format!("prompts: {error}"))?;
    let prompts = Prompts {
        system: given.system,
        nonce: given.nonce,
        max_tokens: given.max_tokens,
        extra: given.extra,
        ..prompts
    };
    let mut target = Target::new(config, prompts);
    target.config.concurrency.adaptive = given.adaptive;
    target.stream = given.stream;
    target.hide_host = given.hide_host;
    target.environment = given.env;
    Ok(target)
}

/// A run under way.
#[wasm_bindgen]
pub struct Run(Control);

#[wasm_bindgen]
impl Run {
    /// Ends it: nothing more is sent, and what was measured becomes its result.
    pub fn stop(&self) {
        self.0.stop();
    }
}

/// Begins a run of `plan`, whose result is a report.
#[wasm_bindgen]
pub fn begin(
    transport: Transport,
    watch: Watch,
    client: &JsValue,
    options: &str,
    plan: &str,
) -> Result<Run, Object> {
    world::enter();
    let target = target(client, options).map_err(refused)?;
    let plan: Plan = read("plan", plan).map_err(refused)?;
    let (port, mut told) = (Port::live(transport), Told::new(watch));
    Ok(start(async move |control| {
        let outcome = run(&port, &target, &plan, &control, &mut told).await;
        told.finish(outcome.map_err(|error| error.to_string()));
    }))
}

/// Begins to run `plan` against two targets in turns, so many times each. The result is a
/// comparison.
#[wasm_bindgen]
#[allow(
    clippy::too_many_arguments,
    reason = "both sides have the same two, and a pair would be an object"
)]
pub fn begin_pairs(
    transport: Transport,
    watch: Watch,
    client_a: &JsValue,
    options_a: &str,
    client_b: &JsValue,
    options_b: &str,
    plan: &str,
    pairs: u32,
) -> Result<Run, Object> {
    world::enter();
    let a = target(client_a, options_a).map_err(refused)?;
    let b = target(client_b, options_b).map_err(refused)?;
    let plan: Plan = read("plan", plan).map_err(refused)?;
    let (port, mut told) = (Port::live(transport), Told::new(watch));
    Ok(start(async move |control| {
        let outcome = compare(&port, (&a, &b), &plan, pairs, &control, &mut told).await;
        told.finish(outcome.map_err(|error| error.to_string()));
    }))
}

fn start<F: Future<Output = ()> + 'static>(work: impl FnOnce(Control) -> F) -> Run {
    let control = Control::new();
    world::spawn(work(control.clone()));
    world::run();
    Run(control)
}

/// Adds reports of one load up that ran at the same time.
#[wasm_bindgen]
pub fn merged(reports: Vec<String>) -> Result<String, Object> {
    let reports = reports.into_iter().map(|json| Report::from_json(&json));
    let reports: Result<Vec<Report>, ReadError> = reports.collect();
    let merged = reports
        .map_err(|error| error.to_string())
        .and_then(|reports| merge(&reports).map_err(|error| error.to_string()));
    merged.map(|report| report.to_json()).map_err(refused)
}

/// Two reports side by side.
#[wasm_bindgen]
pub fn compared(a: &str, b: &str) -> Result<String, Object> {
    Ok(written(&compare_reports(&report(a)?, &report(b)?)))
}

/// A comparison as a table.
#[wasm_bindgen]
pub fn comparison_text(json: &str) -> Result<String, Object> {
    let comparison: Comparison = read("comparison", json).map_err(refused)?;
    Ok(comparison.text())
}

/// A report in another format, one of those that the package lists; of one metric where the format holds
/// one.
#[wasm_bindgen]
pub fn rendered(json: &str, format: &str, metric: &str) -> Result<String, Object> {
    let report = report(json)?;
    Ok(match format {
        "text" => report.text(),
        "json" => report.to_json(),
        "csv" => export::rungs_csv(&report),
        "jsonl" => export::rungs_jsonl(&report),
        "hgrm" => export::hgrm(metric_of(&report, metric)?),
        "html" => export::html(&report, &[]),
        "vllm" => {
            let rung = report.main_rung().ok_or_else(nothing_measured)?;
            export::vllm(&report, rung).to_string()
        }
        _ => return Err(refused(format!("format: there is no \"{format}\""))),
    })
}

/// One metric's histogram as HDR tools read it, not yet deflated.
#[wasm_bindgen]
pub fn hdr_payload(json: &str, metric: &str) -> Result<Vec<u8>, Object> {
    Ok(export::hdr(metric_of(&report(json)?, metric)?))
}

/// The same with its head, once it is deflated.
#[wasm_bindgen]
pub fn hdr_compressed(deflated: &[u8]) -> Vec<u8> {
    export::hdr_compressed(deflated)
}

fn metric_of<'a>(report: &'a Report, name: &str) -> Result<&'a Metric, Object> {
    let rung = report.main_rung().ok_or_else(nothing_measured)?;
    let times =
        Times::named(name).ok_or_else(|| refused(format!("metric: there is no \"{name}\"")))?;
    let missing = || refused(format!("the report has no figures of {name}"));
    times.of(rung).ok_or_else(missing)
}

fn nothing_measured() -> Object {
    refused("the report has no rung: nothing was measured".to_owned())
}

/// Refuses what is no threshold.
#[wasm_bindgen]
pub fn check_threshold(text: &str) -> Result<(), Object> {
    threshold(text).map(|_| ())
}

/// Holds thresholds against a report: for each its text, whether it was missed, and the figure.
#[wasm_bindgen]
pub fn checked(json: &str, thresholds: Vec<String>) -> Result<String, Object> {
    let report = report(json)?;
    let check = |text: String| {
        let threshold = threshold(&text)?;
        let outcome = threshold.check(&report);
        let value = match outcome {
            Outcome::Held(value) | Outcome::Missed(value) => Some(value),
            Outcome::NoData => None,
        };
        let endless = value.is_some_and(f64::is_infinite);
        Ok(json!({
            "threshold": threshold.to_string(),
            "missed": outcome.is_failure(),
            "value": value.filter(|value| value.is_finite()),
            "endless": endless,
        }))
    };
    let all = thresholds.into_iter().map(check);
    Ok(written(&all.collect::<Result<Vec<Value>, Object>>()?))
}

fn threshold(text: &str) -> Result<Threshold, Object> {
    Threshold::from_str(text).map_err(|error| refused(error.to_string()))
}

/// Samples summarised under a named rule; `null` if there are none.
#[wasm_bindgen]
pub fn summarized(samples: &[f64], rule: &str) -> Result<String, Object> {
    let summary = kneepoint_bench::summarize(samples, rule);
    summary
        .map(|found| written(&found))
        .map_err(|error| refused(error.to_string()))
}

/// A request as a row of CSV, given its JSON.
#[wasm_bindgen]
pub fn csv_row(json: &str) -> Result<String, Object> {
    let sample: Sample = read("sample", json).map_err(refused)?;
    Ok(export::csv_row(&sample))
}

/// The names of those rows' columns.
#[wasm_bindgen]
pub fn csv_header() -> String {
    export::CSV_HEADER.to_owned()
}

fn report(json: &str) -> Result<Report, Object> {
    Report::from_json(json).map_err(|error| refused(error.to_string()))
}

fn read<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| format!("{what}: {error}"))
}

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists can be written as JSON")
}

/// What JavaScript makes an error of.
fn refused(reason: String) -> Object {
    let object = Object::new();
    // Setting a field of a plain object cannot fail.
    let _ = js_sys::Reflect::set(&object, &"reason".into(), &reason.into());
    object
}
