//! Beginnings of texts, fit for an error message.

/// How much of something unexpected is shown, in characters.
pub(super) const EXCERPT_CHARS: usize = 200;

/// The beginning of `text`, on one line.
pub(super) fn excerpt(text: &str) -> String {
    shorten(text, EXCERPT_CHARS)
}

/// At most `chars_max` characters; control characters become spaces.
pub(super) fn shorten(text: &str, chars_max: usize) -> String {
    let calm = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(chars_max).map(calm).collect()
}
