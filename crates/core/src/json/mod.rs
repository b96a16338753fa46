//! JSON as others wrote it: read where it lies, only as far as it is asked for.
//!
//! Not by serde, on purpose: code derived for each struct and each of its visitors came to 66 kB, a
//! sixth of the module that every visitor of a page loads. Here a [`Json`] is a piece of the text,
//! and one loop finds the fields of an object, whichever they are. A value is checked once, with the
//! outermost one around it, and skipped once for each further object or list around it that is looked
//! into, a handful at most. It accepts what `serde_json` accepts, to the letter; the tests hold the two
//! against each other.
//!
//! Nesting costs no stack. A key given twice is an error where we read it, since parsers disagree
//! on which one counts, and a lone surrogate becomes U+FFFD.

mod canonical;
mod number;
mod scan;
mod text;

pub(crate) use canonical::canonical;
pub(crate) use text::unescape;

use std::borrow::Cow;

use scan::Scan;

/// The text is no JSON, or not the JSON that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A JSON value as it is written, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Json<'a> {
    text: &'a str,
    /// What comes out of another value is valid, so that it is not checked again; the outermost one is
    /// found out as it is read.
    is_valid: bool,
}

impl<'a> Json<'a> {
    /// A value that is still to be checked.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text: text.trim_matches([' ', '\t', '\n', '\r']),
            is_valid: false,
        }
    }

    /// A value that is known to be one.
    const fn valid(text: &'a str) -> Self {
        Self {
            text,
            is_valid: true,
        }
    }

    /// Checks that it is one whole value.
    pub(crate) fn check(self) -> Result<(), Malformed> {
        let mut scan = Scan::new(self.text);
        scan.value()?;
        scan.end()
    }

    /// As it is written, without white space around it.
    pub(crate) const fn source(self) -> &'a str {
        self.text
    }

    /// The value, unless it is absent or null.
    pub(crate) fn present(self) -> Option<Self> {
        (!matches!(self.text, "" | "null")).then_some(self)
    }

    pub(crate) fn is_object(self) -> bool {
        self.text.as_bytes().first() == Some(&b'{')
    }

    pub(crate) fn is_list(self) -> bool {
        self.text.as_bytes().first() == Some(&b'[')
    }

    /// A string's text, borrowed where it has no escapes.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let [b'"', .., b'"'] = self.text.as_bytes() else {
            return None;
        };
        unescape(self.text.get(1..self.text.len() - 1)?)
    }

    /// A number, as a float.
    pub(crate) fn real(self) -> Option<f64> {
        number::real(self.text)
    }

    /// A whole number from 0 on, however it is written.
    pub(crate) fn count(self) -> Option<u64> {
        number::count(self.text)
    }

    /// The value, unless it is a number that no float can hold.
    pub(crate) fn in_range(self) -> Result<Self, Malformed> {
        match self.real() {
            Some(number) if number.is_infinite() => Err(Malformed),
            _ => Ok(self),
        }
    }

    /// The fields of these names of what must be an object.
    pub(crate) fn fields<const N: usize>(self, names: [&str; N]) -> Result<[Self; N], Malformed> {
        let mut found = [Self::default(); N];
        self.find(&names, &mut found)?;
        Ok(found)
    }

    fn find(self, names: &[&str], found: &mut [Self]) -> Result<(), Malformed> {
        let mut members = self.members()?;
        while let Some((name, value)) = members.next()? {
            let known = names
                .iter()
                .zip(&mut *found)
                .find(|(known, _)| **known == name);
            match known {
                None => {}
                Some((_, place)) if place.text.is_empty() => *place = value,
                Some(_) => return Err(Malformed),
            }
        }
        Ok(())
    }

    /// The members of what must be an object.
    pub(crate) fn members(self) -> Result<Parts<'a>, Malformed> {
        Parts::of(self, b'{', b'}')
    }

    /// The items of what must be a list. Their names are empty.
    pub(crate) fn items(self) -> Result<Parts<'a>, Malformed> {
        Parts::of(self, b'[', b']')
    }
}

/// What an object or a list holds, one part after the other.
#[derive(Clone)]
pub(crate) struct Parts<'a> {
    scan: Scan<'a>,
    is_valid: bool,
    close: u8,
    begun: bool,
}

impl<'a> Parts<'a> {
    fn of(json: Json<'a>, open: u8, close: u8) -> Result<Self, Malformed> {
        let mut scan = Scan::new(json.text);
        scan.expect(open)?;
        Ok(Self {
            scan,
            is_valid: json.is_valid,
            close,
            begun: false,
        })
    }

    /// The next part; not asked for again after the last one.
    pub(crate) fn next(&mut self) -> Result<Option<(Cow<'a, str>, Json<'a>)>, Malformed> {
        if self.scan.meets(self.close) {
            return self.scan.end().map(|()| None);
        }
        if std::mem::replace(&mut self.begun, true) {
            self.scan.expect(b',')?;
        }
        let name = match self.close {
            b'}' => Json::valid(self.scan.name()?).text().ok_or(Malformed)?,
            _ => Cow::Borrowed(""),
        };
        let value = if self.is_valid {
            self.scan.skip()?
        } else {
            self.scan.value()?
        };
        Ok(Some((name, Json::valid(value))))
    }
}

#[cfg(test)]
mod tests;
