//! What goes over the wire, as plain values: a request, the head of a reply, their headers.

use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::reading::Reading;
use crate::secret::Secret;

/// The HTTP methods that LLM endpoints use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads, without a body.
    Get,
    /// Everything that generates.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];
        all.into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(name))
    }

    /// The method as it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A header's value: in the open, or a credential that must not be printed.
#[derive(Clone)]
pub enum HeaderValue {
    /// May appear in logs.
    Open(Rc<str>),
    /// Never printed; `prefix` (such as `"Bearer "`) stands before it on the wire.
    Secret {
        /// What the scheme puts before the credential.
        prefix: &'static str,
        /// The credential.
        secret: Secret,
    },
}

/// Fields that carry credentials: their values are never printed, whoever sets them.
const CREDENTIALS: [&str; 5] = [
    "authorization",
    "x-api-key",
    "api-key",
    "proxy-authorization",
    "cookie",
];

/// What stands before the credential itself; servers take it in any case.
pub(crate) const BEARER: &str = "Bearer ";

impl HeaderValue {
    /// The value of the field `name`: a secret, where that is what such fields hold.
    pub fn new(name: &str, text: &str) -> Self {
        if !CREDENTIALS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            return Self::Open(text.into());
        }
        let (prefix, text) = match text.split_at_checked(BEARER.len()) {
            Some((start, key)) if start.eq_ignore_ascii_case(BEARER) => (BEARER, key),
            _ => ("", text),
        };
        let secret = Secret::new(text);
        Self::Secret { prefix, secret }
    }
}

/// Header fields in the order in which they were added. Names are kept in lower case. Clones share
/// their fields until one of them changes.
#[derive(Clone, Default)]
pub struct Headers(Rc<Vec<(Rc<str>, HeaderValue)>>);

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether these are the same fields as those, and not only equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Sets a field, replacing any earlier value of the same name.
    pub fn set(&mut self, name: &str, value: HeaderValue) {
        let name = name.to_ascii_lowercase();
        let fields = Rc::make_mut(&mut self.0);
        fields.retain(|(known, _)| **known != *name);
        fields.push((name.into(), value));
    }

    /// Sets a field to a text, which is kept as a secret where fields of this name hold one.
    pub fn set_text(&mut self, name: &str, value: &str) {
        self.set(name, HeaderValue::new(name, value));
    }

    /// Adds a field beside those of the same name, as replies may hold several.
    pub fn append(&mut self, name: &str, value: &str) {
        // Platforms that tell names in lower case, as most do, are spared a copy of each.
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let name = if is_lower {
            name.into()
        } else {
            name.to_ascii_lowercase().into()
        };
        Rc::make_mut(&mut self.0).push((name, HeaderValue::Open(value.into())));
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) {
        Rc::make_mut(&mut self.0).retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// The first open value of `name`, in whatever case it is asked for.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.open()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The first open value of the name that `parts` make, which must be in lower case. Replies are
    /// asked for dozens of names, and none of them is put together for it.
    pub(crate) fn get_joined<const N: usize>(&self, parts: [&str; N]) -> Option<&str> {
        let is_joined = |name: &str| {
            let rest = parts
                .iter()
                .try_fold(name, |rest, part| rest.strip_prefix(part));
            rest == Some("")
        };
        self.open()
            .find(|(known, _)| is_joined(known))
            .map(|(_, value)| value)
    }

    /// All open values of `name`.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.open()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every credential among the values.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.iter().filter_map(|(_, value)| match value {
            HeaderValue::Secret { secret, .. } => Some(secret),
            HeaderValue::Open(_) => None,
        })
    }

    /// Every field that may be seen.
    pub fn open(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter_map(|(name, value)| match value {
            HeaderValue::Open(text) => Some((name, &**text)),
            HeaderValue::Secret { .. } => None,
        })
    }

    /// Every field, for the transport.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| match value {
            HeaderValue::Open(text) => (name, &**text),
            HeaderValue::Secret { .. } => (name, "[key]"),
        });
        f.debug_map().entries(shown).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(fields: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        headers
    }
}

/// One request, ready for the transport. The body is shared by all attempts of a call.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL. It never holds a credential.
    pub url: Rc<str>,
    /// All header fields that we set ourselves.
    pub headers: Headers,
    /// A JSON text, or nothing.
    pub body: Option<Rc<str>>,
    /// What the caller hands through to the platform.
    pub handle: Option<Handle>,
    /// How the platform reads the answer, where the caller gets it from there, and as a whole.
    pub whole: Option<Whole>,
}

/// How a platform reads a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// What it should be.
    pub reading: Reading,
    /// How long it may be.
    pub bytes_max: usize,
}

impl HttpRequest {
    /// This without its body, and whatever else differs between requests that begin alike.
    #[must_use]
    pub fn start(&self) -> Self {
        Self {
            body: None,
            handle: None,
            whole: None,
            ..self.clone()
        }
    }

    /// Whether it begins as this other one: then a platform need not put all of it into its own words
    /// again. Fields that are equal but not the same count as others.
    pub fn begins_as(&self, other: &Self) -> bool {
        self.method == other.method
            && (Rc::ptr_eq(&self.url, &other.url) || self.url == other.url)
            && self.headers.is_same(&other.headers)
    }
}

/// The head of a reply: what is known before its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status code, 100 to 999.
    pub status: u16,
    /// Those header fields that the platform lets us read.
    pub headers: Headers,
    /// What the platform hands through to the caller.
    pub handle: Option<Handle>,
    /// What the platform tells of the connection.
    pub connection: Connection,
}

/// What is known of the connection that a reply came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Connection {
    /// Whether it had served before; none where the platform does not tell.
    pub reused: Option<bool>,
    /// Its protocol, such as `h2`; none where the platform does not tell.
    pub protocol: Option<&'static str>,
    /// How long the request waited for it; zero where the platform does not tell.
    pub waited: Duration,
}

/// Something that platform and caller hand to each other, such as the platform's own object for a
/// reply. Nothing here looks into it.
#[derive(Clone)]
pub struct Handle(Rc<dyn Any>);

impl Handle {
    /// Wraps it.
    pub fn new<T: 'static>(value: T) -> Self {
        Self(Rc::new(value))
    }

    /// What was wrapped, if it is of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Head {
    /// A head that is nothing but what HTTP says.
    pub const fn new(status: u16, headers: Headers) -> Self {
        Self {
            status,
            headers,
            handle: None,
            connection: Connection {
                reused: None,
                protocol: None,
                waited: Duration::ZERO,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_told_from_the_word_before_it_in_whatever_case() {
        #[rustfmt::skip]
        let cases = [
            // name, text, what goes before the credential, the credential
            ("authorization", "Bearer sk-1", Some((BEARER, "sk-1"))),
            ("Authorization", "bearer sk-1", Some((BEARER, "sk-1"))),
            ("authorization", "BEARER  sk-1", Some((BEARER, "sk-1"))),
            ("authorization", "Basic abc",   Some(("", "Basic abc"))),
            ("authorization", "sk-1",        Some(("", "sk-1"))),
            ("X-Api-Key",     "sk-1",        Some(("", "sk-1"))),
            ("x-team",        "Bearer blue", None),
        ];
        for (name, text, expected) in cases {
            let value = HeaderValue::new(name, text);
            let found = match &value {
                HeaderValue::Open(_) => None,
                HeaderValue::Secret { prefix, secret } => Some((*prefix, secret.expose())),
            };
            assert_eq!(found, expected, "{name}: {text}");
        }
    }
}
