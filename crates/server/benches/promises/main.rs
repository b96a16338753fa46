//! What the server promises in figures: run with `cargo bench -p kneepoint-server`.
//!
//! It starts the release binary, drives it over loopback, prints each figure beside its bound, writes
//! them to `target/bench/server.json`, and fails where one lies beyond.
//! Requests per second are measured by a separate load generator, since a client written here would
//! measure itself.

mod throughput;

use std::error::Error;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A server in a process of its own; ended when dropped.
struct Server {
    child: Child,
    http: SocketAddr,
}

impl Server {
    fn start(more: &[&str]) -> Outcome<Self> {
        Self::start_on(None, more)
    }

    /// The same on one core, by `taskset`.
    fn start_on(core: Option<&str>, more: &[&str]) -> Outcome<Self> {
        use std::io::BufRead as _;
        let program = env!("CARGO_BIN_EXE_kneepoint-server");
        let mut command = match core {
            None => Command::new(program),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", core, program]);
                command
            }
        };
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--quiet"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut http = None;
        for line in std::io::BufReader::new(out).lines() {
            let line = line?;
            if let Some(address) = line.strip_prefix("listening http://") {
                http = Some(address.parse()?);
            }
            if line == "ready" {
                break;
            }
        }
        Ok(Self {
            child,
            http: http.ok_or("the server did not say where it listens")?,
        })
    }

    /// Processor time that its one thread has used, in seconds.
    fn processor_s(&self) -> Outcome<f64> {
        let path = format!("/proc/{}/schedstat", self.child.id());
        let text = std::fs::read_to_string(path)?;
        let nanoseconds = text.split(' ').next().ok_or("no schedstat")?;
        Ok(nanoseconds.parse::<f64>()? / 1e9)
    }

    /// Resident memory in MB.
    fn resident_mb(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const STREAM: &str = r#"{"model":"m","messages":[{"content":"Hello!"}],"stream":true}"#;
const PLAIN: &str = r#"{"model":"m","messages":[{"content":"Hello!"}]}"#;

fn post(address: SocketAddr, path: &str, lines: &str, body: &str) -> String {
    format!(
        "POST {path}/v1/chat/completions HTTP/1.1\r\nhost: {address}\r\n{lines}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn connect(address: SocketAddr) -> Outcome<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
}

/// What a figure must not go beyond.
#[derive(Clone, Copy)]
enum Bound {
    Most(f64),
    Least(f64),
}

impl Bound {
    fn holds(self, found: f64) -> bool {
        match self {
            Self::Most(most) => found <= most,
            Self::Least(least) => found >= least,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Most(most) => format!("≤ {most}"),
            Self::Least(least) => format!("≥ {least}"),
        }
    }
}

/// A figure beside its bound, or what is missing to measure it.
struct Figure {
    /// Not met only when it was measured and lies beyond.
    met: bool,
    json: serde_json::Value,
}

impl Figure {
    /// Measured and printed.
    fn new(name: &str, found: f64, unit: &str, bound: Bound) -> Self {
        let (met, bound) = (bound.holds(found), bound.shown());
        let verdict = if met { "within" } else { "BEYOND" };
        println!("{name:<58} {found:>9.2} {unit:<3} {verdict} {bound} {unit}");
        let json =
            json!({ "figure": name, "found": found, "unit": unit, "bound": bound, "met": met });
        Self { met, json }
    }

    /// Not measured, for want of `offer`.
    fn missing(name: &str, unit: &str, offer: &str) -> Self {
        println!(
            "{name:<58} {:>9} {unit:<3} not measured without {offer}",
            "—"
        );
        let json = json!({ "figure": name, "unit": unit, "not_measured_without": offer });
        Self { met: true, json }
    }
}

/// How far each token of a stream is from its due time, in ms.
async fn one_stream(address: SocketAddr) -> Outcome<Vec<f64>> {
    let mut stream = connect(address).await?;
    let request = post(address, "/mock/ttft=200,tpot=10,tokens=100", "", STREAM);
    let start = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let (mut line, mut errors) = (String::new(), Vec::new());
    while errors.len() < 100 {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("the stream ended early".into());
        }
        if line.contains("\"delta\":{\"content\":\"") {
            let due = 200.0 + 10.0 * errors.len() as f64;
            errors.push((start.elapsed().as_secs_f64() * 1000.0 - due).abs());
        }
    }
    Ok(errors)
}

/// Sorted errors of the first tokens and of all, for 100 streams begun `apart` from each other.
async fn errors(apart: Duration) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let server = Server::start(&[])?;
    let address = server.http;
    let streams = (0..100).map(|number| {
        tokio::spawn(async move {
            tokio::time::sleep(apart * number).await;
            one_stream(address).await
        })
    });
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for stream in streams.collect::<Vec<_>>() {
        let errors = stream.await??;
        first.push(errors[0]);
        all.extend(errors);
    }
    first.sort_by(f64::total_cmp);
    all.sort_by(f64::total_cmp);
    Ok((first, all))
}

async fn timing() -> Outcome<[Figure; 2]> {
    let (first, all) = errors(Duration::from_micros(1100)).await?;
    let first = Figure::new(
        "100 streams: error of the first token, p95",
        quantile(&first, 0.95),
        "ms",
        Bound::Most(3.0),
    );
    let every = Figure::new(
        "100 streams: error of every token, p95",
        quantile(&all, 0.95),
        "ms",
        Bound::Most(3.0),
    );
    // In lock-step all tokens are due at one instant, and this client reads them one by one:
    // printed without a bound, since it measures the two of them together.
    let (_, all) = errors(Duration::ZERO).await?;
    let (median, p95) = (quantile(&all, 0.5), quantile(&all, 0.95));
    println!("the same in lock-step: median {median:.2} ms, p95 {p95:.2} ms");
    Ok([first, every])
}

async fn idle_streams() -> Outcome<Figure> {
    const COUNT: usize = 10_000;
    let server = Server::start(&[])?;
    let request = post(
        server.http,
        "/mock/ttft=1,tpot=3600000,tokens=100",
        "",
        STREAM,
    );
    let mut open = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let mut stream = connect(server.http).await?.into_inner();
        stream.write_all(request.as_bytes()).await?;
        open.push(stream);
    }
    let mut block = vec![0; 4096];
    for stream in &mut open {
        // The head and the first event: from here on the stream is idle.
        if stream.read(&mut block).await? == 0 {
            return Err("a stream ended".into());
        }
    }
    Ok(Figure::new(
        "10,000 idle streams: resident memory",
        server.resident_mb()?,
        "MB",
        Bound::Most(300.0),
    ))
}

/// Latencies in ms of `count` requests at 1000 a second, over 50 kept connections.
async fn latencies(address: SocketAddr, request: String, count: u32) -> Outcome<Vec<f64>> {
    const CONNECTIONS: u32 = 50;
    let start = Instant::now() + Duration::from_millis(20);
    let workers = (0..CONNECTIONS).map(|worker| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut stream = connect(address).await?.into_inner();
            let (mut found, mut block) = (Vec::new(), vec![0; 8192]);
            for number in (worker..count).step_by(CONNECTIONS as usize) {
                tokio::time::sleep_until(start + Duration::from_millis(number.into())).await;
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await?;
                let mut bytes = Vec::new();
                while !bytes.ends_with(b"}") {
                    match stream.read(&mut block).await? {
                        0 => return Err("the connection ended".into()),
                        n => bytes.extend_from_slice(&block[..n]),
                    }
                }
                if !bytes.starts_with(b"HTTP/1.1 200") {
                    return Err(String::from_utf8_lossy(&bytes).into_owned().into());
                }
                found.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            Outcome::Ok(found)
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await??);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

async fn get_text(address: SocketAddr, path: &str) -> Outcome<String> {
    let mut stream = connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

/// A proxy in front of `mock`, and the header line with its token.
async fn proxy_to(mock: &Server, spec: &str) -> Outcome<(Server, String)> {
    let upstream = format!("up=http://{}/mock/{spec}", mock.http);
    let proxy = Server::start(&[
        "--upstream",
        &upstream,
        "--spend-calls",
        "1000000",
        "--spend-tokens",
        "1000000000",
    ])?;
    let session = get_text(proxy.http, "/server.json").await?;
    let token = session
        .split("\"token\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let line = format!("x-kneepoint-token: {}\r\n", token.ok_or("no token")?);
    Ok((proxy, line))
}

async fn proxy_latency() -> Outcome<Figure> {
    let mock = Server::start(&[])?;
    let (proxy, line) = proxy_to(&mock, "instant").await?;
    let direct = post(mock.http, "/mock/instant", "", PLAIN);
    let proxied = post(proxy.http, "/proxy/up", &line, PLAIN);
    // In turn, so that both meet the same weather.
    let (mut without, mut with, mut medians) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let direct = latencies(mock.http, direct.clone(), 3000).await?;
        let proxied = latencies(proxy.http, proxied.clone(), 3000).await?;
        medians.push(quantile(&proxied, 0.5) - quantile(&direct, 0.5));
        without.push(quantile(&direct, 0.99));
        with.push(quantile(&proxied, 0.99));
    }
    medians.sort_by(f64::total_cmp);
    without.sort_by(f64::total_cmp);
    with.sort_by(f64::total_cmp);
    println!("direct p99 {without:.2?} ms, through the proxy {with:.2?} ms");
    println!("added to the median: {medians:.2?} ms");
    Ok(Figure::new(
        "proxy at 1000 requests/s: added to p99 (median of 5)",
        with[2] - without[2],
        "ms",
        Bound::Most(1.0),
    ))
}

async fn abort() -> Outcome<Figure> {
    let mock = Server::start(&[])?;
    let spec = "ttft=3600000";
    let (proxy, line) = proxy_to(&mock, spec).await?;
    let stats = format!("/mock/{spec}/stats");
    let mut worst: f64 = 0.0;
    for round in 1..=50 {
        let mut stream = connect(proxy.http).await?;
        stream
            .write_all(post(proxy.http, "/proxy/up", &line, STREAM).as_bytes())
            .await?;
        while !get_text(mock.http, &stats)
            .await?
            .contains("\"in_flight\":1")
        {}
        let start = Instant::now();
        drop(stream);
        let aborted = format!("\"aborted\":{round},");
        while !get_text(mock.http, &stats).await?.contains(&aborted) {}
        worst = worst.max(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Figure::new(
        "abort through the proxy, seen upstream: worst of 50",
        worst,
        "ms",
        Bound::Most(50.0),
    ))
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let throughput = throughput::measure()?;
    let mut figures = runtime.block_on(async {
        let [first, every] = timing().await?;
        let others = [
            idle_streams().await?,
            proxy_latency().await?,
            abort().await?,
        ];
        Outcome::Ok([first, every].into_iter().chain(others).collect::<Vec<_>>())
    })?;
    figures.insert(0, throughput);
    let rows: Vec<_> = figures.iter().map(|figure| &figure.json).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join("server.json"),
        json!({ "rows": rows }).to_string(),
    )?;
    let beyond = figures.iter().filter(|figure| !figure.met).count();
    if beyond > 0 {
        return Err(format!(
            "{beyond} of {} figures are beyond their bounds",
            figures.len()
        )
        .into());
    }
    Ok(())
}
