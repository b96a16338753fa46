//! What is asked of the reader before a run, as it was typed. Pure: texts in, a job or faults out.

mod amount;
mod command;
mod estimate;
mod field;
mod read;

use crate::message::Dialect;

pub use command::command;
pub use estimate::{Estimate, estimate};
pub use field::Field;
pub use read::{Fault, faults, job};

/// What a press is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// One load, measured.
    #[default]
    Run,
    /// The ladder.
    Knee,
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// The simulated endpoint of the page's server.
    #[default]
    Simulated,
    /// An address.
    Direct,
    /// An upstream of the local proxy.
    Proxy,
}

/// What to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asking {
    /// Made-up prompts.
    #[default]
    Synthetic,
    /// Made-up prompts that begin alike.
    Shared,
    /// One text.
    Text,
    /// Lines of JSON.
    Lines,
}

/// When to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Slots that each send again when answered.
    #[default]
    Closed,
    /// At an even rate.
    Constant,
    /// At random.
    Poisson,
    /// In bursts.
    Gamma,
    /// At a rate that grows.
    Ramp,
}

/// Everything that was typed and chosen, but the key: that has a variable of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    texts: [String; Field::ALL.len()],
    /// Whom to ask.
    pub target: Target,
    /// The simulated endpoint's preset.
    pub preset: String,
    /// The proxy's upstream.
    pub upstream: String,
    /// Whose protocol the endpoint speaks.
    pub dialect: Dialect,
    /// What to ask.
    pub asking: Asking,
    /// When to send.
    pub mode: Mode,
    /// Whether answers are streamed.
    pub stream: bool,
    /// Whether each prompt begins differently.
    pub nonce: bool,
    /// Whether the ladder measures its lowest and its chosen rung again.
    pub repeat: bool,
}

impl Default for Form {
    fn default() -> Self {
        let mut form = Self {
            texts: Field::ALL.map(|field| field.default().to_owned()),
            target: Target::Simulated,
            preset: "gpu32".to_owned(),
            upstream: String::new(),
            dialect: Dialect::OpenAi,
            asking: Asking::Synthetic,
            mode: Mode::Closed,
            stream: true,
            nonce: true,
            repeat: true,
        };
        for (field, simulated, _) in field::BY_TARGET {
            form.set(field, simulated);
        }
        form
    }
}

impl Form {
    /// What stands in a field.
    pub fn text(&self, field: Field) -> &str {
        &self.texts[field as usize]
    }

    /// Writes into a field.
    pub fn set(&mut self, field: Field, text: &str) {
        text.clone_into(&mut self.texts[field as usize]);
    }

    /// Chooses whom to ask. Fields that nobody has touched follow: a server on this machine can be
    /// asked more, and more briefly, than one that costs money.
    pub fn retarget(&mut self, target: Target) {
        self.target = target;
        for (field, simulated, real) in field::BY_TARGET {
            let (from, to) = match target {
                Target::Simulated => (real, simulated),
                Target::Direct | Target::Proxy => (simulated, real),
            };
            if self.text(field) == from {
                self.set(field, to);
            }
        }
    }

    /// Whether a field is asked for at all, as things were chosen.
    pub fn wants(&self, field: Field) -> bool {
        let simulated = self.target == Target::Simulated;
        match field {
            Field::Url => self.target == Target::Direct,
            Field::Model => !simulated,
            Field::Prompt => self.asking == Asking::Text,
            Field::Lines => self.asking == Asking::Lines,
            Field::PromptTokens => matches!(self.asking, Asking::Synthetic | Asking::Shared),
            Field::SharedPrefix => self.asking == Asking::Shared,
            Field::Rate => matches!(self.mode, Mode::Constant | Mode::Poisson | Mode::Gamma),
            Field::Burstiness => self.mode == Mode::Gamma,
            Field::RampFrom | Field::RampTo | Field::RampOver => self.mode == Mode::Ramp,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untouched_fields_follow_the_target_and_touched_ones_stay() {
        let mut form = Form::default();
        assert_eq!(form.text(Field::Requests), "500");
        form.set(Field::Concurrency, "7");
        form.retarget(Target::Direct);
        assert_eq!(form.text(Field::Requests), "100");
        assert_eq!(form.text(Field::Concurrency), "7");
        form.retarget(Target::Simulated);
        assert_eq!(form.text(Field::Requests), "500");
    }

    #[test]
    fn only_what_matters_is_asked_for() {
        let mut form = Form::default();
        assert!(!form.wants(Field::Url) && !form.wants(Field::Rate));
        form.target = Target::Direct;
        form.mode = Mode::Gamma;
        assert!(form.wants(Field::Url) && form.wants(Field::Rate) && form.wants(Field::Burstiness));
    }
}
