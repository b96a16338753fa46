//! A program that does its work whenever its turn comes.
//!
//! It prints `{"who":"…"}` once it is ready, with all that is hot compiled. For each line that it is
//! told it does the work once and prints `{"seconds":…}`, by its own clock. It ends with its input.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::shell::show;

pub(super) struct Player {
    /// What it calls itself.
    pub(super) who: String,
    shown: String,
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Player {
    /// Starts a program and waits until it is ready.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let shown = show(command);
        println!("$ {shown}");
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes
            .spawn()
            .map_err(|error| Failure::work(format!("`{shown}` did not start: {error}")))?;
        let input = child.stdin.take().expect("the input was asked for");
        let output = child.stdout.take().expect("the output was asked for");
        let mut player = Self {
            who: String::new(),
            shown,
            child,
            input,
            lines: BufReader::new(output).lines(),
        };
        player.who = player.answer("its \"who\"", |line| {
            line["who"].as_str().map(str::to_owned)
        })?;
        Ok(player)
    }

    /// Has it do the work once; answers the seconds.
    pub(super) fn turn(&mut self) -> Result<f64> {
        // Where it cannot be told, it has ended, and its silence is what is reported.
        let _ = self.input.write_all(b"\n");
        self.answer("its \"seconds\", above zero", |line| {
            line["seconds"].as_f64().filter(|seconds| *seconds > 0.0)
        })
    }

    /// Lets it end, and waits until it has.
    pub(super) fn leave(self) -> Result {
        let Self {
            shown,
            mut child,
            input,
            ..
        } = self;
        drop(input);
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::work(format!("`{shown}` failed: {status}"))),
            Err(error) => Err(Failure::work(format!("`{shown}`: {error}"))),
        }
    }

    fn answer<T>(&mut self, what: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<T> {
        let line = self.lines.next().and_then(std::io::Result::ok);
        let found = line.as_deref().unwrap_or("an end");
        let value = serde_json::from_str(found).ok().as_ref().and_then(read);
        value.ok_or_else(|| {
            Failure::work(format!("`{}` was to say {what}; found {found}", self.shown))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(script: &str) -> Result<Player> {
        Player::start(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_program_works_when_its_turn_comes() {
        let script =
            r#"echo '{"who":"a"}'; while read -r _; do n=$((n+1)); echo "{\"seconds\":$n}"; done"#;
        let mut player = player(script).unwrap();
        assert_eq!(player.who, "a");
        assert_eq!(player.turn(), Ok(1.0));
        assert_eq!(player.turn(), Ok(2.0));
        assert_eq!(player.leave(), Ok(()));
    }

    #[test]
    fn what_is_no_result_is_shown() {
        let said = |failure: Failure| failure.text().to_owned();
        for script in ["echo oops", r#"echo '{"seconds":1}'"#, "true"] {
            let text = said(player(script).err().unwrap());
            assert!(text.contains("was to say its \"who\"; found"), "{text}");
        }
        for seconds in ["0", "\\\"1\\\"", "x"] {
            let script = format!(
                "echo '{{\"who\":\"a\"}}'; read -r _; echo \"{{\\\"seconds\\\":{seconds}}}\""
            );
            let text = said(player(&script).unwrap().turn().unwrap_err());
            assert!(text.contains("above zero; found {"), "{text}");
        }
    }

    #[test]
    fn a_program_that_ends_early_or_badly_is_a_failure() {
        let mut player = player(r#"echo '{"who":"a"}'; exit 3"#).unwrap();
        assert!(player.turn().unwrap_err().text().ends_with("found an end"));
        let status = if cfg!(windows) {
            "exit code"
        } else {
            "exit status"
        };
        let told = player.leave().unwrap_err();
        assert!(told.text().contains(&format!("failed: {status}: 3")));
    }
}
