//! Just enough of URLs to join an endpoint's path to a base, without 80 kB of general parser.

use std::fmt::Write as _;

use crate::check::ConfigError;
use crate::text;

/// A checked base URL: scheme, host and port, then a path without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    origin: String,
    path: String,
}

impl BaseUrl {
    /// Checks and takes apart `text`, such as `https://api.openai.com/v1`.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        if let Some(bad) = text
            .chars()
            .find(|c| c.is_control() || c.is_whitespace() || *c == '\\')
        {
            return Err(ConfigError::new(
                "baseURL",
                &format!("'{}' in it", bad.escape_default()),
                "no spaces or control characters",
            ));
        }
        let (scheme, rest) = text::split_once(text, "://").unwrap_or(("", text));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let path = text::from(rest, host.len());
        // The text is not repeated before both are ruled out: there passwords and keys stand.
        if host.contains('@') {
            return Err(ConfigError::new(
                "baseURL",
                "a user name or password in it",
                "the key in apiKey",
            ));
        }
        if path.contains(['?', '#']) {
            return Err(ConfigError::new(
                "baseURL",
                "? or # in it",
                "a URL without them; parameters go into defaultQuery",
            ));
        }
        // Where slashes are missing or too many, a password lies behind what is taken for the host.
        let shown = if path.contains('@') {
            "something with an @ in it"
        } else {
            text
        };
        let wrong = |expected| ConfigError::new("baseURL", shown, expected);
        if scheme.is_empty() {
            return Err(wrong("https://host/path"));
        }
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return Err(wrong("a URL that begins with https:// or http://"));
        }
        let (name, port) = split_port(host);
        if !is_host(name) {
            return Err(wrong("a host after the //"));
        }
        if !is_port(port) {
            return Err(wrong("a port up to 65535"));
        }
        // As in a browser's URL, a colon without a port says nothing.
        let host = if port == ":" { name } else { host };
        let mut escaped = String::with_capacity(path.len());
        escape(path.trim_end_matches('/'), &mut escaped, |byte| {
            byte.is_ascii()
        });
        Ok(Self {
            origin: format!("{scheme}://{}", host.to_ascii_lowercase()),
            path: escaped,
        })
    }

    /// The same base with `end` (which begins with a slash) at the end of its path.
    pub(crate) fn ending_in(mut self, end: &str) -> Self {
        if !self.path.ends_with(end) {
            self.path.push_str(end);
        }
        self
    }

    /// Host and port, for records.
    pub(crate) fn host(&self) -> &str {
        text::split_once(&self.origin, "://").map_or(&self.origin, |(_, host)| host)
    }

    /// The URL of `path` (which begins with a slash) under this base.
    pub(crate) fn join(&self, path: &str, query: &[(String, String)]) -> String {
        let mut url = [&self.origin, &self.path, path].concat();
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 && !path.contains('?') {
                '?'
            } else {
                '&'
            });
            percent_encode(name, &mut url);
            url.push('=');
            percent_encode(value, &mut url);
        }
        url
    }
}

/// What stands before the port, and the port with its colon. Colons in brackets are of an address.
fn split_port(host: &str) -> (&str, &str) {
    let end = if host.starts_with('[') {
        host.find(']').map(|at| at + 1)
    } else {
        host.find(':')
    };
    // A split that could panic would bring six kilobytes along, to print why.
    end.and_then(|end| host.split_at_checked(end))
        .unwrap_or((host, ""))
}

/// Whether it has only what may stand in a host, or in brackets in an address.
fn is_host(name: &str) -> bool {
    match name.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| {
            let stands = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
            address.contains(':') && address.bytes().all(stands)
        }),
        None => !name.is_empty() && !name.contains(['<', '>', '[', ']', '^', '|', '%']),
    }
}

/// Whether it is nothing, a colon, or a port with its colon.
fn is_port(port: &str) -> bool {
    let Some(number) = port.strip_prefix(':') else {
        return port.is_empty();
    };
    // Parsing a number alone would also take a sign.
    number.is_empty() || (!number.starts_with('+') && number.parse::<u16>().is_ok())
}

/// Appends `text` with all but RFC 3986's unreserved characters escaped.
pub(crate) fn percent_encode(text: &str, into: &mut String) {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    escape(text, into, is_unreserved);
}

/// Appends `text` with the bytes escaped that may not stand as they are.
fn escape(text: &str, into: &mut String, stands: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if stands(byte) {
            into.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_under_every_base() {
        #[rustfmt::skip]
        let cases = [
            ("https://api.openai.com/v1",        "https://api.openai.com/v1/chat/completions"),
            ("https://api.openai.com/v1/",       "https://api.openai.com/v1/chat/completions"),
            ("https://acme-x.direct.fireworks.ai", "https://acme-x.direct.fireworks.ai/chat/completions"),
            ("HTTP://LocalHost:8088/mock/a=1,b=ln:2:3/v1", "http://localhost:8088/mock/a=1,b=ln:2:3/v1/chat/completions"),
            ("http://[::1]:8000//",              "http://[::1]:8000/chat/completions"),
            ("http://[::ffff:10.0.0.1]/v1",      "http://[::ffff:10.0.0.1]/v1/chat/completions"),
            ("http://host:/v1",                  "http://host/v1/chat/completions"),
            ("https://host/modèle/a%20b",        "https://host/mod%C3%A8le/a%20b/chat/completions"),
        ];
        for (base, expected) in cases {
            let joined = BaseUrl::parse(base).unwrap().join("/chat/completions", &[]);
            assert_eq!(joined, expected, "{base}");
        }
    }

    #[test]
    fn parameters_are_escaped() {
        let base = BaseUrl::parse("https://host/v1").unwrap();
        let query = [
            ("api version".to_owned(), "1&2=ü".to_owned()),
            ("a".to_owned(), String::new()),
        ];
        assert_eq!(
            base.join("/models", &query),
            "https://host/v1/models?api%20version=1%262%3D%C3%BC&a="
        );
    }

    #[test]
    fn what_is_no_base_url_is_named() {
        #[rustfmt::skip]
        let cases = [
            ("api.openai.com/v1",       "https://host/path"),
            ("ftp://host",              "https:// or http://"),
            ("https://",                "a host"),
            ("https://:443/v1",         "a host"),
            ("http://[::1:8000/v1",     "a host"),
            ("http://[::1]x:80/v1",     "a port"),
            ("http://[zz]/v1",          "a host"),
            ("http://[]/v1",            "a host"),
            ("http://h[1]/v1",          "a host"),
            ("http://<host>/v1",        "a host"),
            ("http://%LLM%/v1",         "a host"),
            ("http://a|b/v1",           "a host"),
            ("http:///v1",              "a host"),
            ("http://h:80:90/v1",       "a port"),
            ("http://h::80/v1",         "a port"),
            ("http://h:80:/v1",         "a port"),
            ("http://h:-1/v1",          "a port"),
            ("https://host:99999/v1",   "a port"),
            ("https://host:http/v1",    "a port"),
            ("https://host:+80/v1",     "a port"),
            ("https://host/v1?x=1",     "defaultQuery"),
            ("https://me:pw@host/v1",   "apiKey"),
            ("https://me:pw@host?x=1",  "apiKey"),
            ("ftp://me:pw@host",        "apiKey"),
            ("me:pw@host/v1",           "apiKey"),
            ("//me:pw@host/v1",         "https://host/path"),
            ("https:/me:pw@host/v1",    "https://host/path"),
            ("https:///me:pw@host/v1",  "a host"),
            ("https://host/v1?key=pw",  "defaultQuery"),
            ("https:///v1#pw",          "defaultQuery"),
            ("ftp://host?key=pw",       "defaultQuery"),
            ("https://host/v1\r\nx: y", "control characters"),
            ("https://ho st/",          "no spaces"),
        ];
        for (text, hint) in cases {
            let error = BaseUrl::parse(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
            assert!(
                !error.contains("pw"),
                "a password must not be repeated: {error}"
            );
        }
    }
}
