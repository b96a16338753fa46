//! What no request can be made with, refused in words before anything is sent.

use std::time::Duration;

use crate::http::BEARER;
use crate::secret::Secret;

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
    let text = key.expose();
    let found = if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        "a line end or a character outside ASCII in it"
    } else if text
        .get(..BEARER.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(BEARER))
    {
        "the word \"Bearer\" before it"
    } else {
        return Ok(());
    };
    let expected = "the key exactly as it was issued";
    Err(ConfigError::new("apiKey", found, expected))
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
    let escaped: String = text.chars().flat_map(char::escape_default).collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
