//! Plain values as JSON, written and read by tables of their fields.
//!
//! The page and the package carry this code to every visitor, and serde's derived code for the same
//! types is six times as large: it has a copy of each field's reading for each type. Here a field is a
//! call. The types have serde's traits as well, by way of this.
//!
//! Fields that are unknown are passed over, so that a reader of today reads what later versions
//! write.

#[macro_use]
mod tables;
mod values;

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
        let shown = Some(to_string(found)).filter(|text| text.len() <= FOUND_BYTES_MAX);
        let shown = shown.as_deref().unwrap_or("something long");
        Self(format!("expected {what}, found {shown}"))
    }

    /// A variant that an enum does not have.
    #[cold]
    pub fn unknown(word: &str) -> Self {
        Self(format!("there is no `{word}` here"))
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
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Wrong::new(format!(
            "it is not JSON, or was cut short, at line {line}, column {column}"
        ))
    })
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

/// Written as an object of these fields.
#[allow(
    missing_debug_implementations,
    reason = "what can be written need not be shown"
)]
pub struct Named<'a>(pub &'a [(&'a str, &'a dyn Write)]);

impl Write for Named<'_> {
    fn write(&self, out: &mut String) {
        let mut object = Object::new(out);
        for (name, value) in self.0 {
            object.field(name, *value);
        }
        object.end();
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

    /// One with this field alone: how an enum's variant with data is written.
    pub fn of_one(out: &'a mut String, name: &str, value: &dyn Write) {
        let mut object = Self::new(out);
        object.field(name, value);
        object.end();
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

    #[derive(Debug, PartialEq)]
    enum Shape {
        Nothing,
        Line(u64),
        Box { width: u32, label: Option<String> },
    }
    variants!(Shape { Nothing = "nothing", Line(long) = "line", Box { width, label } = "box" });

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
    fn variants_are_written_by_their_words() {
        let label = Some("a".to_owned());
        #[rustfmt::skip]
        let cases = [
            (Shape::Nothing,                r#""nothing""#),
            (Shape::Line(3),                r#"{"line":3}"#),
            (Shape::Box { width: 2, label }, r#"{"box":{"width":2,"label":"a"}}"#),
        ];
        for (shape, text) in cases {
            assert_eq!(to_string(&shape), text);
            assert_eq!(from_str(text), Ok(shape));
        }
        let wrong = from_str::<Shape>(r#"{"ring":1}"#).unwrap_err().to_string();
        assert_eq!(wrong, "there is no `ring` here");
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
            ("{", "it is not JSON, or was cut short, at line 1, column 1"),
            ("[]", "expected an object, found []"),
            (r#"{"ways":[]}"#, "missing field `x`"),
            (r#"{"x":"one","ways":[]}"#, "x: expected a number, found \"one\""),
            (r#"{"x":1,"ways":[[1]]}"#, "ways: expected a pair, found [1]"),
            (r#"{"x":1,"ways":[[1.5,true]]}"#, "ways: expected a whole number from 0 to 18446744073709551615, found 1.5"),
        ];
        for (text, expected) in cases {
            let wrong = from_str::<Point>(text).unwrap_err().to_string();
            assert!(wrong.starts_with(expected), "{text}: {wrong}");
        }
        let wrong = from_str::<Bounds>(r#"{"low":4294967296}"#).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "low: expected a whole number from 0 to 4294967295, found 4294967296"
        );
    }
}
