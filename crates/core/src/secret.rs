//! A credential that cannot be printed, compared in haste or serialised.

use std::rc::Rc;

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

    /// Replaces each occurrence of the key in `text`, since some servers echo it in their errors.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_owned()
        } else {
            text.replace(&*self.0, "[key]")
        }
    }
}
