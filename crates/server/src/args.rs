//! The command line: pure parsing, and the text of `--help`.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Args {
    /// Address of plain HTTP; port 0 picks one. Default 127.0.0.1:8088.
    pub listen: SocketAddr,
    /// Address of HTTPS; none by default.
    pub tls_listen: Option<SocketAddr>,
    /// Directory of the page; by default the one that is built in.
    pub page: Option<PathBuf>,
    /// As written; read by `proxy::upstream`.
    pub upstreams: Vec<String>,
    /// Further host names under which this server is addressed.
    pub hosts: Vec<String>,
    /// Permits addresses that other machines reach. Default false.
    pub allow_remote: bool,
    /// Environment variable with the token that remote clients send.
    pub token_env: Option<String>,
    /// Calls that the proxy passes on per run. Default 10,000.
    pub spend_calls: u64,
    /// Tokens that the proxy lets be spent per run. Default 2,000,000.
    pub spend_tokens: u64,
    /// Seconds that an upstream may be silent, before its answer or within it. Default 600.
    pub upstream_silence_s: u64,
    /// Connections served at once, 1 to 1,000,000. Default 16,384.
    pub connections: usize,
    /// Worker threads, 1 to 256. Default 1.
    pub threads: usize,
    /// No line per proxied call. Default false.
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Run(Box<Args>),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

const THREADS_MAX: usize = 256;
const CONNECTIONS_MAX: usize = 1_000_000;
/// A day: no answer is worth waiting longer for.
const SILENCE_S_MAX: u64 = 86_400;

impl Default for Args {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8088)),
            tls_listen: None,
            page: None,
            upstreams: Vec::new(),
            hosts: Vec::new(),
            allow_remote: false,
            token_env: None,
            spend_calls: 10_000,
            spend_tokens: 2_000_000,
            upstream_silence_s: 600,
            connections: 16_384,
            threads: 1,
            quiet: false,
        }
    }
}

/// The text of `--help`.
pub const HELP: &str = "\
kneepoint-server: the Kneepoint page, a simulated LLM endpoint, and a proxy that holds your keys

Usage: kneepoint-server [OPTIONS]

Addresses (port 0 picks a free one; what was picked is printed):
  --listen ADDR         HTTP/1.1 [default: 127.0.0.1:8088]
  --tls-listen ADDR     HTTPS with HTTP/2, under a certificate made for this run [default: off]
  --allow-remote        permit addresses that other machines reach; needs --token-env
  --token-env VAR       the environment variable that holds the token such clients must send
  --host NAME           a further name under which this server is addressed; repeatable

Page:
  --page DIR            serve the page from DIR instead of the one built into this binary

Proxy, at /proxy/NAME/v1/... :
  --upstream NAME=URL[,key-env=VAR|key-file=PATH][,auth=bearer|x-api-key]
                        an endpoint to pass calls on to; repeatable. The key comes from the
                        environment, or from a file that only you can read (mode 600).
                        On Windows, which has no modes, that is not checked.
  --spend-calls N       refuse further calls after N [default: 10000]
  --spend-tokens N      refuse further calls after N tokens [default: 2000000]
  --upstream-silence S  give up an upstream that sends nothing for S seconds [default: 600]

Simulated endpoint, at /mock/SPEC/v1/... : always on; GET /mock/ lists the presets.
  for example  /mock/gpu32/v1/chat/completions
               /mock/ttft=200,tpot=10,tokens=100,slots=32,queue=64/v1/chat/completions

Other:
  --connections N       connections served at once; further ones get a 503 [default: 16384]
  --threads N           worker threads; one serves 100,000 requests/s, and hands nothing over
                        between cores [default: 1]
  --quiet               no line per proxied call
  --help, --version

Stops on Ctrl-C or SIGTERM after finishing what is under way; a second signal stops at once.
";

/// Reads the arguments after the program's name. The error is one line.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut args = Args::default();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let has_inline = inline.is_some();
        let mut value = || {
            inline
                .clone()
                .or_else(|| rest.next())
                .ok_or_else(|| format!("{flag} needs a value; see --help"))
        };
        match flag {
            "--listen" => args.listen = address(flag, &value()?)?,
            "--tls-listen" => args.tls_listen = Some(address(flag, &value()?)?),
            "--page" => args.page = Some(PathBuf::from(value()?)),
            "--upstream" => args.upstreams.push(value()?),
            "--host" => args.hosts.push(host(&value()?)?),
            "--token-env" => args.token_env = Some(value()?),
            "--spend-calls" => args.spend_calls = number(flag, &value()?)?,
            "--spend-tokens" => args.spend_tokens = number(flag, &value()?)?,
            "--upstream-silence" => {
                args.upstream_silence_s = between(flag, &value()?, &(1..=SILENCE_S_MAX))?;
            }
            "--connections" => args.connections = between(flag, &value()?, &(1..=CONNECTIONS_MAX))?,
            "--threads" => args.threads = between(flag, &value()?, &(1..=THREADS_MAX))?,
            switch @ ("--allow-remote" | "--quiet" | "--help" | "-h" | "--version" | "-V") => {
                if has_inline {
                    return Err(format!("{switch} takes no value"));
                }
                match switch {
                    "--allow-remote" => args.allow_remote = true,
                    "--quiet" => args.quiet = true,
                    "--help" | "-h" => return Ok(Command::Help),
                    _ => return Ok(Command::Version),
                }
            }
            // Only the name is repeated: a key may stand behind it by mistake.
            _ => return Err(format!("unknown argument `{flag}`; see --help")),
        }
    }
    check(&args)?;
    Ok(Command::Run(Box::new(args)))
}

/// What no flag can know alone: a port that others reach must be asked for, and locked.
fn check(args: &Args) -> Result<(), String> {
    let addresses = std::iter::once(args.listen).chain(args.tls_listen);
    for address in addresses.filter(|address| !address.ip().is_loopback()) {
        if !args.allow_remote {
            return Err(format!(
                "{address} can be reached by other machines: add --allow-remote and --token-env VAR, or listen on 127.0.0.1"
            ));
        }
    }
    if args.allow_remote && args.token_env.as_deref().unwrap_or_default().is_empty() {
        return Err(
            "--allow-remote: --token-env VAR is needed, which names the variable with the token"
                .to_owned(),
        );
    }
    Ok(())
}

fn address(flag: &str, text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{flag}: `{text}` is no address; expected for example 127.0.0.1:8088"))
}

fn number<T: FromStr>(flag: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{flag}: `{text}` is no whole number"))
}

fn between<T>(flag: &str, text: &str, bounds: &RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    let found = number(flag, text)?;
    if bounds.contains(&found) {
        return Ok(found);
    }
    let (least, most) = (bounds.start(), bounds.end());
    Err(format!("{flag}: expected {least} to {most}"))
}

fn host(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if !text.is_empty() && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "--host: `{text}` is no host name; give it without scheme and port"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_are_read_in_both_forms() {
        let line = "--listen 127.0.0.1:0 --tls-listen=[::1]:8443 --page dist --upstream a=http://x \
            --upstream=b=http://y,key-env=K --host box.lan --spend-calls 5 --spend-tokens 7 \
            --upstream-silence 9 --connections 20 --threads 3 --quiet";
        let expected = Args {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls_listen: Some("[::1]:8443".parse().expect("address")),
            page: Some(PathBuf::from("dist")),
            upstreams: vec!["a=http://x".to_owned(), "b=http://y,key-env=K".to_owned()],
            hosts: vec!["box.lan".to_owned()],
            spend_calls: 5,
            spend_tokens: 7,
            upstream_silence_s: 9,
            connections: 20,
            threads: 3,
            quiet: true,
            ..Args::default()
        };
        assert_eq!(run(line), Ok(Command::Run(Box::new(expected))));
        assert_eq!(run("--quiet --help"), Ok(Command::Help));
        assert_eq!(run("-V"), Ok(Command::Version));
    }

    #[test]
    fn what_is_wrong_is_one_line_that_names_it() {
        let cases = [
            ("--lisen 1", "`--lisen`"),
            ("extra", "`extra`"),
            ("--listen", "--listen needs a value"),
            ("--listen 8088", "`8088` is no address"),
            ("--threads 0", "1 to 256"),
            ("--connections 0", "1 to 1000000"),
            ("--upstream-silence 0", "1 to 86400"),
            ("--spend-calls many", "`many` is no whole number"),
            ("--quiet=yes", "takes no value"),
            ("--key=sk-1", "unknown argument `--key`"),
            ("--host http://x", "without scheme"),
            ("--listen 0.0.0.0:8088", "--allow-remote"),
            ("--listen 0.0.0.0:8088 --allow-remote", "--token-env VAR"),
            ("--allow-remote", "--token-env VAR"),
            ("--allow-remote --token-env=", "--token-env VAR"),
            ("--tls-listen [::]:8443", "--allow-remote"),
        ];
        for (line, expected) in cases {
            let message = run(line).expect_err(line);
            assert!(
                message.contains(expected) && !message.contains('\n'),
                "{line}: {message}"
            );
        }
        assert!(run("--listen 0.0.0.0:1 --allow-remote --token-env T").is_ok());
    }

    #[test]
    fn every_flag_is_in_the_help() {
        for flag in [
            "--listen",
            "--tls-listen",
            "--allow-remote",
            "--token-env",
            "--host",
            "--page",
            "--upstream",
            "--spend-calls",
            "--spend-tokens",
            "--upstream-silence",
            "--connections",
            "--threads",
            "--quiet",
            "--help",
            "--version",
        ] {
            assert!(HELP.contains(flag), "{flag}");
        }
    }
}
