//! What makes two calls the same call.

use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::http::{HeaderValue, Headers, Method};
use crate::json::canonical;
use crate::table::Spread;

/// Changes whenever the meaning of an entry does, so that old ones are not found.
const VERSION: &str = "kneepoint/1";

/// The name of an answer: a SHA-256 in hexadecimal. Neither the credential nor the prompt can be
/// read from it, so it may be stored anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Rc<str>);

impl Key {
    /// The key's text: 64 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Spread for Key {
    /// Its first digits, which are those of a hash.
    fn spread(&self) -> usize {
        let digits = self.0.get(..7).unwrap_or_default();
        usize::from_str_radix(digits, 16).unwrap_or_default()
    }
}

/// Everything that shapes an answer.
#[derive(Clone, Copy)]
pub struct KeyParts<'a> {
    /// The method.
    pub method: Method,
    /// The whole URL, parameters included.
    pub url: &'a str,
    /// The header fields, with the credentials among them: answers are never shared between those
    /// who ask. An idempotency key does not matter.
    pub headers: &'a Headers,
    /// The JSON body.
    pub body: &'a str,
    /// What else must be equal for two calls to share one attempt; empty for stored answers.
    pub terms: &'a str,
}

impl KeyParts<'_> {
    /// Hashes the parts. The order of a JSON object's fields does not matter.
    pub fn key(&self) -> Key {
        let mut hash = Sha256::new();
        // Lengths go in front, or ("ab", "c") and ("a", "bc") would be the same.
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(VERSION);
        part(self.method.as_str());
        part(self.url);
        for (name, value) in self
            .headers
            .iter()
            .filter(|(name, _)| *name != "idempotency-key")
        {
            part(name);
            match value {
                HeaderValue::Open(text) => part(text),
                HeaderValue::Secret { secret, .. } => part(secret.expose()),
            }
        }
        part(&canonical(self.body));
        part(self.terms);
        let digest = hash.finalize();
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Key(digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect::<String>()
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(headers: &Headers) -> KeyParts<'_> {
        KeyParts {
            method: Method::Post,
            url: "https://host/v1/chat/completions",
            headers,
            body: r#"{"model":"m","n":1}"#,
            terms: "",
        }
    }

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.set_text(name, value);
        }
        headers
    }

    #[test]
    fn the_order_and_spacing_of_fields_do_not_matter() {
        let (none, retried) = (headers(&[]), headers(&[("idempotency-key", "7")]));
        let others = [
            KeyParts {
                body: r#"{ "n": 1, "model": "m" }"#,
                ..base(&none)
            },
            base(&retried),
        ];
        for other in others {
            assert_eq!(base(&none).key(), other.key());
        }
        assert_eq!(base(&none).key().as_str().len(), 64);
    }

    #[test]
    fn everything_that_shapes_an_answer_separates() {
        let none = headers(&[]);
        let beta = headers(&[("x-beta", "1")]);
        let renamed = headers(&[("x-gamma", "1")]);
        let cut_elsewhere = headers(&[("x-bet", "a1")]);
        let [one, other] =
            ["Bearer sk-1", "Bearer sk-2"].map(|key| headers(&[("authorization", key)]));
        let base = base(&none);
        let others = [
            base,
            KeyParts {
                method: Method::Put,
                ..base
            },
            KeyParts {
                url: "https://host/v2/chat/completions",
                ..base
            },
            KeyParts {
                headers: &one,
                ..base
            },
            KeyParts {
                headers: &other,
                ..base
            },
            KeyParts {
                headers: &beta,
                ..base
            },
            KeyParts {
                headers: &renamed,
                ..base
            },
            KeyParts {
                headers: &cut_elsewhere,
                ..base
            },
            KeyParts {
                body: r#"{"model":"m","n":2}"#,
                ..base
            },
            KeyParts {
                body: "no json",
                ..base
            },
            KeyParts { terms: "x", ..base },
        ];
        let keys: std::collections::BTreeSet<Key> = others.iter().map(KeyParts::key).collect();
        assert_eq!(keys.len(), others.len());
    }
}
