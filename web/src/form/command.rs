//! The same run as a line for a terminal.

use kneepoint_bench::ladder::Options;
use kneepoint_bench::number;

use super::amount::{milliseconds, whole};
use super::read::patience;
use super::{Asking, Field, Form, Goal, Mode, Target};
use crate::message::Dialect;

/// The command line that does what a press would do, on a page from `origin`. It never holds a key:
/// that comes from the environment.
pub fn command(form: &Form, goal: Goal, origin: &str) -> String {
    let mut line = Line::default();
    line.word(match goal {
        Goal::Run => "npx kneepoint bench",
        Goal::Knee => "npx kneepoint knee",
    });
    endpoint(&mut line, form, origin);
    prompts(&mut line, form);
    match goal {
        Goal::Run => run(&mut line, form),
        Goal::Knee => knee(&mut line, form),
    }
    limits(&mut line, form);
    line.0
}

#[derive(Default)]
struct Line(String);

impl Line {
    fn word(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    fn flag(&mut self, flag: &str, value: &str) {
        self.word(flag);
        // A word of its own would be taken for the next flag.
        self.0.push(if value.starts_with('-') { '=' } else { ' ' });
        self.0.push_str(&quoted(value));
    }

    /// A flag, unless the field is empty or says what is usual.
    fn field(&mut self, flag: &str, form: &Form, field: Field, usual: &str) {
        let text = form.text(field).trim();
        if !text.is_empty() && text != usual {
            self.flag(flag, text);
        }
    }

    /// The same of a number, written without separators.
    fn number(&mut self, flag: &str, form: &Form, field: Field, usual: &str) {
        if let Some(number) = whole(form.text(field)) {
            let text = number.to_string();
            if text != usual {
                self.flag(flag, &text);
            }
        }
    }

    /// The same of a time.
    fn time(&mut self, flag: &str, form: &Form, field: Field, usual: &str) {
        if let Some(text) = time(form, field)
            && text != usual
        {
            self.flag(flag, &text);
        }
    }
}

/// A field's time with its unit, which on the page may be left out.
fn time(form: &Form, field: Field) -> Option<String> {
    milliseconds(form.text(field)).map(|ms| match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    })
}

/// A word that a POSIX shell takes as it stands.
fn quoted(text: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=,@%+".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn endpoint(line: &mut Line, form: &Form, origin: &str) {
    match form.target {
        Target::Simulated => {
            line.flag("--url", &format!("{origin}/mock/{}/v1", form.preset));
            line.flag("--model", &form.preset);
            return;
        }
        Target::Direct => line.flag("--url", form.text(Field::Url).trim()),
        // The command line asks the proxy itself for what it wants in the place of a key.
        Target::Proxy => line.flag("--url", &format!("{origin}/proxy/{}/v1", form.upstream)),
    }
    if form.dialect == Dialect::Anthropic {
        line.flag("--provider", "anthropic");
    }
    line.flag("--model", form.text(Field::Model).trim());
}

fn prompts(line: &mut Line, form: &Form) {
    match form.asking {
        Asking::Synthetic => line.number("--prompt-tokens", form, Field::PromptTokens, ""),
        Asking::Shared => {
            line.number("--prompt-tokens", form, Field::PromptTokens, "");
            line.number("--shared-prefix", form, Field::SharedPrefix, "");
        }
        Asking::Text => line.flag("--prompt", form.text(Field::Prompt).trim()),
        Asking::Lines => line.flag("--prompt-file", "prompts.jsonl"),
    }
    line.field("--system", form, Field::System, "");
    line.word(if form.nonce { "--nonce" } else { "--no-nonce" });
    line.number("--max-tokens", form, Field::MaxTokens, "");
    if !form.stream {
        line.word("--no-stream");
    }
    line.time("--timeout", form, Field::Timeout, "600s");
}

fn run(line: &mut Line, form: &Form) {
    line.number("-n", form, Field::Requests, "");
    let rate = |line: &mut Line| line.field("--rate", form, Field::Rate, "");
    match form.mode {
        Mode::Closed => line.number("-c", form, Field::Concurrency, "1"),
        Mode::Constant => rate(line),
        Mode::Poisson => {
            rate(line);
            line.word("--poisson");
        }
        Mode::Gamma => {
            rate(line);
            line.field("--gamma", form, Field::Burstiness, "");
        }
        Mode::Ramp => {
            let [from, to] = [Field::RampFrom, Field::RampTo].map(|field| form.text(field).trim());
            let over = time(form, Field::RampOver).unwrap_or_default();
            line.flag("--ramp", &format!("{from}:{to}:{over}"));
        }
    }
    line.time("--duration", form, Field::Duration, "");
    line.number("--warmup", form, Field::Warmup, "0");
    line.number("--max-retries", form, Field::Retries, "");
}

fn knee(line: &mut Line, form: &Form) {
    line.number("--first", form, Field::First, "1");
    line.number("--max", form, Field::Max, "");
    line.time("--window", form, Field::Window, "6s");
    line.time("--total", form, Field::Total, "600s");
    let seconds = |field| milliseconds(form.text(field)).map(|ms| ms as f64 / 1000.0);
    let usual = Options::default();
    let others = [
        ("window_max_s", Field::WindowMax, usual.window_max_s),
        ("settle_s", Field::Settle, usual.settle_s),
    ];
    for (name, field, usual) in others {
        if let Some(found) = seconds(field).filter(|found| (found - usual).abs() > 1e-9) {
            line.flag("--ladder", &format!("{name}={found}"));
        }
    }
    if let Some(found) =
        whole(form.text(Field::Completions)).filter(|n| *n != usual.completions_min)
    {
        line.flag("--ladder", &format!("completions_min={found}"));
    }
    let (verify_s, recover_s) = patience(seconds(Field::Window).unwrap_or(usual.window_min_s));
    for (name, found, usual) in [
        ("verify_s", verify_s, usual.verify_s),
        ("recover_s", recover_s, usual.recover_s),
    ] {
        if found < usual {
            line.flag("--ladder", &format!("{name}={found}"));
        }
    }
    if !form.repeat {
        line.flag("--ladder", "repeat=false");
    }
    if form.target == Target::Simulated {
        line.flag("--ladder", "stop_client_bound=false");
    }
}

fn limits(line: &mut Line, form: &Form) {
    let objectives = [
        ("ttft", Field::SloTtft),
        ("tpot", Field::SloTpot),
        ("e2e", Field::SloE2e),
    ];
    for (name, field) in objectives {
        if let Some(ms) = number::read(form.text(field)) {
            line.flag("--slo", &format!("{name}<{ms}ms"));
        }
    }
    let bounds = [
        ("requests", Field::BudgetRequests),
        ("tokens", Field::BudgetTokens),
    ];
    for (name, field) in bounds {
        if let Some(bound) = whole(form.text(field)) {
            line.flag("--budget", &format!("{name}={bound}"));
        }
    }
    line.number("--seed", form, Field::Seed, "1");
}

#[cfg(test)]
mod tests {
    use kneepoint_bench::plan::Load;

    use super::super::job;
    use super::*;

    #[test]
    fn the_form_at_first_sight_is_a_line_to_copy() {
        let form = Form::default();
        assert_eq!(
            command(&form, Goal::Run, "http://127.0.0.1:8088"),
            "npx kneepoint bench --url http://127.0.0.1:8088/mock/gpu32/v1 --model gpu32 \
             --prompt-tokens 64 --nonce --max-tokens 100 -n 500 -c 64"
        );
        assert_eq!(
            command(&form, Goal::Knee, "http://h"),
            "npx kneepoint knee --url http://h/mock/gpu32/v1 --model gpu32 --prompt-tokens 64 \
             --nonce --max-tokens 100 --max 128 --window 1500ms --total 120s \
             --ladder window_max_s=3 --ladder settle_s=3 --ladder completions_min=10 \
             --ladder verify_s=15 --ladder recover_s=15 --ladder stop_client_bound=false"
        );
    }

    #[test]
    fn a_short_window_makes_the_line_wait_as_briefly_as_the_page() {
        let mut form = Form::default();
        form.set(Field::WindowMax, "40s");
        for (window, expected) in [
            ("2s", vec!["verify_s=20", "recover_s=20"]),
            ("6.2s", vec!["recover_s=62"]),
            ("7s", vec![]),
            ("", vec!["recover_s=60"]),
        ] {
            form.set(Field::Window, window);
            let line = command(&form, Goal::Knee, "http://h");
            let found: Vec<_> = line
                .split(' ')
                .filter(|word| word.starts_with("verify_s") || word.starts_with("recover_s"))
                .collect();
            assert_eq!(found, expected, "{window}");
            let job = job(&form, Goal::Knee, "").expect("no faults");
            let Load::Ladder(options) = &job.plan.load else {
                panic!("a ladder");
            };
            for (name, value) in [
                ("verify_s", options.verify_s),
                ("recover_s", options.recover_s),
            ] {
                let is_said = found.contains(&format!("{name}={value}").as_str());
                assert!(is_said || value >= 60.0, "{window}: {name}={value}");
            }
        }
    }

    #[test]
    fn what_goes_through_the_proxy_does_so_from_a_terminal_too() {
        let mut form = Form::default();
        form.retarget(Target::Proxy);
        form.upstream = "mine".to_owned();
        form.set(Field::Model, "small");
        let line = command(&form, Goal::Run, "http://127.0.0.1:8088");
        let expected = "--url http://127.0.0.1:8088/proxy/mine/v1 --model small ";
        assert!(line.contains(expected), "{line}");
    }

    #[test]
    fn what_a_shell_would_read_is_quoted() {
        let mut form = Form::default();
        form.retarget(Target::Direct);
        form.dialect = Dialect::Anthropic;
        form.asking = Asking::Text;
        form.mode = Mode::Gamma;
        for (field, text) in [
            (Field::Url, "https://llm.example/v1"),
            (Field::Model, "big model; rm -rf"),
            (Field::Prompt, "it's $HOME"),
            (Field::Requests, "1,000"),
            (Field::SloTtft, "500"),
            (Field::Retries, "0"),
        ] {
            form.set(field, text);
        }
        assert_eq!(
            command(&form, Goal::Run, ""),
            "npx kneepoint bench --url https://llm.example/v1 --provider anthropic \
             --model 'big model; rm -rf' --prompt 'it'\\''s $HOME' --nonce --max-tokens 100 \
             -n 1000 --rate 20 --gamma 0.5 --max-retries 0 --slo 'ttft<500ms'"
        );
    }

    #[test]
    fn what_the_page_understands_is_written_as_the_command_line_does() {
        let mut form = Form::default();
        (form.asking, form.mode) = (Asking::Text, Mode::Ramp);
        for (field, text) in [
            (Field::Prompt, "--verbose, what is that?"),
            (Field::RampOver, "1.5"),
            (Field::SloTtft, ".5"),
            (Field::System, "Be brief."),
            (Field::Warmup, "0"),
        ] {
            form.set(field, text);
        }
        let line = command(&form, Goal::Run, "");
        for words in [
            "--prompt='--verbose, what is that?'",
            "--system 'Be brief.'",
            "--ramp 1:50:1500ms",
            "--slo 'ttft<0.5ms'",
        ] {
            assert!(line.contains(words), "{words}: {line}");
        }
        assert!(!line.contains("--warmup"), "{line}");
    }
}
