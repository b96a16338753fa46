//! A credential that cannot be printed, compared in haste or serialised.

use std::rc::Rc;

use crate::text;

/// Fewer characters are an ordinary word (`EMPTY`, `none`, `k`), as servers that want no key are
/// given one: they keep nothing secret, and would be found in many a message. What looks like a key,
/// such as `sk-test`, has more.
const SECRET_MIN: usize = 7;

/// Fewer characters at the end of a text are not taken for the beginning of a key.
const BEGINNING_MIN: usize = 4;

/// An API key. It has no `Debug`, `Display` or `Serialize`, so it cannot reach a log, an error or
/// an export by accident; [`Secret::expose`] is the one way to its text.
#[derive(Clone)]
pub struct Secret(Rc<str>);

impl Secret {
    /// Wraps a key. Surrounding white space, which comes from pasting, is cut off.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The key itself, for the header that carries it and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces each occurrence of the key in `text`, since some servers echo it in their errors:
    /// also a beginning of it, where the text was cut in its middle. A key of less than seven bytes
    /// is left where it is: it may be an ordinary word.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.len() < SECRET_MIN {
            return text.to_owned();
        }
        let text = text::replace(text, &self.0, "[key]");
        let end = text.trim_end_matches(['…', '.']);
        let lengths = (BEGINNING_MIN..self.0.len()).rev();
        let mut beginnings = lengths.filter_map(|length| self.0.get(..length));
        match beginnings.find_map(|beginning| end.strip_suffix(beginning)) {
            Some(before) => before.to_owned() + "[key]",
            None => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_scrubbed_whole_and_where_it_was_cut() {
        let key = Secret::new("sk-0123456789");
        #[rustfmt::skip]
        let cases = [
            ("no key here",                    "no key here"),
            ("bad sk-0123456789, sk-0123456789", "bad [key], [key]"),
            ("cut: sk-01234",                  "cut: [key]"),
            ("cut: sk-01234…",                 "cut: [key]"),
            ("sk-",                            "sk-"),     // too little to be one
            ("sk-01 goes on",                  "sk-01 goes on"),
        ];
        for (text, scrubbed) in cases {
            assert_eq!(key.scrub(text), scrubbed);
        }
    }

    #[test]
    fn a_word_in_the_place_of_a_key_leaves_texts_readable() {
        for word in ["k", "key", "EMPTY"] {
            let text = "the key is EMPTY";
            assert_eq!(Secret::new(word).scrub(text), text);
        }
    }
}
