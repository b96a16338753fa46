//! The values that everything else is made of, as JSON.

use serde_json::Value;

use super::{Read, Write, Wrong};

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
        Value::from(*self).write(out);
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
    number.ok_or_else(|| Wrong::expected(&format!("a whole number from 0 to {max}"), value))
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
