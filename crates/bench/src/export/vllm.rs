//! The keys of the JSON that vLLM's `bench serve` writes, so that scripts made for it can read ours.

use serde_json::{Map, Value, json};

use crate::plan::Load;
use crate::report::{Metric, Report, Rung};

/// One rung under those keys, in their units. Figures that were not measured are left out. Its
/// `itl` is our `icl`: gaps between chunks.
pub fn vllm(report: &Report, rung: &Rung) -> Value {
    let seconds = rung.duration_s.max(1e-6);
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    let (rate, burstiness) = match report.config.load {
        Load::Constant { rate } => (json!(rate), json!(f64::MAX)),
        Load::Poisson { rate } => (json!(rate), json!(1.0)),
        Load::Gamma { rate, burstiness } => (json!(rate), json!(burstiness)),
        // How their files say "as fast as the concurrency allows".
        Load::Closed { .. } | Load::Ramp { .. } | Load::Ladder(_) => (json!("inf"), json!(1.0)),
    };
    put("model_id", json!(report.config.model));
    put("num_prompts", json!(rung.requests));
    put("request_rate", rate);
    put("burstiness", burstiness);
    put("max_concurrency", json!(rung.concurrency));
    put("duration", json!(rung.duration_s));
    put("completed", json!(rung.ok));
    put("failed", json!(rung.unanswered()));
    put("total_input_tokens", json!(rung.input_tokens));
    put("total_output_tokens", json!(rung.output_tokens));
    put("request_throughput", json!(rung.requests_per_s.value));
    if let Some(goodput) = rung.goodput_per_s {
        put("request_goodput", json!(goodput));
    }
    if let Some(tokens) = rung.output_tokens_per_s {
        put("output_throughput", json!(tokens.value));
        let total = tokens.value + rung.input_tokens as f64 / seconds;
        put("total_token_throughput", json!(total));
    }
    put("max_concurrent_requests", json!(rung.concurrency_peak));
    let metrics = [
        ("ttft", &rung.ttft),
        ("tpot", &rung.tpot),
        ("itl", &rung.icl),
        ("e2el", &rung.e2e),
    ];
    for (name, metric) in metrics {
        for (key, value) in metric.iter().flat_map(|metric| figures(name, metric)) {
            put(&key, json!(value));
        }
    }
    Value::Object(out)
}

fn figures(name: &str, metric: &Metric) -> Vec<(String, f64)> {
    let mut figures = vec![
        (format!("mean_{name}_ms"), metric.mean),
        (format!("std_{name}_ms"), metric.sd.unwrap_or(0.0)),
    ];
    let quantiles = [("median", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];
    for (word, q) in quantiles {
        if let Some(found) = metric.quantile(q) {
            figures.push((format!("{word}_{name}_ms"), found.value));
        }
    }
    figures
}
