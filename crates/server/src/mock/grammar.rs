//! The grammar of `/mock/<spec>/`: `key=value` pairs joined by commas, after a preset's name or
//! without one. Parsing is pure; an error names what was found and what was expected.
//!
//! Pairs are cut before they are percent-decoded, so `%2C`, `%3A` and `%20` stand for themselves.

use std::time::Duration;

use super::fault::{self, Fault, decode};
use super::preset;
use super::spec::{Delay, MS_MAX, Outage, Rate, RetryAfter, Spec, Step};

const TOKENS_MAX: u32 = 1_000_000;
const PLACES_MAX: usize = 100_000;
const KEYS: &str = "ttft, tpot, step, tokens, reasoning, chunk, slots, queue, rps, rpm, tpm, \
    retry_after, fault, outage, seed, cors, expose, timing";

/// What is wrong with a spec, in one sentence that names the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SpecError(String);

/// Reads a spec as it stands in the path, still percent-encoded.
pub(crate) fn parse(text: &str) -> Result<Spec, SpecError> {
    let mut spec = Spec::default();
    apply(&mut spec, text, true)?;
    if spec.outage.is_some() && spec.faults.is_empty() {
        spec.faults.push((Fault::Status(503), 1.0));
    }
    let shares: f64 = spec.faults.iter().map(|(_, share)| share).sum();
    if shares > 1.0 + 1e-9 {
        return Err(SpecError(format!(
            "the fault shares add up to {shares}, expected at most 1"
        )));
    }
    Ok(spec)
}

fn apply(spec: &mut Spec, text: &str, preset_allowed: bool) -> Result<(), SpecError> {
    for (index, pair) in text.split(',').enumerate() {
        match pair.split_once('=') {
            Some((key, value)) => set(spec, &decode(key), value)?,
            None if index == 0 && preset_allowed => {
                let name = decode(pair);
                let preset = preset::find(&name).ok_or_else(|| SpecError(unknown_preset(&name)))?;
                apply(spec, preset.spec, false)?;
            }
            None => {
                return Err(SpecError(format!(
                    "`{}` is not of the form key=value",
                    decode(pair)
                )));
            }
        }
    }
    Ok(())
}

fn unknown_preset(name: &str) -> String {
    let names: Vec<&str> = preset::ALL.iter().map(|preset| preset.name).collect();
    format!(
        "`{name}` is neither a key=value pair nor a preset; the presets are {}",
        names.join(", ")
    )
}

fn set(spec: &mut Spec, key: &str, value: &str) -> Result<(), SpecError> {
    let wrong =
        |expected: String| SpecError(format!("`{key}={}`: expected {expected}", decode(value)));
    match key {
        "ttft" => spec.ttft = delay(value).map_err(wrong)?,
        "tpot" => spec.tpot = delay(value).map_err(wrong)?,
        "step" => spec.step = Some(step(value).map_err(wrong)?),
        "tokens" => spec.tokens = whole(value, 1, TOKENS_MAX).map_err(wrong)?,
        "reasoning" => spec.reasoning = whole(value, 0, TOKENS_MAX).map_err(wrong)?,
        "chunk" => spec.chunk = whole(value, 1, TOKENS_MAX).map_err(wrong)?,
        "slots" => spec.slots = Some(whole(value, 1, PLACES_MAX).map_err(wrong)?),
        "queue" => spec.queue = whole(value, 0, PLACES_MAX).map_err(wrong)?,
        "rps" => spec.rps = Some(rate(value, 1.0).map_err(wrong)?),
        "rpm" => spec.rpm = Some(rate(value, 60.0).map_err(wrong)?),
        "tpm" => spec.tpm = Some(rate(value, 60.0).map_err(wrong)?),
        "retry_after" => spec.retry_after = retry_after(value).map_err(wrong)?,
        "fault" => spec.faults.push(
            fault::parse(value)
                .map_err(|why| SpecError(format!("`fault={}`: {why}", decode(value))))?,
        ),
        "outage" => spec.outage = Some(outage(value).map_err(wrong)?),
        "seed" => spec.seed = Some(whole(value, 0, u64::MAX).map_err(wrong)?),
        "cors" => spec.cors = switch(value).map_err(wrong)?,
        "expose" => spec.expose = switch(value).map_err(wrong)?,
        "timing" => spec.timing = switch(value).map_err(wrong)?,
        unknown => {
            return Err(SpecError(format!(
                "unknown key `{unknown}`: expected one of {KEYS}"
            )));
        }
    }
    Ok(())
}

fn whole<T>(text: &str, min: T, max: T) -> Result<T, String>
where
    T: Copy + std::str::FromStr + PartialOrd + std::fmt::Display,
{
    text.parse()
        .ok()
        .filter(|value| (&min..=&max).contains(&value))
        .ok_or_else(|| format!("a whole number from {min} to {max}"))
}

fn number(text: &str, min: f64, max: f64) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value| (min..=max).contains(value))
        .ok_or_else(|| format!("a number from {min} to {max}"))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    number(text, 0.0, MS_MAX).map(|ms| Duration::from_secs_f64(ms / 1000.0))
}

fn delay(text: &str) -> Result<Delay, String> {
    let form = || format!("milliseconds from 0 to {MS_MAX}, or ln:MEDIAN:SIGMA");
    let fields: Vec<&str> = text.split(':').collect();
    match fields[..] {
        [fixed] => milliseconds(fixed).map(Delay::Fixed).map_err(|_| form()),
        ["ln", median, sigma] => Ok(Delay::LogNormal {
            median: milliseconds(median).map_err(|_| form())?,
            sigma: number(sigma, 0.0, 5.0).map_err(|_| "a SIGMA from 0 to 5".to_owned())?,
        }),
        _ => Err(form()),
    }
}

fn step(text: &str) -> Result<Step, String> {
    let form = || "A:B:C:MAX, three times in ms and the most requests active at once".to_owned();
    let fields: Vec<&str> = text.split(':').collect();
    let [base, linear, square, active] = fields[..] else {
        return Err(form());
    };
    let ms = |text| number(text, 0.0, MS_MAX).map_err(|_| form());
    let step = Step {
        base_ms: ms(base)?,
        linear_ms: ms(linear)?,
        square_ms: ms(square)?,
        active_max: whole(active, 1, PLACES_MAX).map_err(|_| form())?,
    };
    // A step without duration would produce tokens in an endless loop at one instant.
    if step.base_ms + step.linear_ms + step.square_ms < 0.01 {
        return Err("a step of at least 0.01 ms".to_owned());
    }
    Ok(step)
}

/// `N`, `N:BURST` or `N:bucket` or `N:window`; `unit_s` is the second or minute that `N` is per.
fn rate(text: &str, unit_s: f64) -> Result<Rate, String> {
    let form = || "a limit above 0, optionally with :bucket, :window or :BURST".to_owned();
    let (limit, shape) = match text.split_once(':') {
        Some((limit, shape)) => (limit, Some(shape)),
        None => (text, None),
    };
    let limit = number(limit, 0.001, 1e12).map_err(|_| form())?;
    let per_s = limit / unit_s;
    // A tenth of a second's worth: small enough that a minute's count stays within 1 %.
    let burst = (per_s / 10.0).max(1.0);
    Ok(match shape {
        None | Some("window") if unit_s > 1.0 => Rate::Minute { limit },
        Some("window") => return Err("no window: only rpm and tpm have one".to_owned()),
        // Providers that speak of a minute let a whole minute's worth come at once.
        Some("bucket") if unit_s > 1.0 => Rate::Bucket {
            per_s,
            burst: limit.max(1.0),
        },
        None | Some("bucket") => Rate::Bucket { per_s, burst },
        Some(burst) => Rate::Bucket {
            per_s,
            burst: number(burst, 1.0, 1e12).map_err(|_| form())?,
        },
    })
}

fn retry_after(text: &str) -> Result<RetryAfter, String> {
    let form = || "whole seconds, Nms, date or off".to_owned();
    match text {
        "date" => Ok(RetryAfter::Date),
        "off" => Ok(RetryAfter::Off),
        _ => match text.strip_suffix("ms") {
            Some(ms) => ms.parse().map(RetryAfter::Milliseconds).map_err(|_| form()),
            None => text.parse().map(RetryAfter::Seconds).map_err(|_| form()),
        },
    }
}

fn outage(text: &str) -> Result<Outage, String> {
    let form = || format!("AFTER:LENGTH, two times in milliseconds from 0 to {MS_MAX}");
    let (after, length) = text.split_once(':').ok_or_else(form)?;
    Ok(Outage {
        after: milliseconds(after).map_err(|_| form())?,
        length: milliseconds(length).map_err(|_| form())?,
    })
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Delay {
        Delay::Fixed(Duration::from_millis(ms))
    }

    #[test]
    fn every_key_is_read() {
        let text = "ttft=200,tpot=ln:10:0.5,step=5:0.1:0.01:32,tokens=100,reasoning=7,chunk=4,\
            slots=8,queue=2,rps=50,rpm=600,tpm=90000:bucket,retry_after=500ms,\
            fault=drip:0.1,fault=no_done:0.2,outage=500:1500,seed=9,cors=off,expose=off,timing=off";
        let expected = Spec {
            ttft: ms(200),
            tpot: Delay::LogNormal {
                median: Duration::from_millis(10),
                sigma: 0.5,
            },
            step: Some(Step {
                base_ms: 5.0,
                linear_ms: 0.1,
                square_ms: 0.01,
                active_max: 32,
            }),
            tokens: 100,
            reasoning: 7,
            chunk: 4,
            slots: Some(8),
            queue: 2,
            rps: Some(Rate::Bucket {
                per_s: 50.0,
                burst: 5.0,
            }),
            rpm: Some(Rate::Minute { limit: 600.0 }),
            tpm: Some(Rate::Bucket {
                per_s: 1500.0,
                burst: 90_000.0,
            }),
            retry_after: RetryAfter::Milliseconds(500),
            faults: vec![(Fault::Drip, 0.1), (Fault::NoDone, 0.2)],
            outage: Some(Outage {
                after: Duration::from_millis(500),
                length: Duration::from_millis(1500),
            }),
            seed: Some(9),
            cors: false,
            expose: false,
            timing: false,
        };
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn a_preset_may_be_followed_by_changes() {
        let spec = parse("gpu32,tokens=5").expect("parses");
        assert_eq!((spec.slots, spec.tokens), (Some(32), 5));
    }

    #[test]
    fn an_outage_without_a_fault_is_one_of_503s() {
        let faults = |text| parse(text).expect("parses").faults;
        assert_eq!(faults("outage=0:9"), [(Fault::Status(503), 1.0)]);
        assert_eq!(faults("outage=0:9,fault=refuse"), [(Fault::Refuse, 1.0)]);
    }

    #[test]
    fn every_preset_is_a_spec() {
        for preset in preset::ALL {
            assert!(
                parse(preset.name).is_ok(),
                "{}: {:?}",
                preset.name,
                parse(preset.name)
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let cases = [
            ("", "`` is neither"),
            (
                "nosuch",
                "`nosuch` is neither a key=value pair nor a preset",
            ),
            ("slotz=3", "unknown key `slotz`"),
            ("tokens=3,gpu32", "`gpu32` is not of the form"),
            ("ttft=-1", "`ttft=-1`: expected milliseconds"),
            ("ttft=NaN", "`ttft=NaN`"),
            ("ttft=ln:1", "ln:MEDIAN:SIGMA"),
            ("ttft=ln:1:99", "SIGMA"),
            ("tokens=0", "`tokens=0`: expected a whole number from 1"),
            ("step=0:0:0:4", "at least 0.01 ms"),
            ("step=1:1", "A:B:C:MAX"),
            ("rps=0", "above 0"),
            ("rps=1:window", "only rpm and tpm"),
            ("retry_after=soon", "whole seconds, Nms, date or off"),
            ("cors=maybe", "on or off"),
            ("outage=5", "`outage=5`: expected AFTER:LENGTH"),
            ("fault=boom:1", "unknown fault `boom`"),
            ("fault=drip:0.6,fault=no_done:0.6", "add up to 1.2"),
            ("seed=x", "`seed=x`"),
        ];
        for (text, expected) in cases {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
            let _ = parse(&text);
        }
    }
}
