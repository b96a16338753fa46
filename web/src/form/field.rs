//! The fields that hold a text: their names, their words, what stands in them at first.

/// A field of the form. What is wrong is told in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// An endpoint's address.
    Url,
    /// The model.
    Model,
    /// One text for all requests.
    Prompt,
    /// Prompts as lines of JSON.
    Lines,
    /// Tokens of a made-up prompt.
    PromptTokens,
    /// Tokens in front that all prompts share.
    SharedPrefix,
    /// What the system is told.
    System,
    /// Requests of a run.
    Requests,
    /// Requests at once.
    Concurrency,
    /// Tokens of an answer.
    MaxTokens,
    /// Retries of a request.
    Retries,
    /// The bound of one request.
    Timeout,
    /// Requests a second.
    Rate,
    /// The shape of the gaps.
    Burstiness,
    /// The first rate of a ramp.
    RampFrom,
    /// The last.
    RampTo,
    /// How long it takes.
    RampOver,
    /// How long requests are sent.
    Duration,
    /// Requests before measuring begins.
    Warmup,
    /// The time to the first token that a good answer meets.
    SloTtft,
    /// Its time for each token.
    SloTpot,
    /// Its time as a whole.
    SloE2e,
    /// Requests that a run may cost.
    BudgetRequests,
    /// Tokens that it may cost.
    BudgetTokens,
    /// The seed.
    Seed,
    /// The ladder's first rung.
    First,
    /// Its highest.
    Max,
    /// The shortest window.
    Window,
    /// The longest.
    WindowMax,
    /// Requests that a window waits for.
    Completions,
    /// The longest time to settle.
    Settle,
    /// No rung begins later.
    Total,
}

/// Words of a field.
struct Words {
    /// Its name in the document.
    name: &'static str,
    label: &'static str,
    /// What stands behind it: a unit, or what an empty field means.
    hint: &'static str,
    default: &'static str,
}

const fn words(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    default: &'static str,
) -> Words {
    Words {
        name,
        label,
        hint,
        default,
    }
}

/// What stands in a field at first, for the simulated endpoint and for one that somebody pays.
pub(super) const BY_TARGET: [(Field, &str, &str); 8] = [
    (Field::Requests, "500", "100"),
    (Field::Concurrency, "64", "8"),
    (Field::Max, "128", "64"),
    (Field::Window, "1.5s", "6s"),
    (Field::WindowMax, "3s", "40s"),
    (Field::Completions, "10", "30"),
    (Field::Settle, "3s", "15s"),
    (Field::Total, "2m", "10m"),
];

impl Field {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::Url,
        Self::Model,
        Self::Prompt,
        Self::Lines,
        Self::PromptTokens,
        Self::SharedPrefix,
        Self::System,
        Self::Requests,
        Self::Concurrency,
        Self::MaxTokens,
        Self::Retries,
        Self::Timeout,
        Self::Rate,
        Self::Burstiness,
        Self::RampFrom,
        Self::RampTo,
        Self::RampOver,
        Self::Duration,
        Self::Warmup,
        Self::SloTtft,
        Self::SloTpot,
        Self::SloE2e,
        Self::BudgetRequests,
        Self::BudgetTokens,
        Self::Seed,
        Self::First,
        Self::Max,
        Self::Window,
        Self::WindowMax,
        Self::Completions,
        Self::Settle,
        Self::Total,
    ];

    const fn words(self) -> Words {
        match self {
            Self::Url => words(
                "url",
                "URL",
                "up to the version: https://llm.example/v1",
                "",
            ),
            Self::Model => words("model", "Model", "", ""),
            Self::Prompt => words("prompt", "Prompt", "", "Tell me about the sea."),
            Self::Lines => words(
                "lines",
                "Lines of JSON",
                "each a text, {\"prompt\": …} or {\"messages\": […]}",
                "",
            ),
            Self::PromptTokens => words("prompt-tokens", "Size", "tokens", "64"),
            Self::SharedPrefix => words("shared-prefix", "Shared part", "tokens", "1024"),
            Self::System => words("system", "System", "empty: none", ""),
            Self::Requests => words("requests", "Requests", "", ""),
            Self::Concurrency => words("concurrency", "At once", "", ""),
            Self::MaxTokens => words("max-tokens", "Max tokens", "", "100"),
            Self::Retries => words("retries", "Retries", "empty: 2–10", ""),
            Self::Timeout => words("timeout", "Timeout", "a request", "10m"),
            Self::Rate => words("rate", "Rate", "a second", "20"),
            Self::Burstiness => words("burstiness", "Burstiness", "lower: burstier", "0.5"),
            Self::RampFrom => words("ramp-from", "From", "a second", "1"),
            Self::RampTo => words("ramp-to", "To", "a second", "50"),
            Self::RampOver => words("ramp-over", "Over", "such as 60s", "30s"),
            Self::Duration => words("duration", "Duration", "empty: none", ""),
            Self::Warmup => words("warmup", "Warm-up", "requests", ""),
            Self::SloTtft => words("slo-ttft", "First token", "ms at most", ""),
            Self::SloTpot => words("slo-tpot", "Each token", "ms at most", ""),
            Self::SloE2e => words("slo-e2e", "Full answer", "ms at most", ""),
            Self::BudgetRequests => words("budget-requests", "Calls", "at most", ""),
            Self::BudgetTokens => words("budget-tokens", "Tokens", "at most", ""),
            Self::Seed => words("seed", "Seed", "randomness", "1"),
            Self::First => words("first", "From", "at once", "1"),
            Self::Max => words("max", "Up to", "at once", ""),
            Self::Window => words("window", "Window", "at least", ""),
            Self::WindowMax => words("window-max", "Window", "at most", ""),
            Self::Completions => words("completions", "Answers", "a window", ""),
            Self::Settle => words("settle", "Settle", "at most", ""),
            Self::Total => words("total", "In all", "at most", ""),
        }
    }

    /// Its name in the document, unique.
    pub const fn name(self) -> &'static str {
        self.words().name
    }

    /// What it is called.
    pub const fn label(self) -> &'static str {
        self.words().label
    }

    /// Its unit, or what an empty field means.
    pub const fn hint(self) -> &'static str {
        self.words().hint
    }

    pub(super) const fn default(self) -> &'static str {
        self.words().default
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_place_and_name() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index, "{field:?}");
            let alike = Field::ALL
                .iter()
                .filter(|other| other.name() == field.name());
            assert_eq!(alike.count(), 1, "{field:?}");
        }
    }
}
