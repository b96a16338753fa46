//! `cargo xtask`: set-up, checks, tests and measurements of this repository.
//!
//! This file knows the commands; each has a module that does its work.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod checks;
mod ci;
mod demo;
mod failure;
mod fuzz;
mod npm;
mod page;
mod parts;
mod repo;
mod server;
mod setup;
mod shell;
mod soak;
mod test;
mod tidy;
mod wasm;

use std::process::ExitCode;

use args::{Args, Flag, Takes, choose};
use failure::{Failure, Result};
use repo::Repo;

/// A command of `cargo xtask`.
struct Command {
    name: &'static str,
    about: &'static str,
    /// What a plain word after the name means, if one may stand there.
    word: Option<&'static str>,
    flags: &'static [Flag],
    run: fn(&Repo, &Args) -> Result,
}

static COMMANDS: [Command; 13] = [
    Command {
        name: "setup",
        about: "Install what the other commands need and this machine lacks",
        word: None,
        flags: &[Flag {
            name: "--only",
            takes: Takes::Many,
            value: "THING…",
            about: "some of: wasm-target, node, npm, wasm-bindgen, trunk, chromium, firefox, redis, python, cargo-fuzz, oha (only when named)",
        }],
        run: setup::command,
    },
    Command {
        name: "test",
        about: "Set up what is missing, then run all checks and all tests",
        word: None,
        flags: &[
            Flag {
                name: "--fast",
                takes: Takes::Nothing,
                value: "",
                about: "leave out what runs in browsers and other runtimes",
            },
            Flag {
                name: "--family",
                takes: Takes::Many,
                value: "NAME…",
                about: "some of: checks, native, wasm-node, wasm-browser, peers, runtimes, packaging, redis, edge, cli, e2e",
            },
        ],
        run: test::command,
    },
    Command {
        name: "ci",
        about: "Run `test` in a fresh clone of the last commit",
        word: None,
        flags: &[Flag {
            name: "--cold",
            takes: Takes::Nothing,
            value: "",
            about: "build the tools there too, rather than using those installed here",
        }],
        run: ci::command,
    },
    Command {
        name: "fmt",
        about: "Format all Rust code",
        word: None,
        flags: &[Flag {
            name: "--check",
            takes: Takes::Nothing,
            value: "",
            about: "change nothing, fail when something is not formatted",
        }],
        run: checks::fmt_command,
    },
    Command {
        name: "lint",
        about: "Run clippy, native and wasm; warnings are errors",
        word: None,
        flags: &[],
        run: checks::lint_command,
    },
    Command {
        name: "doc",
        about: "Build the documentation, private items too; warnings are errors",
        word: None,
        flags: &[],
        run: checks::doc_command,
    },
    Command {
        name: "tidy",
        about: "Check names, leftovers, pinned versions and who imports whom",
        word: None,
        flags: &[],
        run: tidy::command,
    },
    Command {
        name: "demo",
        about: "Build the page and serve it with the simulated endpoint, until Ctrl-C",
        word: None,
        flags: &[Flag {
            name: "--upstream",
            takes: Takes::Many,
            value: "NAME=URL,…",
            about: "endpoints for the proxy, as `kneepoint-server --help` describes them",
        }],
        run: demo::command,
    },
    Command {
        name: "npm",
        about: "Build the npm package into target/npm",
        word: None,
        flags: &[],
        run: npm::command,
    },
    Command {
        name: "page",
        about: "Build the page into dist, unless it is up to date",
        word: None,
        flags: &[],
        run: page::command,
    },
    Command {
        name: "bench",
        about: "Measure us beside our peers; without a group, list the groups",
        word: Some("GROUP"),
        flags: &[Flag {
            name: "--runs",
            takes: Takes::One,
            value: "N",
            about: "rounds, in each of which everyone works once (default 15)",
        }],
        run: bench::command,
    },
    Command {
        name: "fuzz",
        about: "Run each fuzz target for some seconds (default 60)",
        word: Some("SECONDS"),
        flags: &[Flag {
            name: "--target",
            takes: Takes::Many,
            value: "NAME…",
            about: "some of: client, delta, hints, sse",
        }],
        run: fuzz::command,
    },
    Command {
        name: "soak",
        about: "Send many requests, faults among them (default 1,000,000): none lost, nothing left",
        word: Some("CALLS"),
        flags: &[],
        run: soak::command,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.text());
            failure.status()
        }
    }
}

fn dispatch(words: &[String]) -> Result {
    let asks_for_help = |word: &String| ["--help", "-h", "help"].contains(&word.as_str());
    let Some((name, rest)) = words.split_first().filter(|(name, _)| !asks_for_help(name)) else {
        println!("{}", help(&COMMANDS));
        return Ok(());
    };
    let command =
        choose("command", name, &COMMANDS, |command| command.name).map_err(Failure::Usage)?;
    if rest.iter().any(asks_for_help) {
        println!("{}", help(std::slice::from_ref(command)));
        return Ok(());
    }
    let words_max = usize::from(command.word.is_some());
    let args = Args::parse(rest, command.flags, words_max)
        .map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    (command.run)(&Repo::open()?, &args)
}

fn help(commands: &[Command]) -> String {
    let mut lines = vec![
        "Usage: cargo xtask <command> [flags]".to_owned(),
        String::new(),
    ];
    for Command {
        name,
        about,
        word,
        flags,
        ..
    } in commands
    {
        let word = word.map(|word| format!(" [{word}]")).unwrap_or_default();
        lines.push(format!("  {:<25} {about}", format!("{name}{word}")));
        for Flag {
            name, value, about, ..
        } in *flags
        {
            lines.push(format!("    {:<23} {about}", format!("{name} {value}")));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch_line(line: &str) -> Result {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        dispatch(&words)
    }

    #[test]
    fn what_is_not_understood_is_a_usage_error() {
        #[rustfmt::skip]
        let cases = [
            ("tset", "unknown command `tset`; expected one of: setup, test, ci, fmt, lint, doc, tidy, demo, npm, page, bench, fuzz, soak"),
            ("test --slow", "test: unknown flag `--slow`; expected one of: --fast, --family"),
            ("lint --fix", "lint: unknown flag `--fix`; expected no flags"),
            ("tidy up", "tidy: unexpected `up`; expected no flags"),
        ];
        for (line, message) in cases {
            assert_eq!(
                dispatch_line(line),
                Err(Failure::Usage(message.to_owned())),
                "{line}"
            );
        }
    }

    #[test]
    fn the_help_names_every_command_and_flag() {
        let text = help(&COMMANDS);
        for command in &COMMANDS {
            assert!(
                text.contains(&format!("\n  {}", command.name)),
                "{}",
                command.name
            );
            assert!(
                command.flags.iter().all(|flag| text.contains(flag.name)),
                "{}",
                command.name
            );
        }
        let lists = |name: &str| {
            let flags = COMMANDS.iter().flat_map(|command| command.flags);
            let flag = flags.into_iter().find(|flag| flag.name == name);
            let names = flag.and_then(|flag| flag.about.strip_prefix("some of: "));
            let names = names.expect("it lists names").split(", ");
            names.map(|name| name.split(' ').next()).collect::<Vec<_>>()
        };
        for (flag, known) in [
            ("--family", test::families()),
            (
                "--only",
                setup::THINGS.iter().map(|thing| thing.name).collect(),
            ),
        ] {
            let mut missing = known
                .into_iter()
                .filter(|name| !lists(flag).contains(&Some(name)));
            assert_eq!(missing.next(), None, "{flag}");
        }
    }
}
