//! What an HTML page says, in a few words: proxies and portals answer with pages, and an error
//! message needs their sentence, not their markup.

use std::borrow::Cow;

use crate::text;

use super::excerpt::{EXCERPT_CHARS, shorten};

/// How much of a page is looked at.
const PAGE_BYTES_MAX: usize = 16 * 1024;

/// Whether a body is a page rather than JSON or text.
pub(super) fn is_html(body: &str) -> bool {
    body.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('<')
}

/// The page's words without tags, scripts and styles, at most 200 characters.
pub(super) fn words(page: &[u8]) -> String {
    let page: Cow<'_, str> = String::from_utf8_lossy(&page[..page.len().min(PAGE_BYTES_MAX)]);
    let mut words = String::new();
    let mut rest = &*page;
    while let Some((before, _)) = rest.split_once('<') {
        add(&mut words, before);
        rest = after_tag(text::from(rest, before.len()));
    }
    add(&mut words, rest);
    shorten(&words, EXCERPT_CHARS)
}

/// What follows the tag, comment, script or style at the beginning of `text`.
fn after_tag(text: &str) -> &str {
    let skip = |end: &str| match find_ignoring_case(text, end) {
        Some(at) => text::from(text, at + end.len()),
        None => "",
    };
    let starts = |with: &str| {
        text.get(..with.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(with))
    };
    if starts("<!--") {
        skip("-->")
    } else if starts("<script") {
        skip("</script>")
    } else if starts("<style") {
        skip("</style>")
    } else {
        skip(">")
    }
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    let wanted = wanted.as_bytes();
    let mut windows = text.as_bytes().windows(wanted.len());
    windows.position(|window| window.eq_ignore_ascii_case(wanted))
}

/// Adds text with its white space collapsed and the usual entities decoded.
fn add(words: &mut String, text: &str) {
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&decode(word));
    }
}

fn decode(word: &str) -> Cow<'_, str> {
    if !word.contains('&') {
        return Cow::Borrowed(word);
    }
    // The ampersand comes last, or it would make new entities.
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let decoded = entities.iter().fold(word.to_owned(), |word, (name, c)| {
        text::replace(&word, name, c)
    });
    Cow::Owned(decoded)
}
