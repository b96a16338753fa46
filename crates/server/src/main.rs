//! The command: reads its arguments, starts the server, says where it listens, waits for signals.

#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::process::ExitCode;

use kneepoint_server::args::{self, Args, Command};
use kneepoint_server::{Server, start};
use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix;
#[cfg(windows)]
use tokio::signal::windows;

/// The simulated endpoint allocates for each request; see the workspace's manifest.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("kneepoint-server: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let args = match args::parse(arguments()?)? {
        Command::Run(args) => args,
        Command::Help => {
            print(args::HELP);
            return Ok(());
        }
        Command::Version => {
            print(concat!(
                "kneepoint-server ",
                env!("CARGO_PKG_VERSION"),
                "\n"
            ));
            return Ok(());
        }
    };
    runtime(args.threads)?.block_on(serve(&args))
}

fn arguments() -> Result<Vec<String>, String> {
    let text = |argument: std::ffi::OsString| {
        argument
            .into_string()
            .map_err(|argument| format!("{} is not UTF-8", argument.display()))
    };
    std::env::args_os().skip(1).map(text).collect()
}

/// One thread needs no thread to hand work to, which is also the fastest on one core.
fn runtime(threads: usize) -> Result<Runtime, String> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))
}

/// What ends the server: Ctrl-C, and what a manager of processes sends.
#[cfg(unix)]
fn signals() -> io::Result<(unix::Signal, unix::Signal)> {
    let terminate = unix::signal(unix::SignalKind::terminate())?;
    Ok((unix::signal(unix::SignalKind::interrupt())?, terminate))
}

/// What ends the server: Ctrl-C, and Ctrl-Break.
#[cfg(windows)]
fn signals() -> io::Result<(windows::CtrlC, windows::CtrlBreak)> {
    Ok((windows::ctrl_c()?, windows::ctrl_break()?))
}

async fn serve(args: &Args) -> Result<(), String> {
    let (mut interrupt, mut terminate) =
        signals().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let server = start(args, |name| std::env::var(name).ok())?;
    announce(&server);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::select! {
        () = server.stop() => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// What scripts wait for and read: one line per address, then `ready`.
fn announce(server: &Server) {
    let mut lines = vec![format!("listening http://{}", server.http)];
    if let (Some(https), Some(spki)) = (server.https, &server.spki) {
        lines.push(format!("listening https://{https} spki-sha256={spki}"));
    }
    lines.push(format!("redirect target http://{}", server.redirect));
    if !server.has_page {
        let why = "no page: none is built into this binary and no --page DIR was given";
        lines.push(why.to_owned());
    }
    lines.push("ready\n".to_owned());
    print(&lines.join("\n"));
}

/// Prints and flushes; a reader that has gone away is no reason to fail.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
