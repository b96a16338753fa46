//! What a client is told once, checked where it enters.

use std::time::Duration;

use crate::adapt;
use crate::cache::Cache;
use crate::check::{ConfigError, check_header, check_key, check_timeout};
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
