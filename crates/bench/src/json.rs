//! Plain values as JSON, written and read by tables of their fields.
//!
//! The page and the package carry this code to every visitor, and serde's derived code for the same
//! types is six times as large: it has a copy of each field's reading for each type. Here a field is a
//! call. The types have serde's traits as well, by way of this.
//!
//! Fields that are unknown are passed over, so that a reader of today reads what later versions
//! write.

use std::fmt;

use serde_json::{Map, Value};

/// Why a text is not the value that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(String);

impl Wrong {
    /// For this reason, in a few words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Found where something else was expected.
    #[cold]
    pub fn expected(what: &str, found: &Value) -> Self {
        let text = to_string(found);
        let shown = if text.len() > FOUND_BYTES_MAX {
            "something long"
        } else {
            &text
        };
        Self(format!("expected {what}, found {shown}"))
    }

    #[cold]
    fn within(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

/// What was found is shown up to this length.
const FOUND_BYTES_MAX: usize = 60;

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// Can be written as JSON.
pub trait Write {
    /// Appends it.
    fn write(&self, out: &mut String);
}

/// Can be read from JSON.
pub trait Read: Sized {
    /// Reads it.
    fn read(value: &Value) -> Result<Self, Wrong>;

    /// What a missing field stands for; none where it must be there.
    fn missing() -> Option<Self> {
        None
    }
}

/// A value as JSON.
pub fn to_string(value: &dyn Write) -> String {
    let mut out = String::new();
    value.write(&mut out);
    out
}

/// The value that a text holds.
pub fn from_str<T: Read>(text: &str) -> Result<T, Wrong> {
    T::read(&parse(text)?)
}

/// Any value.
pub(crate) fn parse(text: &str) -> Result<Value, Wrong> {
    serde_json::from_str(text).map_err(|error| Wrong::new(error.to_string()))
}

/// The fields of an object that is read.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Those of `value`, if it is an object.
    pub fn of(value: &'a Value) -> Result<Self, Wrong> {
        let fields = value.as_object().map(Self);
        fields.ok_or_else(|| Wrong::expected("an object", value))
    }

    /// The one that there is, with its name, and for a text that text: how enums are written.
    pub fn variant(value: &'a Value) -> Result<(&'a str, &'a Value), Wrong> {
        if let Some(name) = value.as_str() {
            return Ok((name, &Value::Null));
        }
        let all = Self::of(value)?.0;
        let mut fields = all.iter();
        match (fields.next(), fields.next()) {
            (Some((name, field)), None) => Ok((name, field)),
            _ => Err(Wrong::expected("an object of one field", value)),
        }
    }

    /// A field that is there, or may be missing.
    pub fn get<T: Read>(self, name: &str) -> Result<T, Wrong> {
        match self.0.get(name) {
            Some(value) => T::read(value).map_err(|wrong| wrong.within(name)),
            None => T::missing().ok_or_else(|| Wrong(format!("missing field `{name}`"))),
        }
    }

    /// A field, or what is usual.
    pub fn or<T: Read>(self, name: &str, usual: T) -> Result<T, Wrong> {
        match self.0.get(name) {
            Some(value) => T::read(value).map_err(|wrong| wrong.within(name)),
            None => Ok(usual),
        }
    }
}

/// An object that is written.
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut String,
    before: char,
}

impl<'a> Object<'a> {
    /// Begins it.
    pub fn new(out: &'a mut String) -> Self {
        Self { out, before: '{' }
    }

    /// Adds a field.
    #[inline(never)]
    pub fn field(&mut self, name: &str, value: &dyn Write) {
        self.out.push(self.before);
        self.before = ',';
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        value.write(self.out);
    }

    /// Ends it.
    pub fn end(self) {
        if self.before == '{' {
            self.out.push('{');
        }
        self.out.push('}');
    }
}

impl Write for str {
    fn write(&self, out: &mut String) {
        out.push_str(&serde_json::to_string(self).expect("a text can be written as JSON"));
    }
}

/// Its `Display` would bring the code for many lines along.
impl Write for Value {
    fn write(&self, out: &mut String) {
        out.push_str(&serde_json::to_string(self).expect("a value can be written as JSON"));
    }
}

impl Write for &str {
    fn write(&self, out: &mut String) {
        (**self).write(out);
    }
}

impl Write for String {
    fn write(&self, out: &mut String) {
        self.as_str().write(out);
    }
}

impl Read for String {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| Wrong::expected("a text", value))
    }
}

impl Write for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Read for bool {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let known = value.as_bool();
        known.ok_or_else(|| Wrong::expected("true or false", value))
    }
}

impl Write for f64 {
    fn write(&self, out: &mut String) {
        // JSON has no endless numbers.
        let number = serde_json::Number::from_f64(*self);
        out.push_str(&number.map_or_else(|| "null".to_owned(), |number| number.to_string()));
    }
}

impl Read for f64 {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let number = value.as_f64();
        number.ok_or_else(|| Wrong::expected("a number", value))
    }
}

fn whole(value: &Value, max: u64) -> Result<u64, Wrong> {
    let number = value.as_u64().filter(|number| *number <= max);
    number.ok_or_else(|| Wrong::expected("a whole number in bounds", value))
}

macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Write for $type {
            fn write(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }
        }

        impl Read for $type {
            fn read(value: &Value) -> Result<Self, Wrong> {
                whole(value, u64::from(Self::MAX)).map(|number| number as Self)
            }
        }
    )*};
}

whole!(u16 u32 u64);

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value) -> Result<Self, Wrong> {
        if value.is_null() {
            return Ok(None);
        }
        T::read(value).map(Some)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out);
    }
}

impl<T: Write> Write for &[T] {
    fn write(&self, out: &mut String) {
        out.push('[');
        for (index, value) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            value.write(out);
        }
        out.push(']');
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let list = value.as_array();
        let list = list.ok_or_else(|| Wrong::expected("a list", value))?;
        list.iter().map(T::read).collect()
    }
}

/// Any value, to be looked at later.
impl Read for Value {
    fn read(value: &Value) -> Result<Self, Wrong> {
        Ok(value.clone())
    }
}

impl<A: Write, B: Write> Write for (A, B) {
    fn write(&self, out: &mut String) {
        out.push('[');
        self.0.write(out);
        out.push(',');
        self.1.write(out);
        out.push(']');
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(value: &Value) -> Result<Self, Wrong> {
        match value.as_array().map(Vec::as_slice) {
            Some([a, b]) => Ok((A::read(a)?, B::read(b)?)),
            _ => Err(Wrong::expected("a pair", value)),
        }
    }
}

impl<A: Write, B: Write, C: Write> Write for (A, B, C) {
    fn write(&self, out: &mut String) {
        let parts: [&dyn Write; 3] = [&self.0, &self.1, &self.2];
        for (before, part) in ['[', ',', ','].into_iter().zip(parts) {
            out.push(before);
            part.write(out);
        }
        out.push(']');
    }
}

impl<A: Read, B: Read, C: Read> Read for (A, B, C) {
    fn read(value: &Value) -> Result<Self, Wrong> {
        match value.as_array().map(Vec::as_slice) {
            Some([a, b, c]) => Ok((A::read(a)?, B::read(b)?, C::read(c)?)),
            _ => Err(Wrong::expected("three in a list", value)),
        }
    }
}

/// Gives a type with [`Read`] and [`Write`] serde's traits, for those who use serde.
#[doc(hidden)]
#[macro_export]
macro_rules! by_serde {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text = $crate::json::to_string(self);
                let raw = serde_json::value::RawValue::from_string(text);
                raw.map_err(serde::ser::Error::custom)?
                    .serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::json::Read>::read(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Writes and reads a struct as an object of the fields that are listed, in this order.
///
/// `or VALUE` names the struct whose fields stand in for those that are missing; without it only
/// options may be missing.
#[macro_export]
macro_rules! fields {
    (@write $type:ty { $($field:ident),* }) => {
        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                let mut object = $crate::json::Object::new(out);
                $(object.field(stringify!($field), &self.$field);)*
                object.end();
            }
        }
    };
    ($type:ty { $($field:ident),* $(,)? }) => {
        $crate::fields!(@write $type { $($field),* });

        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                let of = $crate::json::Fields::of(value)?;
                Ok(Self { $($field: of.get(stringify!($field))?),* })
            }
        }
    };
    ($type:ty { $($field:ident),* $(,)? } or |$of:ident| $usual:expr) => {
        $crate::fields!(@write $type { $($field),* });

        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                let $of = $crate::json::Fields::of(value)?;
                let usual: Self = $usual;
                Ok(Self { $($field: $of.or(stringify!($field), usual.$field)?),* })
            }
        }
    };
}

/// Writes and reads an enum without data as one of these words.
#[macro_export]
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                let word: &str = match self { $(Self::$variant => $word),* };
                $crate::json::Write::write(word, out);
            }
        }

        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                match value.as_str() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err($crate::json::Wrong::expected(concat!("one of" $(, " ", $word)*), value)),
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Point {
        x: f64,
        label: Option<String>,
        ways: Vec<(u64, bool)>,
    }
    fields!(Point { x, label, ways });

    #[derive(Debug, PartialEq)]
    struct Bounds {
        low: u32,
        high: u32,
    }
    fields!(Bounds { low, high } or |_of| Bounds { low: 1, high: 9 });

    #[test]
    fn what_is_written_is_read_again() {
        let point = Point {
            x: 1.0,
            label: Some("a \"b\"\n".to_owned()),
            ways: vec![(1, true), (2, false)],
        };
        let text = to_string(&point);
        assert_eq!(
            text,
            r#"{"x":1.0,"label":"a \"b\"\n","ways":[[1,true],[2,false]]}"#
        );
        assert_eq!(from_str(&text), Ok(point));
    }

    #[test]
    fn numbers_are_written_as_serde_writes_them() {
        for number in [
            0.0,
            -0.0,
            1e-7,
            0.1,
            1e21,
            123_456.789,
            f64::MAX,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(to_string(&number), serde_json::to_string(&number).unwrap());
        }
    }

    #[test]
    fn options_may_be_missing_and_unknown_fields_are_passed_over() {
        let point: Point = from_str(r#"{"x":2,"ways":[],"later":{"y":[]}}"#).unwrap();
        assert_eq!((point.x, point.label), (2.0, None));
        assert_eq!(
            from_str::<Bounds>(r#"{"high":5}"#),
            Ok(Bounds { low: 1, high: 5 })
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        #[rustfmt::skip]
        let cases = [
            ("{", "EOF"),
            ("[]", "expected an object, found []"),
            (r#"{"ways":[]}"#, "missing field `x`"),
            (r#"{"x":"one","ways":[]}"#, "x: expected a number, found \"one\""),
            (r#"{"x":1,"ways":[[1]]}"#, "ways: expected a pair, found [1]"),
            (r#"{"x":1,"ways":[[1.5,true]]}"#, "ways: expected a whole number in bounds, found 1.5"),
        ];
        for (text, expected) in cases {
            let wrong = from_str::<Point>(text).unwrap_err().to_string();
            assert!(wrong.starts_with(expected), "{text}: {wrong}");
        }
        let wrong = from_str::<Bounds>(r#"{"low":4294967296}"#).unwrap_err();
        assert!(
            wrong
                .to_string()
                .starts_with("low: expected a whole number")
        );
    }
}
