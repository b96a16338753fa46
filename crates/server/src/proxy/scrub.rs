//! Takes a key that an upstream echoes out of what it says.
//!
//! A text that is read whole gets `[key]` instead. In an answer that passes by in pieces every byte
//! of the key becomes a `*`, so that lengths and framing stay as they were; only the end of a piece
//! that may be the beginning of the key is held back until the next piece comes. Events end in a
//! line feed, which begins no key, so none of them ever waits.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memmem::{self, Finder};

/// Local servers are given keys like `test` or `none`, which are words of many an answer: what is
/// shorter than this is left in answers, and taken out of errors only.
const SECRET_BYTES_MIN: usize = 16;

/// The key of an upstream. Never shown: no Debug, no Display.
#[derive(Clone)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// None if it is empty.
    pub(super) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.into()))
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether it is too long for an ordinary word.
    fn is_secret(&self) -> bool {
        self.bytes().len() >= SECRET_BYTES_MIN
    }

    /// Whether a piece of an answer holds it.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.is_secret() && memmem::find(text, self.bytes()).is_some()
    }

    /// Whether the name of a header holds it, which has come in lower case whatever was sent.
    pub(super) fn is_in_name(&self, name: &str) -> bool {
        self.is_secret() && name.contains(&self.0.to_ascii_lowercase())
    }

    /// Replaces it everywhere.
    pub(super) fn scrub(&self, text: &[u8]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(text.len());
        let mut from = 0;
        for start in memmem::find_iter(text, self.bytes()) {
            clean.extend_from_slice(&text[from..start]);
            clean.extend_from_slice(b"[key]");
            from = start + self.bytes().len();
        }
        clean.extend_from_slice(&text[from..]);
        clean
    }

    /// The same for a text whose end was cut off, maybe within the key.
    pub(super) fn scrub_cut(&self, text: &[u8]) -> Vec<u8> {
        self.scrub(&text[..text.len() - self.begun(text)])
    }

    /// How many bytes at the end of `text` may be the beginning of the key.
    fn begun(&self, text: &[u8]) -> usize {
        let key = self.bytes();
        let longest = text.len().min(key.len() - 1);
        (1..=longest)
            .rev()
            .find(|count| text.ends_with(&key[..*count]))
            .unwrap_or(0)
    }
}

/// An answer of which the key is taken out piece by piece.
pub(super) struct Scrub {
    key: Option<Key>,
    /// So many bytes are held back, which are the first ones of the key.
    held: usize,
}

impl Scrub {
    pub(super) fn new(key: Option<&Key>) -> Self {
        Self {
            key: key.filter(|key| key.is_secret()).cloned(),
            held: 0,
        }
    }

    /// What may pass now that `piece` has come.
    pub(super) fn pass(&mut self, piece: Bytes) -> Bytes {
        let Some(key) = &self.key else { return piece };
        if self.held == 0 && key.begun(&piece) == 0 && !key.is_in(&piece) {
            return piece;
        }
        let mut text = BytesMut::with_capacity(self.held + piece.len());
        text.extend_from_slice(&key.bytes()[..self.held]);
        text.extend_from_slice(&piece);
        let (finder, mut from) = (Finder::new(key.bytes()), 0);
        while let Some(start) = finder.find(&text[from..]) {
            let end = from + start + key.bytes().len();
            text[from + start..end].fill(b'*');
            from = end;
        }
        self.held = key.begun(&text[from..]);
        text.truncate(text.len() - self.held);
        text.freeze()
    }

    /// How many bytes are held back.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// What was held back, once nothing more comes: it was not the key.
    pub(super) fn rest(&mut self) -> Option<Bytes> {
        let key = self.key.as_ref().filter(|_| self.held > 0)?;
        let held = std::mem::take(&mut self.held);
        Some(Bytes::copy_from_slice(&key.bytes()[..held]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-sk-canary-0123456789";

    fn scrubbed(text: &str, size: usize) -> String {
        let mut scrub = Scrub::new(Key::new(KEY).as_ref());
        let mut passed = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            passed.extend(scrub.pass(Bytes::copy_from_slice(piece)));
        }
        passed.extend(scrub.rest().unwrap_or_default());
        String::from_utf8(passed).expect("utf-8")
    }

    #[test]
    fn the_key_is_found_wherever_the_answer_is_cut_and_all_else_stays() {
        let stars = "*".repeat(KEY.len());
        for text in [
            format!("data: {KEY}\n\n"),
            format!("{KEY}{KEY}"),
            format!("sk-{KEY} sk-sk-canary"),
            "sk-sk-sk-canary-012345678".to_owned(),
            String::new(),
        ] {
            let expected = text.replace(KEY, &stars);
            for size in 1..=text.len().max(1) {
                assert_eq!(scrubbed(&text, size), expected, "pieces of {size}");
            }
        }
    }

    #[test]
    fn a_whole_event_is_never_held_back() {
        let mut scrub = Scrub::new(Key::new(KEY).as_ref());
        for text in ["data: a task\n\n", "data: sk-\n\n", "{\"id\":\"sk\"}"] {
            assert_eq!(scrub.pass(Bytes::from(text)), text);
        }
        assert_eq!(
            (scrub.pass(Bytes::from("a risk")), scrub.held()),
            (Bytes::from("a ri"), 2)
        );
    }

    #[test]
    fn a_key_that_is_an_ordinary_word_stays_in_answers() {
        let key = Key::new("test").expect("a key");
        let mut scrub = Scrub::new(Some(&key));
        assert_eq!(scrub.pass(Bytes::from("this is a test")), "this is a test");
        // Or a key of `json` would cost an answer its type.
        assert!(!key.is_in(b"test/plain") && !key.is_in_name("x-ratelimit-test"));
    }

    #[test]
    fn texts_that_are_read_whole_get_a_word_instead() {
        let key = Key::new(KEY).expect("a key");
        assert_eq!(
            key.scrub(format!("bad key {KEY}!").as_bytes()),
            b"bad key [key]!"
        );
        assert_eq!(key.scrub_cut(b"bad key sk-sk-can"), b"bad key ");
        assert!(Key::new("").is_none());
    }
}
