//! Running other programs: each is shown before it runs so that it can be repeated by hand, timed,
//! and named when it fails. Never goes through a shell.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};

/// Runs a command with its output passing through.
pub(crate) fn run(command: &mut Command) -> Result {
    println!("$ {}", show(command));
    let started = now();
    let status = command
        .status()
        .map_err(|error| not_started(command, &error))?;
    println!("  {}", seconds(started.elapsed()));
    if status.success() {
        Ok(())
    } else {
        Err(failed(command, &status.to_string()))
    }
}

/// Runs a command and takes out of its standard output the lines that `keep` wants; the others
/// pass through as they come. What was kept is there even when the command failed.
pub(crate) fn run_keeping(
    command: &mut Command,
    keep: impl Fn(&str) -> bool,
) -> (Vec<String>, Result) {
    println!("$ {}", show(command));
    let started = now();
    let mut kept = Vec::new();
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return (kept, Err(not_started(command, &error))),
    };
    if let Some(stdout) = child.stdout.take() {
        // Where a line was taken out, one blank line is enough.
        let mut after_blank = false;
        // Test programs may print bytes that are not UTF-8; they are shown as well as they can be.
        for line in BufReader::new(stdout)
            .split(b'\n')
            .map_while(std::io::Result::ok)
        {
            let line = String::from_utf8_lossy(&line);
            if keep(&line) {
                kept.push(line.trim_end().to_owned());
            } else if !(line.is_empty() && after_blank) {
                println!("{line}");
                after_blank = line.is_empty();
            }
        }
    }
    let status = child.wait().map_err(|error| not_started(command, &error));
    println!("  {}", seconds(started.elapsed()));
    let result = status.and_then(|status| {
        if status.success() {
            Ok(())
        } else {
            Err(failed(command, &status.to_string()))
        }
    });
    (kept, result)
}

/// What a command says on its standard output; its errors pass through.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        return Err(failed(command, &output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first line that a program answers, or nothing when it is not there or fails. Nothing is
/// shown: this is how the set-up looks around.
pub(crate) fn ask(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Where a program lies on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = [
        program.to_owned(),
        format!("{program}{}", std::env::consts::EXE_SUFFIX),
    ];
    std::env::split_paths(&path)
        .flat_map(|folder| {
            names
                .iter()
                .map(move |name| folder.join(name))
                .collect::<Vec<_>>()
        })
        .find(|file| file.is_file())
}

/// The command as one would type it, with the variables that are set for it. PATH is left out: it
/// is long, and only ever longer than the reader's own.
pub(crate) fn show(command: &Command) -> String {
    let folder = command
        .get_current_dir()
        .map(|dir| format!("cd {} &&", quote(dir.as_os_str())));
    let variables = command.get_envs().filter(|(name, _)| *name != "PATH");
    let variables = variables.filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.to_string_lossy(), quote(value)))
    });
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(quote);
    folder
        .into_iter()
        .chain(variables)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A length of time for people: `0.42 s`, `3.1 s`, `2 min 05 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{:.2} s", time.as_secs_f64()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

/// The time, for saying how long a command took; nothing is decided by it.
#[allow(
    clippy::disallowed_methods,
    reason = "the rule guards the client's code, not this program"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A path as it is best read: from the repository's root, where it lies below it.
pub(crate) fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn quote(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    if word.contains(char::is_control) {
        return format!("$'{}'", word.chars().map(escaped).collect::<String>());
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A character within `$'…'`, which bash and zsh know.
fn escaped(c: char) -> String {
    match c {
        '\\' | '\'' => format!("\\{c}"),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::work(format!("`{}` could not be started: {error}", show(command)))
}

fn failed(command: &Command, status: &str) -> Failure {
    Failure::work(format!("`{}` failed ({status})", show(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("cargo");
        command
            .args(["doc", "--", "it's"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .env("PATH", "/x");
        command.current_dir("tests").env_remove("CARGO");
        assert_eq!(
            show(&command),
            r"cd tests && RUSTDOCFLAGS='-D warnings' cargo doc -- 'it'\''s'"
        );
        let mut command = Command::new("cargo");
        command.env("FLAGS", "--cfg\u{1f}it's a\\b");
        assert_eq!(show(&command), r"FLAGS=$'--cfg\x1fit\'s a\\b' cargo");
    }

    #[test]
    fn times_are_told_with_as_many_digits_as_matter() {
        #[rustfmt::skip]
        let cases = [(423, "0.42 s"), (3_140, "3.1 s"), (59_000, "59.0 s"), (125_900, "2 min 05 s")];
        for (ms, text) in cases {
            assert_eq!(seconds(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn kept_lines_do_not_pass_through_and_a_failure_names_the_command() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo kept one; echo other; echo kept two; exit 3"]);
        let (kept, result) = run_keeping(&mut command, |line| line.starts_with("kept"));
        assert_eq!(kept, ["kept one", "kept two"]);
        let status = if cfg!(windows) {
            "exit code"
        } else {
            "exit status"
        };
        let told = result.unwrap_err();
        let told = told.text();
        assert!(told.ends_with(&format!("failed ({status}: 3)")), "{told}");
    }

    #[test]
    fn a_program_that_is_not_there_is_said_to_be_so() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(
            error
                .text()
                .starts_with("`no-such-program-here` could not be started")
        );
        assert_eq!(ask("no-such-program-here", &[]), None);
        assert_eq!(find("no-such-program-here"), None);
    }
}
