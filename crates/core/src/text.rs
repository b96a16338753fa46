//! Looking for a text in a text.
//!
//! The library's own search is made for long texts and needles; here it would be ten kilobytes of
//! code, most of it for panics that cannot happen.

/// What stands before and after the first `wanted`, which is not empty.
pub(crate) fn split_once<'a>(text: &'a str, wanted: &str) -> Option<(&'a str, &'a str)> {
    let mut windows = text.as_bytes().windows(wanted.len().max(1));
    let at = windows.position(|window| window == wanted.as_bytes())?;
    Some((text.get(..at)?, text.get(at + wanted.len()..)?))
}

/// `text` with `new` in the place of each `old`.
pub(crate) fn replace(text: &str, old: &str, new: &str) -> String {
    let (mut replaced, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = split_once(rest, old) {
        replaced.push_str(before);
        replaced.push_str(new);
        rest = after;
    }
    replaced + rest
}

/// What is left of `text` from byte `at` on: nothing, where no character begins there.
pub(crate) fn from(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_and_replaced_as_the_library_does_it() {
        let texts = ["", "a", "aa", "aaa", "xaya", "éaé", "aéa", "ééé", "a&amp;b"];
        let wanted = ["a", "aa", "é", "&amp;", "xayaz"];
        for (text, wanted) in texts
            .iter()
            .flat_map(|text| wanted.map(|wanted| (text, wanted)))
        {
            assert_eq!(split_once(text, wanted), text.split_once(wanted));
            assert_eq!(replace(text, wanted, "aé"), text.replace(wanted, "aé"));
        }
    }
}
