//! Reading JSON that strangers wrote: only the fields that are wanted, whatever the others hold.
//!
//! Nesting is bounded by the parser, a key given twice is an error where we read it (parsers
//! disagree on which one counts), and a lone surrogate becomes U+FFFD.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How much of something unexpected is shown, in characters.
pub(super) const EXCERPT_CHARS: usize = 200;

/// Parses an object. A list, which serde would take for a struct's fields in order, is refused; the
/// code to read structs from lists is left out by that, too.
pub(super) fn object<'t, T: Deserialize<'t>>(
    text: &'t str,
    mended: &'t mut String,
) -> Result<T, serde_json::Error> {
    read(text, mended).map(|Object(value)| value)
}

/// Parses `text`. `mended` is room for a copy, should one be needed.
pub(super) fn read<'t, T: Deserialize<'t>>(
    text: &'t str,
    mended: &'t mut String,
) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match mend_surrogates(text) {
        Some(copy) => {
            *mended = copy;
            serde_json::from_str(mended)
        }
        None => Err(error),
    })
}

/// A JSON string's text, or any other value as it is written.
pub(super) fn string_or_source(json: &str) -> String {
    let mut mended = String::new();
    let text: Result<String, _> = read(json, &mut mended);
    text.unwrap_or_else(|_| json.to_owned())
}

/// `text` with each lone surrogate's escape replaced by U+FFFD's, or `None` where there is none.
/// JavaScript servers cut strings between the two halves of a pair; JSON text allows that.
fn mend_surrogates(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        match unit(bytes, at) {
            None => at += 2,
            Some(0xd800..0xdc00) if matches!(unit(bytes, at + 6), Some(0xdc00..0xe000)) => at += 12,
            Some(0xd800..0xe000) => {
                let copy = mended.get_or_insert_with(|| bytes.to_vec());
                copy[at..at + 6].copy_from_slice(br"\ufffd");
                at += 6;
            }
            Some(_) => at += 6,
        }
        if at >= bytes.len() {
            break;
        }
    }
    String::from_utf8(mended?).ok()
}

/// The UTF-16 unit of the `\uXXXX` at `at`, if there is one.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// The beginning of `text`, on one line, fit for an error message.
pub(super) fn excerpt(text: &str) -> String {
    shorten(text, EXCERPT_CHARS)
}

/// At most `chars_max` characters; control characters become spaces.
pub(super) fn shorten(text: &str, chars_max: usize) -> String {
    let calm = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(chars_max).map(calm).collect()
}

/// A string, borrowed where possible, or whatever else stands in its place, which counts as none.
#[derive(Debug, Default, Clone)]
pub(super) struct Loose<'a>(pub(super) Option<Cow<'a, str>>);

impl<'a> Loose<'a> {
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn owned(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }

    /// The text, where the parser could borrow it.
    pub(super) fn borrowed(&self) -> Option<&'a str> {
        match self.0 {
            Some(Cow::Borrowed(text)) => Some(text),
            _ => None,
        }
    }
}

/// A text that may be null or a list of parts, and nothing else.
#[derive(Debug, Default, Clone)]
pub(super) struct Content<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    /// What the list's `thinking` parts said.
    pub(super) reasoning: String,
}

/// A count: a whole number from 0 on; anything else counts as none.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Count(pub(super) Option<u64>);

/// A string or a whole number, as error codes are both.
#[derive(Debug, Default, Clone)]
pub(super) struct Code(pub(super) Option<String>);

#[derive(serde::Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Loose<'a>,
    #[serde(borrow, default)]
    thinking: Option<Content<'a>>,
}

/// An object, or whatever else stands in its place, which counts as none: events of types that we do
/// not know may use our names for other things.
#[derive(Debug, Clone)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// The values that none of our readers makes anything of.
macro_rules! nothing_from {
    ($($visit:ident: $value:ty),*) => {
        $(fn $visit<E>(self, _: $value) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        })*
    };
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose(None))
    }

    nothing_from!(visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64);
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

/// What is an object and nothing else.
#[derive(Debug, Default, Clone)]
pub(super) struct Object<T>(pub(super) T);

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct MaybeVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MaybeVisitor<T> {
    type Value = Maybe<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Maybe(Some(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        LooseVisitor.visit_seq(list).map(|_| Maybe(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Maybe(None))
    }

    nothing_from!(visit_bool: bool, visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_str: &str);
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaybeVisitor(PhantomData))
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, null or a list of parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content {
            text: Some(Cow::Borrowed(text)),
            reasoning: String::new(),
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content {
            text: Some(Cow::Owned(text.to_owned())),
            reasoning: String::new(),
        })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Content::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut text, mut reasoning) = (None, String::new());
        while let Some(Object(part)) = list.next_element::<Object<Part<'_>>>()? {
            if let Some(piece) = part.text.0 {
                text.get_or_insert_with(String::new).push_str(&piece);
            }
            if let Some(thought) = part.thinking {
                reasoning.push_str(thought.text.as_deref().unwrap_or_default());
            }
        }
        Ok(Content {
            text: text.map(Cow::Owned),
            reasoning,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Number::deserialize(deserializer).map(|number| Self(number.count()))
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Number::deserialize(deserializer).map(|number| match number {
            Number::Text(text) => Self(Some(text)),
            number => Self(number.count().map(|count| count.to_string())),
        })
    }
}

/// A number or a string; anything else is `Other`.
#[derive(Default)]
enum Number {
    Whole(u64),
    Real(f64),
    Text(String),
    #[default]
    Other,
}

impl Number {
    fn count(&self) -> Option<u64> {
        match *self {
            Self::Whole(count) => Some(count),
            // Some servers write counts as 12.0; 2^53 is where that stops being exact.
            Self::Real(real) if (0.0..=9_007_199_254_740_992.0).contains(&real) => {
                let count = real as u64;
                (count as f64 - real == 0.0).then_some(count)
            }
            _ => None,
        }
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Number::Whole(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::Real(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Number::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Number::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        LooseVisitor.visit_seq(list).map(|_| Number::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        LooseVisitor.visit_map(map).map(|_| Number::Other)
    }

    nothing_from!(visit_bool: bool, visit_i64: i64);
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}
