//! What JavaScript says about a client or a call, read field by field. The names are those of the
//! package's options, so that a complaint names what its reader wrote.
#![allow(
    clippy::float_cmp,
    reason = "a number is a whole one where it equals itself as an integer"
)]
#![allow(
    clippy::option_option,
    reason = "an option may be missing, or be null, which means none"
)]

use std::time::Duration;

use js_sys::{Array, Number, Reflect};
#[cfg(feature = "client")]
use kneepoint_core::CallOptions;
use kneepoint_core::adapt;
use kneepoint_core::cache::{Cache, MemoryStore};
use kneepoint_core::{Config, ConfigError, Provider, Secret};
use wasm_bindgen::{JsCast, JsValue};

use crate::store::JsStore;

/// An object whose fields may be missing.
struct Options<'a>(&'a JsValue);

/// The longest duration that makes sense anywhere: a year.
const MILLIS_MAX: f64 = 365.0 * 86_400_000.0;

impl Options<'_> {
    fn get(&self, name: &str) -> JsValue {
        Reflect::get(self.0, &name.into()).unwrap_or(JsValue::UNDEFINED)
    }

    fn given(&self, name: &str) -> Option<JsValue> {
        Some(self.get(name)).filter(|value| !value.is_undefined() && !value.is_null())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).as_string()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).as_bool()
    }

    fn count(&self, name: &'static str) -> Result<Option<u32>, ConfigError> {
        let Some(value) = self.given(name) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) if f64::from(number as u32) == number => Ok(Some(number as u32)),
            _ => Err(refuse(
                name,
                &value,
                "a whole number from 0 to 4,294,967,295",
            )),
        }
    }

    /// Milliseconds where there must be some; without an end they are a year.
    fn time(&self, name: &'static str) -> Result<Option<Duration>, ConfigError> {
        let value = self.get(name);
        if value.is_null() {
            return Err(refuse(name, &value, "milliseconds up to a year"));
        }
        let found = self.duration(name)?;
        Ok(found.map(|time| time.unwrap_or(Duration::from_millis(MILLIS_MAX as u64))))
    }

    /// Milliseconds; `Some(None)` where it is null, which means none at all.
    fn duration(&self, name: &'static str) -> Result<Option<Option<Duration>>, ConfigError> {
        let value = self.get(name);
        if value.is_undefined() {
            return Ok(None);
        }
        if value.is_null() {
            return Ok(Some(None));
        }
        match value.as_f64() {
            Some(millis) if (0.0..=MILLIS_MAX).contains(&millis) => {
                Ok(Some(Some(Duration::from_micros((millis * 1000.0) as u64))))
            }
            Some(f64::INFINITY) => Ok(Some(None)),
            _ => Err(refuse(
                name,
                &value,
                "milliseconds up to a year (31,536,000,000)",
            )),
        }
    }

    fn pairs(&self, name: &str) -> Vec<(String, Option<String>)> {
        let Some(list) = self.given(name) else {
            return Vec::new();
        };
        let list: Array = list.unchecked_into();
        let text = |index| list.get(index).as_string();
        (0..list.length() / 2)
            .filter_map(|pair| Some((text(2 * pair)?, text(2 * pair + 1))))
            .collect()
    }

    fn query(&self) -> Vec<(String, String)> {
        let pairs = self.pairs("query").into_iter();
        pairs
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

fn refuse(option: &'static str, found: &JsValue, expected: &'static str) -> ConfigError {
    ConfigError {
        option,
        found: shown(found),
        expected,
    }
}

/// A text or a number as its reader wrote it.
fn shown(found: &JsValue) -> String {
    let number = || Number::from(found.as_f64().unwrap_or(f64::NAN)).to_string_with_radix(10);
    found
        .as_string()
        .or_else(|| number().ok().map(String::from))
        .unwrap_or_default()
}

/// Reads a client's options.
pub(crate) fn config(object: &JsValue) -> Result<Config, ConfigError> {
    let options = Options(object);
    let mut config = Config::new(provider(&options)?);
    config.api_key = options.text("apiKey").map(|key| Secret::new(&key));
    config.concurrency = concurrency(&options)?;
    if let Some(queue_max) = options.count("maxQueue")? {
        config.queue_max = queue_max as usize;
    }
    config.retry.retries_max = options.count("maxRetries")?;
    config.retry.budget = options.count("retryBudget")?;
    if let Some(wait) = options.time("maxRetryWait")? {
        config.retry.wait_max = wait;
    }
    config.retry.at_most_once = options.flag("atMostOnce").unwrap_or_default();
    for (name, place) in [
        ("timeout", &mut config.timeout),
        ("attemptTimeout", &mut config.attempt_timeout),
        ("firstTokenTimeout", &mut config.first_token_timeout),
        ("idleTimeout", &mut config.idle_timeout),
    ] {
        if let Some(duration) = options.duration(name)? {
            *place = duration;
        }
    }
    config.hedge = options.flag("hedge").unwrap_or_default();
    config.dedupe = options.flag("dedupe");
    config.cache = cache(&options)?;
    // A client's calls bring them along.
    #[cfg(feature = "bench")]
    {
        for (name, value) in options.pairs("headers") {
            config.headers.set_text(&name, &value.unwrap_or_default());
        }
        config.query = options.query();
    }
    Ok(config)
}

fn provider(options: &Options<'_>) -> Result<Provider, ConfigError> {
    let mut provider = match options.text("provider") {
        None => Provider::openai(),
        Some(name) if is_url(&name) => Provider::compatible(&name),
        Some(name) => Provider::named(&name).ok_or_else(|| ConfigError {
            option: "provider",
            found: format!("\"{}\"", name.escape_default()),
            expected: "\"openai\", \"anthropic\", \"fireworks\" or a base URL",
        })?,
    };
    if let Some(url) = options.text("baseURL") {
        provider.base_url = url;
    }
    Ok(provider)
}

/// No library's search for a text: it brings six kilobytes along.
fn is_url(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(_, rest)| rest.starts_with("//"))
}

fn concurrency(options: &Options<'_>) -> Result<adapt::Options, ConfigError> {
    let mut rule = adapt::Options::default();
    let asked = options.get("concurrency");
    if asked.as_string().as_deref() != Some("auto") {
        let expected = "a whole number from 1 to 4,294,967,295, or \"auto\"";
        let count = options.count("concurrency");
        let count = count.map_err(|_| refuse("concurrency", &asked, expected))?;
        rule.ceiling = count.unwrap_or(rule.ceiling);
    }
    if let Some(most) = options.count("mostAtOnce")? {
        rule.ceiling = rule.ceiling.min(most);
    }
    if let Some(adaptive) = options.flag("adaptive") {
        rule.adaptive = adaptive;
    }
    Ok(rule)
}

fn cache(options: &Options<'_>) -> Result<Option<Cache>, ConfigError> {
    let Some(object) = options.given("cache") else {
        return Ok(None);
    };
    let settings = Options(&object);
    let mut cache = if let Some(store) = settings.given("store") {
        Cache::new(JsStore(store.unchecked_into()))
    } else {
        let bytes_max = settings.count("maxBytes")?.unwrap_or(MEMORY_BYTES);
        Cache::new(MemoryStore::new(bytes_max as usize))
    };
    if let Some(ttl) = settings.time("ttl")? {
        cache.ttl = ttl;
    }
    if let Some(wait) = settings.time("maxWait")? {
        cache.wait_max = wait;
    }
    Ok(Some(cache))
}

/// What a cache in memory holds where nobody says how much.
const MEMORY_BYTES: u32 = 32 << 20;

/// Reads how one call differs.
#[cfg(feature = "client")]
pub(crate) fn call(object: &JsValue) -> Result<CallOptions, ConfigError> {
    if object.is_undefined() {
        return Ok(CallOptions::default());
    }
    let options = Options(object);
    Ok(CallOptions {
        timeout: options.time("timeout")?,
        attempt_timeout: options.time("attemptTimeout")?,
        retries_max: options.count("maxRetries")?,
        at_most_once: options.flag("atMostOnce"),
        headers: options.pairs("headers"),
        query: options.query(),
        idempotency_key: options.text("idempotencyKey"),
        priority: i32::try_from(options.count("priority")?.unwrap_or_default()).unwrap_or(i32::MAX),
        api_key: options.text("apiKey").map(|key| Secret::new(&key)),
        cache: options.flag("cache"),
        dedupe: options.flag("dedupe"),
        handle: None,
    })
}
