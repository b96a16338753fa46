//! From what was typed to a job, or to what is wrong with it.

use kneepoint_bench::number;
use kneepoint_bench::plan::{Budget, Load, Plan, PromptSource, Slo};
use kneepoint_bench::{ladder, order};

use super::amount::{COUNT_MAX, milliseconds, whole};
use super::{Asking, Field, Form, Goal, Mode, Target};
use crate::message::{Endpoint, Job};

/// What is wrong with a field, in words that say what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: Field,
    /// The words.
    pub text: String,
}

/// Whatever is wrong with the form, in the order of the fields.
pub fn faults(form: &Form) -> Vec<Fault> {
    let mut reader = Reader::new(form);
    reader.everything();
    reader.faults
}

/// The job for a goal. `key` goes into it and nowhere else.
pub fn job(form: &Form, goal: Goal, key: &str) -> Result<Job, Vec<Fault>> {
    let mut reader = Reader::new(form);
    let (run, knee) = reader.everything();
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    let text = |field| Some(form.text(field).trim().to_owned()).filter(|text| !text.is_empty());
    let tokens = |field| whole(form.text(field)).unwrap_or_default() as u32;
    Ok(Job {
        endpoint: endpoint(form),
        key: Some(key.trim().to_owned()).filter(|key| !key.is_empty()),
        model: match form.target {
            Target::Simulated => form.preset.clone(),
            Target::Direct | Target::Proxy => form.text(Field::Model).trim().to_owned(),
        },
        prompt: match form.asking {
            Asking::Synthetic => PromptSource::Synthetic(tokens(Field::PromptTokens)),
            Asking::Shared => PromptSource::Shared {
                prefix: tokens(Field::SharedPrefix),
                suffix: tokens(Field::PromptTokens),
            },
            Asking::Text => PromptSource::Text(form.text(Field::Prompt).to_owned()),
            Asking::Lines => PromptSource::Lines(form.text(Field::Lines).to_owned()),
        },
        system: text(Field::System),
        nonce: form.nonce,
        max_tokens: whole(form.text(Field::MaxTokens)).map(|tokens| tokens as u32),
        stream: form.stream,
        retries: whole(form.text(Field::Retries)).map(|retries| retries as u32),
        timeout_ms: milliseconds(form.text(Field::Timeout)),
        plan: match goal {
            Goal::Run => run,
            Goal::Knee => knee,
        },
    })
}

fn endpoint(form: &Form) -> Endpoint {
    let dialect = form.dialect;
    match form.target {
        Target::Simulated => Endpoint::Simulated(form.preset.clone()),
        Target::Direct => Endpoint::Direct {
            base_url: form
                .text(Field::Url)
                .trim()
                .trim_end_matches('/')
                .to_owned(),
            dialect,
        },
        Target::Proxy => Endpoint::Proxy {
            name: form.upstream.clone(),
            dialect,
        },
    }
}

/// Whether an address goes on to a call, as the pages of many providers show it.
fn names_a_call(url: &str) -> bool {
    let url = url.trim_end_matches('/');
    url.ends_with("/completions") || url.ends_with("/messages")
}

/// Reads fields and notes what is wrong with them.
struct Reader<'a> {
    form: &'a Form,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    const fn new(form: &'a Form) -> Self {
        Self {
            form,
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, field: Field, text: &str) {
        self.faults.push(Fault {
            field,
            text: text.to_owned(),
        });
    }

    /// Reads everything, and so finds every fault.
    fn everything(&mut self) -> (Plan, Plan) {
        self.endpoint();
        self.prompts();
        let run = self.run();
        let knee = self.knee();
        order::by(&mut self.faults, |fault| f64::from(fault.field as u8));
        (run, knee)
    }

    fn endpoint(&mut self) {
        if self.form.target == Target::Direct {
            let url = self.form.text(Field::Url).trim();
            let scheme = ["https://", "http://"]
                .into_iter()
                .find_map(|scheme| url.strip_prefix(scheme));
            let host = scheme.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
            match host {
                None => self.fault(Field::Url, "begins with https:// or http://"),
                Some("") => self.fault(Field::Url, "a host is missing"),
                Some(host) if host.contains('@') => {
                    self.fault(Field::Url, "a key or password does not belong here");
                }
                Some(_) if url.contains(['?', '#']) => {
                    self.fault(Field::Url, "without ? and #");
                }
                Some(_)
                    if url
                        .chars()
                        .any(|one| one.is_whitespace() || one.is_control()) =>
                {
                    self.fault(Field::Url, "without spaces");
                }
                Some(_) if names_a_call(url) => {
                    self.fault(Field::Url, "no further than the version, such as /v1");
                }
                Some(_) => {}
            }
        }
        if self.form.target == Target::Proxy && self.form.upstream.is_empty() {
            self.fault(Field::Model, "no upstream is set up yet: see above");
        } else if self.form.target != Target::Simulated
            && self.form.text(Field::Model).trim().is_empty()
        {
            self.fault(Field::Model, "which model is to answer");
        }
    }

    fn prompts(&mut self) {
        let form = self.form;
        match form.asking {
            Asking::Text if form.text(Field::Prompt).trim().is_empty() => {
                self.fault(Field::Prompt, "something must be asked");
            }
            Asking::Lines => self.lines(),
            Asking::Synthetic | Asking::Shared => {
                self.tokens(Field::PromptTokens);
            }
            Asking::Text => {}
        }
        if form.asking == Asking::Shared {
            self.tokens(Field::SharedPrefix);
        }
        self.number(Field::MaxTokens, 1, 1_000_000);
        self.number(Field::Retries, 0, 100);
        self.time(Field::Timeout);
    }

    /// The size of a prompt, without which there is none.
    fn tokens(&mut self, field: Field) {
        if self.is_empty(field) {
            self.fault(field, "a whole number from 1");
        }
        self.number(field, 1, 1_000_000);
    }

    fn lines(&mut self) {
        let read = kneepoint_bench::plan::Prompts::from_jsonl("", self.form.text(Field::Lines));
        if let Err(error) = read {
            self.fault(Field::Lines, &error.to_string());
        }
    }

    fn run(&mut self) -> Plan {
        let load = self.load();
        let requests = self.number(Field::Requests, 1, 10_000_000);
        let duration_ms = self.time(Field::Duration);
        if requests.is_none() && duration_ms.is_none() && self.is_empty(Field::Requests) {
            self.fault(Field::Requests, "a number, or a duration below");
        }
        Plan {
            requests,
            duration_ms,
            warmup_requests: self.number(Field::Warmup, 0, 1_000_000),
            slo: self.slo(),
            budget: self.budget(),
            seed: self.seed(),
            ..Plan::new(load)
        }
    }

    fn load(&mut self) -> Load {
        let concurrency = self.number(Field::Concurrency, 1, 10_000).unwrap_or(1) as u32;
        if self.form.mode == Mode::Closed && self.is_empty(Field::Concurrency) {
            self.fault(Field::Concurrency, "a whole number from 1");
        }
        match self.form.mode {
            Mode::Closed => Load::Closed { concurrency },
            Mode::Constant => Load::Constant {
                rate: self.positive(Field::Rate),
            },
            Mode::Poisson => Load::Poisson {
                rate: self.positive(Field::Rate),
            },
            Mode::Gamma => Load::Gamma {
                rate: self.positive(Field::Rate),
                burstiness: self.positive(Field::Burstiness),
            },
            Mode::Ramp => Load::Ramp {
                from: self.positive(Field::RampFrom),
                to: self.positive(Field::RampTo),
                over_ms: self.time(Field::RampOver).unwrap_or_else(|| {
                    self.fault(Field::RampOver, "a time, such as 60s");
                    1
                }),
            },
        }
    }

    fn knee(&mut self) -> Plan {
        let usual = ladder::Options::default();
        let mut seconds = |field, usual| {
            let found = self.time(field);
            found.map_or(usual, |found| found as f64 / 1000.0)
        };
        let window_min_s = seconds(Field::Window, usual.window_min_s);
        let window_max_s = seconds(Field::WindowMax, usual.window_max_s);
        let settle_s = seconds(Field::Settle, usual.settle_s);
        let total_s = seconds(Field::Total, usual.total_s);
        let (verify_s, recover_s) = patience(window_min_s);
        let options = ladder::Options {
            first: self.number(Field::First, 1, 10_000).unwrap_or(1) as u32,
            max: self.number(Field::Max, 1, 10_000).unwrap_or(64) as u32,
            window_min_s,
            window_max_s,
            settle_s,
            total_s,
            completions_min: self
                .number(Field::Completions, 1, 1_000_000)
                .unwrap_or(usual.completions_min),
            verify_s,
            recover_s,
            repeat: self.form.repeat,
            // The simulated endpoint shares this machine with the browser, which is late now and then;
            // that is noted at each rung and no reason to end.
            stop_client_bound: self.form.target != Target::Simulated,
            ..usual
        };
        let is_wrong = |field| self.faults.iter().any(|fault| fault.field == field);
        let windows_are_read = !is_wrong(Field::Window) && !is_wrong(Field::WindowMax);
        let ends_are_read = !is_wrong(Field::First) && !is_wrong(Field::Max);
        if ends_are_read && options.first > options.max {
            self.fault(Field::Max, "no less than where it begins");
        }
        if windows_are_read && window_max_s < window_min_s {
            self.fault(Field::WindowMax, "no shorter than the shortest window");
        }
        Plan {
            slo: self.slo(),
            budget: self.budget(),
            seed: self.seed(),
            ..Plan::new(Load::Ladder(options))
        }
    }

    fn slo(&mut self) -> Option<Slo> {
        let mut ms = |field| (!self.is_empty(field)).then(|| self.positive(field));
        let slo = Slo {
            ttft_ms: ms(Field::SloTtft),
            tpot_ms: ms(Field::SloTpot),
            e2e_ms: ms(Field::SloE2e),
        };
        (slo != Slo::default()).then_some(slo)
    }

    fn budget(&mut self) -> Budget {
        Budget {
            requests: self.number(Field::BudgetRequests, 1, COUNT_MAX),
            tokens: self.number(Field::BudgetTokens, 1, COUNT_MAX),
            ..Budget::NONE
        }
    }

    fn seed(&mut self) -> u64 {
        self.number(Field::Seed, 0, COUNT_MAX).unwrap_or(1)
    }

    fn is_empty(&self, field: Field) -> bool {
        self.form.text(field).trim().is_empty()
    }

    /// A whole number within bounds; none where the field is empty.
    fn number(&mut self, field: Field, least: u64, most: u64) -> Option<u64> {
        if self.is_empty(field) {
            return None;
        }
        let found = whole(self.form.text(field)).filter(|value| (least..=most).contains(value));
        if found.is_none() {
            let most = number::count(most);
            self.once(field, &format!("a whole number from {least} to {most}"));
        }
        found
    }

    fn positive(&mut self, field: Field) -> f64 {
        let found = number::read(self.form.text(field));
        let found = found.filter(|value| *value > 0.0 && value.is_finite());
        found.unwrap_or_else(|| {
            self.once(field, "a plain number above 0, such as 2.5");
            1.0
        })
    }

    /// A time in milliseconds; none where the field is empty.
    fn time(&mut self, field: Field) -> Option<u64> {
        if self.is_empty(field) {
            return None;
        }
        let found = milliseconds(self.form.text(field));
        if found.is_none() {
            self.once(field, "a time up to a day, such as 30s, 5m or 200ms");
        }
        found
    }

    /// A field that two plans read is wrong once.
    fn once(&mut self, field: Field, text: &str) {
        if !self.faults.iter().any(|fault| fault.field == field) {
            self.fault(field, text);
        }
    }
}

/// For how many seconds a limit is verified, and waited for before: a short window is for a server whose
/// limits heal as quickly.
pub(super) fn patience(window_min_s: f64) -> (f64, f64) {
    let usual = ladder::Options::default();
    let at_most = window_min_s * 10.0;
    (usual.verify_s.min(at_most), usual.recover_s.min(at_most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(Field, &str)]) -> Form {
        let mut form = Form::default();
        for (field, text) in changes {
            form.set(*field, text);
        }
        form
    }

    #[test]
    fn the_form_at_first_sight_is_a_run_and_a_climb() {
        let form = Form::default();
        assert_eq!(faults(&form), []);
        let run = job(&form, Goal::Run, "").expect("no faults");
        assert_eq!(run.plan.load, Load::Closed { concurrency: 64 });
        assert_eq!((run.plan.requests, run.key), (Some(500), None));
        assert_eq!(run.plan.check(), Ok(()));
        let knee = job(&form, Goal::Knee, "").expect("no faults");
        let Load::Ladder(options) = &knee.plan.load else {
            panic!("a ladder");
        };
        assert_eq!(
            (options.max, options.window_min_s, options.check()),
            (128, 1.5, Ok(()))
        );
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is_wrong() {
        #[rustfmt::skip]
        let cases = [
            (Field::Requests,       "none"),
            (Field::Requests,       ""),
            (Field::Requests,       "0"),
            (Field::Concurrency,    "100000"),
            (Field::Concurrency,    ""),
            (Field::MaxTokens,      "0"),
            (Field::Retries,        "-1"),
            (Field::Timeout,        "soon"),
            (Field::SloTtft,        "fast"),
            (Field::BudgetTokens,   "all"),
            (Field::PromptTokens,   "x"),
            (Field::PromptTokens,   ""),
            (Field::First,          "0"),
            (Field::Window,         "?"),
            (Field::WindowMax,      "1s"),   // less than the shortest
            (Field::Seed,           "a"),
            (Field::Seed,           "2000000M"),  // what a terminal refuses
            (Field::Duration,       "25h"),
        ];
        for (field, text) in cases {
            let found = faults(&with(&[(field, text)]));
            let fields: Vec<Field> = found.iter().map(|fault| fault.field).collect();
            assert_eq!(fields, [field], "{text:?} in {field:?}");
        }
        assert_eq!(
            faults(&with(&[(Field::Requests, ""), (Field::Duration, "30s")])),
            []
        );
    }

    #[test]
    fn an_address_is_checked_and_never_holds_a_secret() {
        #[rustfmt::skip]
        let cases = [
            ("https://llm.example/v1",           true),
            ("http://127.0.0.1:8000/v1/",        true),
            ("llm.example/v1",                   false),
            ("https://",                         false),
            ("https://me:secret@llm.example/v1", false),
            ("https://llm.example/v1?key=1",     false),
            ("https://llm example/v1",           false),
            ("https://llm.example/v1/messages/", false),
            ("https://llm.example/v1/chat/completions", false),
        ];
        for (url, good) in cases {
            let mut form = with(&[(Field::Url, url), (Field::Model, "m")]);
            form.retarget(Target::Direct);
            assert_eq!(faults(&form).is_empty(), good, "{url}");
        }
    }

    #[test]
    fn a_proxy_without_an_upstream_is_not_asked() {
        let mut form = with(&[(Field::Model, "m")]);
        form.retarget(Target::Proxy);
        assert_eq!(faults(&form).len(), 1);
        form.upstream = "mine".to_owned();
        assert_eq!(faults(&form), []);
    }

    #[test]
    fn a_key_goes_into_the_job_and_a_slash_goes() {
        let mut form = with(&[(Field::Url, "https://llm.example/v1/"), (Field::Model, "m")]);
        form.retarget(Target::Direct);
        let found = job(&form, Goal::Run, " sk-1 ").expect("no faults");
        assert_eq!(found.key.as_deref(), Some("sk-1"));
        let Endpoint::Direct { base_url, .. } = found.endpoint else {
            panic!("direct");
        };
        assert_eq!(base_url, "https://llm.example/v1");
    }
}
