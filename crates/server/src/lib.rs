//! The server: page host, simulated LLM endpoint, key-holding proxy.
//!
//! It imports nothing of ours: it speaks HTTP. [`start`] binds and serves; `main` only reads the
//! command line and waits for signals, so tests run the same server in their own process.

#![forbid(unsafe_code)]
#![allow(
    clippy::doc_markdown,
    reason = "OpenAI and its like are names, not code"
)]

mod app;
pub mod args;
mod body;
mod clock;
mod connection;
mod guard;
mod listen;
mod log;
mod mock;
mod page;
mod patience;
mod peer;
mod proxy;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use app::{App, RedirectTarget};
use args::Args;
use guard::Guard;
use listen::{Places, Stop};
use log::Log;
use mock::Mock;
use page::Page;
use proxy::{Proxy, Spend, upstream};

/// So long a stop waits for what is under way.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A server that is running. Dropping it stops accepting and lets connections end.
#[derive(Debug)]
pub struct Server {
    /// Where plain HTTP is served.
    pub http: SocketAddr,
    /// Where HTTPS is served, if asked for.
    pub https: Option<SocketAddr>,
    /// Base64 of the SHA-256 of the certificate's public key.
    pub spki: Option<String>,
    /// The port that simulated redirects point to.
    pub redirect: SocketAddr,
    /// Whether there is a page to serve.
    pub has_page: bool,
    stop: watch::Sender<bool>,
    done: mpsc::Receiver<()>,
}

/// The table of upstreams. A name stands for one of them.
fn upstreams(
    texts: &[String],
    env: impl Fn(&str) -> Option<String>,
) -> Result<Vec<upstream::Upstream>, String> {
    let mut table: Vec<upstream::Upstream> = Vec::new();
    for text in texts {
        let upstream = upstream::parse(text, &env)?;
        let name = &upstream.name;
        if table.iter().any(|other| other.name == *name) {
            return Err(format!("--upstream {name}: there are two of this name"));
        }
        table.push(upstream);
    }
    Ok(table)
}

/// Binds everything that `args` names and serves it on the current runtime. The error is one line
/// for the user; nothing is left running then.
pub fn start(args: &Args, env: impl Fn(&str) -> Option<String>) -> Result<Server, String> {
    clock::now();
    let page = match &args.page {
        Some(directory) => Page::load(directory)?,
        None => Page::embedded(),
    };
    let upstreams = upstreams(&args.upstreams, &env)?;
    let log = if args.quiet { Log::Off } else { Log::Stderr };
    let spend = Spend::new(args.spend_calls, args.spend_tokens);
    let silence = Duration::from_secs(args.upstream_silence_s);
    let proxy = Proxy::new(upstreams, spend, silence, log)?;
    let identity = args
        .tls_listen
        .map(|_| tls::identity(&args.hosts))
        .transpose()?;

    let address = |listener: &tokio::net::TcpListener| {
        listener
            .local_addr()
            .map_err(|error| format!("cannot read the bound address: {error}"))
    };
    let plain = listen::bind(args.listen)?;
    let encrypted = args.tls_listen.map(listen::bind).transpose()?;
    let trap = listen::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let (http, redirect) = (address(&plain)?, address(&trap)?);
    let https = encrypted.as_ref().map(address).transpose()?;

    let ports = std::iter::once(http.port())
        .chain(https.map(|https| https.port()))
        .collect();
    let mut names = args.hosts.clone();
    let addresses = std::iter::once(http)
        .chain(https)
        .map(|address| address.ip());
    names.extend(
        addresses
            .filter(|ip| !ip.is_unspecified())
            .map(|ip| match ip {
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            }),
    );
    let guard = if args.allow_remote {
        let variable = args.token_env.as_deref().unwrap_or_default();
        let token = env(variable).filter(|token| !token.is_empty());
        let token =
            token.ok_or_else(|| format!("--token-env: the environment has no {variable}"))?;
        Guard::remote(ports, &names, token)
    } else {
        Guard::local(ports, &names)?
    };

    let mock = Arc::new(Mock::new(redirect));
    let has_page = !page.is_empty();
    let app = Arc::new(App {
        mock: Arc::clone(&mock),
        proxy,
        page,
        guard,
        http: format!("http://{http}"),
        https: https.map(|https| format!("https://{https}")),
    });
    let (stop, signal) = watch::channel(false);
    let (alive, done) = mpsc::channel(1);
    let told = Stop {
        signal,
        done: alive,
    };
    let places = Places::new(args.connections);
    let spki = identity.as_ref().map(|identity| identity.spki.clone());
    if let (Some(listener), Some(identity)) = (encrypted, identity) {
        let tls = Some(listen::acceptor(&identity.config));
        tokio::spawn(listen::accept(
            listener,
            tls,
            Arc::clone(&app),
            places.clone(),
            told.clone(),
        ));
    }
    tokio::spawn(listen::accept(
        trap,
        None,
        RedirectTarget(mock),
        places.clone(),
        told.clone(),
    ));
    tokio::spawn(listen::accept(plain, None, app, places, told));
    Ok(Server {
        http,
        https,
        spki,
        redirect,
        has_page,
        stop,
        done,
    })
}

impl Server {
    /// Stops accepting, and waits (for ten seconds at most) until all connections have ended.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // Nothing is ever sent: the channel closes when the last connection drops its end.
        let _ = tokio::time::timeout(DRAIN_MAX, self.done.recv()).await;
    }
}
