//! Who may use the proxy and the session: pure checks on one request's head.
//!
//! The order is that of cheapness, and nothing is contacted before the last check has passed.
//! What each check keeps out: Host, DNS rebinding; Origin and Sec-Fetch-Site, other sites' pages;
//! the token header, whatever a page can send without a preflight.

use std::fmt::Write as _;

use http::{HeaderMap, StatusCode, Uri, header};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The header that carries the token of this run.
pub(crate) const TOKEN_HEADER: &str = "x-kneepoint-token";
/// All names and values of one request together.
const HEADERS_BYTES_MAX: usize = 32 << 10;
const TOKEN_BYTES: usize = 24;

/// The rules of one run.
#[derive(Clone)]
pub(crate) struct Guard {
    /// Names (without port) under which this server may be addressed.
    pub(crate) names: Vec<String>,
    pub(crate) ports: Vec<u16>,
    token: String,
    /// Reachable from other machines: the token is then the user's, and never handed out.
    pub(crate) remote: bool,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
}

const fn denied(status: StatusCode, reason: &'static str) -> Denied {
    Denied { status, reason }
}

impl Guard {
    /// Rules for loopback, with a token drawn for this run.
    pub(crate) fn local(ports: Vec<u16>, names: &[String]) -> Result<Self, String> {
        let mut bytes = [0; TOKEN_BYTES];
        let drawn = SystemRandom::new().fill(&mut bytes);
        drawn.map_err(|_| "the system gives no random numbers for the token".to_owned())?;
        let token = hex(&bytes);
        Ok(Self {
            names: with_loopback(names),
            ports,
            token,
            remote: false,
        })
    }

    /// Rules for a server that other machines reach, with the user's token.
    pub(crate) fn remote(ports: Vec<u16>, names: &[String], token: String) -> Self {
        Self {
            names: with_loopback(names),
            ports,
            token,
            remote: true,
        }
    }

    /// The token, for the page of this server only.
    pub(crate) fn token_for_page(&self) -> Option<&str> {
        (!self.remote).then_some(self.token.as_str())
    }

    /// Checks that the head is no larger than any honest one.
    pub(crate) fn check_size(headers: &HeaderMap) -> Result<(), Denied> {
        let bytes = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            name.as_str().len() + value.len()
        };
        if headers.iter().map(bytes).sum::<usize>() > HEADERS_BYTES_MAX {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err(denied(status, "the headers are too large"));
        }
        Ok(())
    }

    /// Checks where a request is addressed to and which page sent it.
    pub(crate) fn check_origin(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
        let authority = authority(uri, headers)?;
        if !self.is_own(&authority) {
            return Err(denied(
                StatusCode::MISDIRECTED_REQUEST,
                "this host name is not served",
            ));
        }
        match single(headers, "origin")? {
            None => {}
            Some(origin) => {
                let own = origin.split_once("://").is_some_and(|(scheme, rest)| {
                    matches!(scheme, "http" | "https") && rest.eq_ignore_ascii_case(&authority)
                });
                if !own {
                    return Err(denied(
                        StatusCode::FORBIDDEN,
                        "pages of other origins may not",
                    ));
                }
            }
        }
        match single(headers, "sec-fetch-site")? {
            None | Some("same-origin") => Ok(()),
            Some(_) => Err(denied(
                StatusCode::FORBIDDEN,
                "pages of other sites may not",
            )),
        }
    }

    /// Checks the token: in its header, or as the API key that every client can send.
    pub(crate) fn check_token(&self, headers: &HeaderMap) -> Result<(), Denied> {
        if let Some(token) = single(headers, TOKEN_HEADER)? {
            let is_ours = same(token, &self.token);
            let wrong = denied(StatusCode::FORBIDDEN, "the token is not this run's");
            return is_ours.then_some(()).ok_or(wrong);
        }
        let bearer = single(headers, "authorization")?.and_then(|v| v.strip_prefix("Bearer "));
        match bearer.or(single(headers, "x-api-key")?) {
            Some(key) if same(key, &self.token) => Ok(()),
            Some(_) => Err(denied(
                StatusCode::UNAUTHORIZED,
                "the API key is not this server's token, which is expected in its place",
            )),
            None => Err(denied(
                StatusCode::UNAUTHORIZED,
                "this server's token is missing: expected as x-kneepoint-token or as the API key",
            )),
        }
    }

    /// On a server that others reach: the token. On loopback nothing is asked.
    pub(crate) fn check_remote(&self, headers: &HeaderMap) -> Result<(), Denied> {
        if self.remote {
            self.check_token(headers)
        } else {
            Ok(())
        }
    }

    fn is_own(&self, authority: &str) -> bool {
        let (name, port) = match authority.rsplit_once(':') {
            // Digits only: parsing a number alone would also take a sign.
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                (name, port.parse().ok())
            }
            // Without a port the scheme's default is meant.
            _ => (
                authority,
                self.ports
                    .iter()
                    .copied()
                    .find(|port| matches!(port, 80 | 443)),
            ),
        };
        port.is_some_and(|port| self.ports.contains(&port))
            && self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Two hexadecimal digits per byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

fn with_loopback(names: &[String]) -> Vec<String> {
    let loopback = ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned);
    loopback.into_iter().chain(names.iter().cloned()).collect()
}

/// The one authority that a request names; two that differ are an attempt to confuse.
fn authority(uri: &Uri, headers: &HeaderMap) -> Result<String, Denied> {
    let host = single(headers, header::HOST.as_str())?;
    let target = uri.authority().map(http::uri::Authority::as_str);
    match (target, host) {
        (Some(target), Some(host)) if !target.eq_ignore_ascii_case(host) => Err(denied(
            StatusCode::BAD_REQUEST,
            "target and Host name different servers",
        )),
        (Some(one), _) | (None, Some(one)) => Ok(one.to_owned()),
        (None, None) => Err(denied(
            StatusCode::BAD_REQUEST,
            "the Host header is missing",
        )),
    }
}

/// The value of a header that may come once and must be plain text.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Denied> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(denied(
            StatusCode::BAD_REQUEST,
            "a header that must be single came twice",
        ));
    }
    first
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| denied(StatusCode::BAD_REQUEST, "a header is not plain text"))
}

/// Compares in a time that does not depend on where the first difference is.
fn same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .fold(0, |bits, (a, b)| bits | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::local(vec![8088, 8443], &["box.lan".to_owned()]).expect("random numbers")
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("header value"));
        }
        headers
    }

    #[test]
    fn own_names_and_own_pages_pass_and_others_do_not() {
        #[rustfmt::skip]
        let cases: &[(&[(&str, &str)], u16)] = &[
            (&[("host", "127.0.0.1:8088")], 0),
            (&[("host", "LOCALHOST:8443")], 0),
            (&[("host", "[::1]:8088")], 0),
            (&[("host", "box.lan:8088")], 0),
            (&[("host", "127.0.0.1:8088"), ("origin", "http://127.0.0.1:8088")], 0),
            (&[("host", "127.0.0.1:8443"), ("origin", "https://127.0.0.1:8443"), ("sec-fetch-site", "same-origin")], 0),
            (&[], 400),
            (&[("host", "127.0.0.1:8088"), ("host", "127.0.0.1:8088")], 400),
            (&[("host", "127.0.0.1:9999")], 421),
            (&[("host", "127.0.0.1")], 421),
            (&[("host", "evil.example:8088")], 421),
            (&[("host", "127.0.0.1.evil.example:8088")], 421),
            (&[("host", "s1.localhost:8088")], 421),
            (&[("host", "user@127.0.0.1:8088")], 421),
            (&[("host", "127.0.0.1:+8088")], 421),
            (&[("host", "127.0.0.1:")], 421),
            (&[("host", "::1:8088")], 421),
            (&[("host", "127.0.0.1:8088"), ("origin", "null")], 403),
            (&[("host", "127.0.0.1:8088"), ("origin", "http://evil.example")], 403),
            (&[("host", "127.0.0.1:8088"), ("origin", "http://localhost:8088")], 403),
            (&[("host", "127.0.0.1:8088"), ("origin", "http://127.0.0.1:80")], 403),
            (&[("host", "127.0.0.1:8088"), ("origin", "file://127.0.0.1:8088")], 403),
            (&[("host", "127.0.0.1:8088"), ("sec-fetch-site", "cross-site")], 403),
            (&[("host", "127.0.0.1:8088"), ("sec-fetch-site", "same-site")], 403),
        ];
        for (lines, expected) in cases {
            let checked = guard().check_origin(&Uri::from_static("/proxy"), &headers(lines));
            let status = checked.err().map_or(0, |denied| denied.status.as_u16());
            assert_eq!(status, *expected, "{lines:?}");
        }
        let absolute = Uri::from_static("http://evil.example/");
        let checked = guard().check_origin(&absolute, &headers(&[("host", "127.0.0.1:8088")]));
        assert_eq!(checked.expect_err("differs").status, 400);
    }

    #[test]
    fn the_token_is_asked_for_and_compared_whole() {
        let guard = guard();
        let token = guard.token_for_page().expect("local").to_owned();
        assert!(
            guard
                .check_token(&headers(&[(TOKEN_HEADER, &token)]))
                .is_ok()
        );
        let status = |lines: &[(&'static str, &str)]| {
            guard
                .check_token(&headers(lines))
                .expect_err("denied")
                .status
                .as_u16()
        };
        assert_eq!(status(&[]), 401);
        let bearer = format!("Bearer {token}");
        for as_a_key in [("authorization", &bearer), ("x-api-key", &token)] {
            let (name, value) = as_a_key;
            assert!(guard.check_token(&headers(&[(name, value)])).is_ok());
            // The header is what counts, where there is one.
            assert_eq!(status(&[(name, value), (TOKEN_HEADER, "0000")]), 403);
        }
        assert_eq!(status(&[("authorization", "Bearer sk-of-the-user")]), 401);
        assert_eq!(status(&[(TOKEN_HEADER, &token[1..])]), 403);
        assert_eq!(status(&[(TOKEN_HEADER, "")]), 403);
        assert_eq!(
            status(&[(TOKEN_HEADER, &token), (TOKEN_HEADER, &token)]),
            400
        );
    }

    #[test]
    fn a_remote_server_keeps_its_token_and_takes_it_as_a_key() {
        let guard = Guard::remote(vec![8088], &[], "secret-token".to_owned());
        assert_eq!(guard.token_for_page(), None);
        assert!(guard.check_remote(&headers(&[])).is_err());
        assert!(
            guard
                .check_remote(&headers(&[("authorization", "Bearer secret-token")]))
                .is_ok()
        );
        assert!(
            guard
                .check_remote(&headers(&[("x-api-key", "secret-token")]))
                .is_ok()
        );
        assert!(
            guard
                .check_remote(&headers(&[(TOKEN_HEADER, "secret-token")]))
                .is_ok()
        );
    }
}
