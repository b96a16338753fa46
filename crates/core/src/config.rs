//! What a client is told once, checked where it enters.

use std::time::Duration;

use crate::adapt;
use crate::cache::Cache;
use crate::http::{HeaderValue, Headers};
use crate::provider::{Family, Provider};
use crate::retry::RetryPolicy;
use crate::secret::Secret;
use crate::url::BaseUrl;

/// Everything a client is told. Fields are public; start from [`Config::new`].
#[derive(Clone)]
pub struct Config {
    /// Who answers.
    pub provider: Provider,
    /// The key; none for servers that ask for none.
    pub api_key: Option<Secret>,
    /// How many requests may be in flight at once, and how that is found; for each model by itself,
    /// since servers limit models by themselves. Default: found by the client itself, without a
    /// ceiling but the runtime's.
    pub concurrency: adapt::Options,
    /// Calls of one model that may wait for their turn before further ones fail with `QueueFull`; at
    /// least 1. Default: 100,000, at a few hundred bytes each.
    pub queue_max: usize,
    /// When and how often failed attempts are repeated.
    pub retry: RetryPolicy,
    /// The whole call: waiting, attempts and pauses included. Default: 10 minutes; `None` waits
    /// for ever.
    pub timeout: Option<Duration>,
    /// One attempt: to the end of the answer, or to the head of a stream. Default: none.
    pub attempt_timeout: Option<Duration>,
    /// From an attempt's dispatch to the first content of its stream. Default: none.
    pub first_token_timeout: Option<Duration>,
    /// Between two pieces of a stream's content; comments and pings do not count. Default: 2
    /// minutes.
    pub idle_timeout: Option<Duration>,
    /// Whether a second attempt may race a first one that is slow to answer. Default: `false`.
    pub hedge: bool,
    /// Whether equal calls in flight share one attempt. Default: those whose answers are kept.
    pub dedupe: Option<bool>,
    /// Where answers are kept. Default: nowhere.
    pub cache: Option<Cache>,
    /// Headers for every request, on top of the protocol's own.
    pub headers: Headers,
    /// Parameters for every URL.
    pub query: Vec<(String, String)>,
    /// The longest answer that is read, in bytes. Default: 64 MiB.
    pub answer_bytes_max: usize,
}

impl Config {
    /// The defaults for `provider`.
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            api_key: None,
            concurrency: adapt::Options::default(),
            queue_max: 100_000,
            retry: RetryPolicy::default(),
            timeout: Some(Duration::from_secs(600)),
            attempt_timeout: None,
            first_token_timeout: None,
            idle_timeout: Some(Duration::from_secs(120)),
            hedge: false,
            dedupe: None,
            cache: None,
            headers: Headers::new(),
            query: Vec::new(),
            answer_bytes_max: 64 << 20,
        }
    }

    /// Checks every field and answers the base URL, taken apart.
    pub(crate) fn check(&self) -> Result<BaseUrl, ConfigError> {
        if self.concurrency.ceiling == 0 {
            return Err(ConfigError::new(
                "concurrency",
                "0",
                "a number from 1, or \"auto\"",
            ));
        }
        if let Some(key) = &self.api_key {
            check_key(key)?;
        }
        for (name, value) in self.headers.iter() {
            match value {
                HeaderValue::Open(text) => check_header(name, text)?,
                HeaderValue::Secret { secret, .. } => check_header(name, secret.expose())?,
            }
        }
        if self.queue_max == 0 {
            return Err(ConfigError::new("maxQueue", "0", "a number from 1"));
        }
        for (option, timeout) in [
            ("timeout", self.timeout),
            ("attemptTimeout", self.attempt_timeout),
            ("firstTokenTimeout", self.first_token_timeout),
            ("idleTimeout", self.idle_timeout),
        ] {
            check_timeout(option, timeout)?;
        }
        let base = BaseUrl::parse(&self.provider.base_url)?;
        Ok(match self.provider.family {
            // Bases for Anthropic's own SDK are written without it: that has it in its paths.
            Family::Anthropic => base.ending_in("/v1"),
            Family::OpenAi => base,
        })
    }
}

/// No time at all is not "no limit".
pub(crate) fn check_timeout(
    option: &'static str,
    timeout: Option<Duration>,
) -> Result<(), ConfigError> {
    match timeout {
        Some(Duration::ZERO) => Err(ConfigError::new(
            option,
            "0",
            "more than 0 ms, or null for none",
        )),
        _ => Ok(()),
    }
}

/// A key travels in a header: printable ASCII, or the transport would refuse or cut it. Some issuers
/// hand out words, so spaces inside are the server's to judge.
pub(crate) fn check_key(key: &Secret) -> Result<(), ConfigError> {
    if key.is_empty() {
        return Err(ConfigError::new(
            "apiKey",
            "an empty text",
            "a key, or none at all",
        ));
    }
    if key.expose().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(())
    } else {
        let found = "a line end or a character outside ASCII in it";
        Err(ConfigError::new(
            "apiKey",
            found,
            "the key exactly as it was issued",
        ))
    }
}

/// Fields that whoever sends the request writes by itself, and fails over where others write them too.
const OF_THE_SENDER: [&str; 5] = [
    "content-length",
    "expect",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
];

/// Refuses what would end a header early, cannot be written in one, or is not for users to write.
pub(crate) fn check_header(name: &str, value: &str) -> Result<(), ConfigError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(ConfigError::new(
            "headers",
            &format!("the name {}", quoted(name)),
            "letters, digits and -",
        ));
    }
    if OF_THE_SENDER
        .iter()
        .any(|own| own.eq_ignore_ascii_case(name))
    {
        return Err(ConfigError::new(
            "headers",
            &format!("the field {}", quoted(name)),
            "none of those that are written when the request is sent",
        ));
    }
    let printable = |c: char| matches!(c, '\t' | ' '..='~' | '\u{a0}'..='\u{ff}');
    if value.chars().all(printable) {
        Ok(())
    } else {
        let found = format!(
            "a line end or a character outside Latin-1 in {}",
            quoted(name)
        );
        Err(ConfigError::new("headers", &found, "a value without them"))
    }
}

/// `text` between quotes, so that nothing in it is overlooked or acts on a terminal.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

/// An option that cannot be used: which, what was found, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option}: found {found}, expected {expected}")]
pub struct ConfigError {
    /// The option's name as JavaScript spells it.
    pub option: &'static str,
    /// What was found; never a key.
    pub found: String,
    /// What would do.
    pub expected: &'static str,
}

impl ConfigError {
    pub(crate) fn new(option: &'static str, found: &str, expected: &'static str) -> Self {
        Self {
            option,
            found: found.to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new(Provider::openai())
    }

    #[test]
    fn the_defaults_hold() {
        assert_eq!(config().check().unwrap().host(), "api.openai.com");
    }

    #[test]
    fn a_base_for_anthropic_ends_in_its_version_whoever_wrote_it() {
        let host = "https://host";
        for (base, expected) in [
            ("", "/v1/messages"),
            ("/", "/v1/messages"),
            ("/v1", "/v1/messages"),
            ("/v1/", "/v1/messages"),
            ("/v1/a/anthropic", "/v1/a/anthropic/v1/messages"),
        ] {
            let mut provider = Provider::anthropic();
            provider.base_url = format!("{host}{base}");
            let joined = Config::new(provider)
                .check()
                .unwrap()
                .join("/messages", &[]);
            assert_eq!(joined, format!("{host}{expected}"), "{base}");
        }
        let compatible = Config::new(Provider::compatible(host)).check().unwrap();
        assert_eq!(compatible.join("/models", &[]), "https://host/models");
    }

    #[test]
    fn keys_that_would_split_a_header_are_refused_and_not_repeated() {
        for key in ["sk-a\r\nx: y", "sk-\u{0}", "sk-ключ", ""] {
            let error = Config {
                api_key: Some(Secret::new(key)),
                ..config()
            }
            .check()
            .unwrap_err();
            assert_eq!(error.option, "apiKey");
            assert!(
                key.is_empty() || !error.to_string().contains(key),
                "{error}"
            );
        }
    }

    #[test]
    fn white_space_around_a_key_and_spaces_inside_are_harmless() {
        for key in [" sk-1\n", "my own key"] {
            let config = Config {
                api_key: Some(Secret::new(key)),
                ..config()
            };
            assert!(config.check().is_ok());
        }
    }

    #[test]
    fn headers_that_cannot_be_written_are_refused() {
        #[rustfmt::skip]
        let cases = [
            ("x-team", "blue",          true),
            ("x-team", "café",          true),   // Latin-1
            ("x-team", "a\tb",          true),
            ("x-team", "a\nb",          false),
            ("x-team", "a\rb",          false),
            ("x-team", "a\0b",          false),
            ("x-team", "→",             false),
            ("x team", "blue",          false),
            ("",       "blue",          false),
            ("x:y",    "blue",          false),
            ("Content-Length", "7",     false),
            ("expect", "100-continue",  false),
            ("connection", "close",     true),
        ];
        for (name, value, allowed) in cases {
            assert_eq!(
                check_header(name, value).is_ok(),
                allowed,
                "{name:?}: {value:?}"
            );
        }
    }

    #[test]
    fn nothing_may_take_no_time_or_no_place() {
        let timeout = Config {
            timeout: Some(Duration::ZERO),
            ..config()
        };
        assert_eq!(timeout.check().unwrap_err().option, "timeout");
        let none = Config {
            concurrency: adapt::Options::at_most(0),
            ..config()
        };
        assert_eq!(none.check().unwrap_err().option, "concurrency");
    }
}
