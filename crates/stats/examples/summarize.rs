//! Times the summary of samples in a file, as `cargo xtask bench stats` asks for it.
//!
//! `summarize FILE` says who it is once it has read the file; then, for each line of the input, it
//! takes the summary and prints how many seconds that took, both as JSON. `summarize --write FILE
//! COUNT SEED` makes such a file: little-endian 64-bit floats, a function of the seed alone.
//! The programs it is compared with are in `tests/peers/stats/`.

use kneepoint_stats::{Rule, Summary};
use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

/// The quantiles that all the programs compute.
const QUANTILES: [f64; 7] = [0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999];

const USAGE: &str = "usage: summarize FILE | summarize --write FILE COUNT SEED";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--write", file, count, seed] => write_samples(file, count.parse()?, seed.parse()?),
        [file] => measure(file),
        _ => Err(USAGE.into()),
    }
}

/// Values with a long tail, like latencies in milliseconds.
fn write_samples(file: &str, count: usize, seed: u64) -> Result<(), Box<dyn Error>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for _ in 0..count {
        let sample = 120.0 - 80.0 * libm::log(1.0 - random.f64());
        out.write_all(&sample.to_le_bytes())?;
    }
    Ok(out.flush()?)
}

fn measure(file: &str) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let (words, rest) = bytes.as_chunks::<8>();
    if words.is_empty() || !rest.is_empty() {
        return Err("the file must hold 64-bit floats and nothing else".into());
    }
    let samples: Vec<f64> = words.iter().map(|&word| f64::from_le_bytes(word)).collect();
    println!(r#"{{"who":"kneepoint-stats"}}"#);
    for turn in std::io::stdin().lines() {
        turn?;
        let (summary, took) =
            timed(|| Summary::of(black_box(&samples), &QUANTILES, Rule::Inclusive));
        black_box(summary?);
        println!(r#"{{"seconds":{}}}"#, took.as_secs_f64());
    }
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
