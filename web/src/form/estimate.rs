//! What a press will cost, before it is pressed.

use kneepoint_bench::number::{count, counted};
use kneepoint_bench::plan::{Load, Plan};

use super::{Form, Goal, Target, job};

/// What a run and a climb will cost, in a line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Of a run.
    pub run: String,
    /// Of a climb.
    pub knee: String,
    /// Who pays.
    pub pays: &'static str,
}

/// What the form would cost. None while something in it is wrong.
pub fn estimate(form: &Form) -> Option<Estimate> {
    let run = job(form, Goal::Run, "").ok()?;
    let knee = job(form, Goal::Knee, "").ok()?;
    Some(Estimate {
        run: run_words(&run.plan, run.max_tokens),
        knee: knee_words(&knee.plan),
        pays: match form.target {
            Target::Simulated => "costs nothing",
            Target::Direct | Target::Proxy => "on your account",
        },
    })
}

fn run_words(plan: &Plan, max_tokens: Option<u32>) -> String {
    let time = plan.duration_ms.map(duration);
    let Some(requests) = plan.requests else {
        let time = time.unwrap_or_default();
        return format!("as many calls as fit into {time}");
    };
    let requests = requests.saturating_add(plan.warmup_requests.unwrap_or(0));
    let mut words = counted(requests, "call");
    if let Some(tokens) = max_tokens {
        let tokens = requests.saturating_mul(u64::from(tokens));
        words = words + ", ≤ " + &short(tokens) + " tokens";
    }
    if let Some(time) = time {
        words = words + ", within " + &time;
    }
    words
}

fn knee_words(plan: &Plan) -> String {
    let Load::Ladder(options) = &plan.load else {
        return String::new();
    };
    // Doublings, the rungs between them, and two measured again.
    let climb = f64::from(options.max / options.first.max(1))
        .max(1.0)
        .log2()
        .floor()
        + 1.0;
    let refined = f64::from(options.refine_knee + options.refine_peak) * 0.6;
    let rungs = climb + refined + if options.repeat { 2.0 } else { 0.0 };
    // A window ends somewhere between its bounds; settling comes on top.
    let window = (options.window_min_s * options.window_max_s).sqrt();
    let seconds = (rungs * window * 1.3).min(options.total_s);
    format!(
        "up to {} at once, about {}",
        count(options.max.into()),
        duration((seconds * 1000.0) as u64)
    )
}

/// A time in the unit that fits.
fn duration(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{} s", ms as f64 / 1000.0),
        10_000..120_000 => format!("{} s", ms / 1000),
        _ => format!("{} min", ms / 60_000),
    }
}

/// A large number in a few characters.
fn short(value: u64) -> String {
    match value {
        0..10_000 => count(value),
        10_000..1_000_000 => format!("{}k", value / 1000),
        1_000_000..1_000_000_000 => format!("{:.1}M", value as f64 / 1e6),
        _ => count(value / 1_000_000_000) + " billion",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Field;
    use super::*;

    #[test]
    fn a_press_is_priced_before_it_is_pressed() {
        let mut form = Form::default();
        let found = estimate(&form).expect("no faults");
        assert_eq!(found.run, "500 calls, ≤ 50k tokens");
        assert!(
            found.knee.starts_with("up to 128 at once"),
            "{}",
            found.knee
        );
        assert_eq!(found.pays, "costs nothing");
        form.set(Field::Requests, "1000");
        form.set(Field::Warmup, "20");
        form.set(Field::Duration, "5m");
        let found = estimate(&form).expect("no faults");
        assert_eq!(found.run, "1,020 calls, ≤ 102k tokens, within 5 min");
        form.set(Field::Requests, "");
        form.set(Field::Warmup, "");
        let found = estimate(&form).expect("no faults");
        assert_eq!(found.run, "as many calls as fit into 5 min");
        form.set(Field::Duration, "");
        assert_eq!(estimate(&form), None);
        form.set(Field::Requests, "10M");
        form.set(Field::MaxTokens, "1M");
        let found = estimate(&form).expect("no faults");
        assert_eq!(found.run, "10,000,000 calls, ≤ 10,000 billion tokens");
    }
}
