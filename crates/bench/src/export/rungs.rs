//! A report's rungs as CSV (RFC 4180) and as lines of JSON, for spreadsheets and scripts.

use crate::json;
use crate::report::{Metric, Report, Rung};

/// The names of the columns. Times are in milliseconds, unless their name ends in `_s`.
const HEADER: &str = "purpose,concurrency,start_s,duration_s,requests,ok,attempts,requests_per_s,requests_per_s_low,requests_per_s_high,output_tokens_per_s,concurrency_mean,concurrency_peak,ttft_p50,ttft_p95,ttft_p99,tpot_p50,tpot_p95,tpot_p99,e2e_p50,e2e_p95,e2e_p99,client_bound";

/// The rungs as rows, below a row of names. What is not known is empty.
///
/// ```
/// use kneepoint_bench::export::rungs_csv;
/// use kneepoint_bench::plan::{Load, Plan, Prompts};
/// use kneepoint_bench::{Control, Target, run};
/// use kneepoint_core::platform::sim::{ServerModel, Sim};
/// use kneepoint_core::{Config, Provider};
///
/// let sim = Sim::new(1);
/// sim.serve("https://llm.test", ServerModel::default());
/// let config = Config::new(Provider::compatible("https://llm.test/v1"));
/// let target = Target::new(config, Prompts::text("small", "Hello!"));
/// let plan = Plan { requests: Some(8), ..Plan::new(Load::Closed { concurrency: 4 }) };
/// let report = sim.run(run(&sim, &target, &plan, &Control::new(), &mut ()))?;
///
/// let csv = rungs_csv(&report);
/// let rows: Vec<&str> = csv.lines().collect();
/// assert!(rows.len() == 2 && rows[1].starts_with("run,4,"));
/// assert_eq!(rows[0].split(',').count(), rows[1].split(',').count());
/// # Ok::<(), kneepoint_bench::RunError>(())
/// ```
pub fn rungs_csv(report: &Report) -> String {
    let mut csv = format!("{HEADER}\n");
    for rung in &report.rungs {
        csv.push_str(&row(rung));
        csv.push('\n');
    }
    csv
}

fn row(rung: &Rung) -> String {
    let rate = &rung.requests_per_s;
    let tokens = rung.output_tokens_per_s.map(|found| found.value);
    let mut fields = vec![
        rung.purpose.as_str().to_owned(),
        known(rung.concurrency),
        rung.start_s.to_string(),
        rung.duration_s.to_string(),
        rung.requests.to_string(),
        rung.ok.to_string(),
        rung.attempts.to_string(),
        rate.value.to_string(),
        known(rate.low),
        known(rate.high),
        known(tokens),
        rung.concurrency_mean.to_string(),
        rung.concurrency_peak.to_string(),
    ];
    for metric in [&rung.ttft, &rung.tpot, &rung.e2e] {
        fields.extend([0.5, 0.95, 0.99].map(|q| quantile(metric.as_ref(), q)));
    }
    fields.push(rung.client.bound.to_string());
    fields.join(",")
}

fn known(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn quantile(metric: Option<&Metric>, q: f64) -> String {
    known(metric.and_then(|metric| Some(metric.quantile(q)?.value)))
}

/// The rungs as JSON, a line each.
pub fn rungs_jsonl(report: &Report) -> String {
    let line = |rung: &Rung| json::to_string(rung) + "\n";
    report.rungs.iter().map(line).collect()
}
