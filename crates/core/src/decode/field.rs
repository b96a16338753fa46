//! How the fields of answers are read: leniently where servers differ, strictly where a mistake would
//! lose a piece of the text.
//!
//! A number that no float can hold is an error wherever one of these looks at it.

use std::borrow::Cow;

use crate::json::{Json, Malformed};

/// Thoughts within thoughts are followed this deep.
const THOUGHTS_DEPTH_MAX: usize = 60;

/// A string, borrowed where possible; whatever else stands in its place counts as none.
pub(super) fn text(json: Json<'_>) -> Result<Option<Cow<'_, str>>, Malformed> {
    json.in_range().map(Json::text)
}

/// A piece of text. Cloudflare makes a number of one that looks like it, which is then its source.
pub(super) fn piece(json: Json<'_>) -> Result<Option<Cow<'_, str>>, Malformed> {
    let json = json.in_range()?.present();
    let said = json.filter(|json| !json.is_object() && !json.is_list());
    Ok(said.map(text_or_source))
}

/// A name, an id or a word for the end. Some servers say that there is none by an empty one.
pub(super) fn name(json: Json<'_>) -> Result<Option<Cow<'_, str>>, Malformed> {
    Ok(text(json)?.filter(|name| !name.is_empty()))
}

/// The text, where it could be borrowed.
pub(super) fn borrowed<'a>(text: Option<&Cow<'a, str>>) -> Option<&'a str> {
    match text {
        Some(Cow::Borrowed(text)) => Some(text),
        _ => None,
    }
}

/// A count: a whole number from 0 on; anything else counts as none.
pub(super) fn count(json: Json<'_>) -> Result<Option<u64>, Malformed> {
    json.in_range().map(Json::count)
}

/// A position in a list, where one is named.
pub(super) fn place(json: Json<'_>) -> Result<Option<u32>, Malformed> {
    let place = |count| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(count(json)?.map(place))
}

/// A position in a list; the first where none is named.
pub(super) fn index(json: Json<'_>) -> Result<u32, Malformed> {
    Ok(place(json)?.unwrap_or_default())
}

/// A string or a whole number, as error codes are both.
pub(super) fn code(json: Json<'_>) -> Result<Option<String>, Malformed> {
    let text = text(json)?.map(Cow::into_owned);
    Ok(text.or_else(|| json.count().map(|count| count.to_string())))
}

/// A string's text, or any other value as it is written.
pub(super) fn text_or_source(json: Json<'_>) -> Cow<'_, str> {
    json.text().unwrap_or_else(|| Cow::Borrowed(json.source()))
}

/// An object, or whatever else stands in its place, which counts as none: events of types that we do
/// not know may use our names for other things.
pub(super) fn maybe<'a, T>(
    json: Json<'a>,
    read: fn(Json<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    let json = json.in_range()?;
    json.is_object().then(|| read(json)).transpose()
}

/// What an `error` field reports; some servers say `false` or nothing where all went well.
pub(super) fn error(json: Json<'_>) -> Option<Json<'_>> {
    json.present()
        .filter(|json| !matches!(json.source(), "false" | "0" | "\"\"" | "[]"))
}

/// The items of a list, unless it is absent or null.
pub(super) fn list<'a, T>(
    json: Json<'a>,
    read: fn(Json<'a>) -> Result<T, Malformed>,
) -> Result<Option<Vec<T>>, Malformed> {
    let Some(json) = json.present() else {
        return Ok(None);
    };
    let (mut items, mut parts) = (Vec::new(), json.items()?);
    while let Some((_, part)) = parts.next()? {
        items.push(read(part)?);
    }
    Ok(Some(items))
}

/// The same, or a single item that stands in the list's place, as TGI 2 puts the pieces of a tool call.
pub(super) fn list_or_one<'a, T>(
    json: Json<'a>,
    read: fn(Json<'a>) -> Result<T, Malformed>,
) -> Result<Option<Vec<T>>, Malformed> {
    if json.is_object() {
        return Ok(Some(vec![read(json)?]));
    }
    list(json, read)
}

/// A text that may be null or a list of parts, and nothing else.
#[derive(Default)]
pub(super) struct Content<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    /// What the list's `thinking` parts said.
    pub(super) reasoning: String,
}

impl<'a> Content<'a> {
    pub(super) fn read(json: Json<'a>) -> Result<Self, Malformed> {
        Self::read_within(json, THOUGHTS_DEPTH_MAX)
    }

    fn read_within(json: Json<'a>, depth_left: usize) -> Result<Self, Malformed> {
        let mut content = Self::default();
        let Some(json) = json.present() else {
            return Ok(content);
        };
        if !json.is_list() {
            content.text = Some(piece(json)?.ok_or(Malformed)?);
            return Ok(content);
        }
        let depth_left = depth_left.checked_sub(1).ok_or(Malformed)?;
        let mut parts = json.items()?;
        while let Some((_, part)) = parts.next()? {
            let [said, thinking] = part.fields(["text", "thinking"])?;
            if let Some(piece) = piece(said)? {
                let text = content.text.get_or_insert_default();
                text.to_mut().push_str(&piece);
            }
            let thought = Self::read_within(thinking, depth_left)?;
            content
                .reasoning
                .push_str(thought.text.as_deref().unwrap_or_default());
        }
        Ok(content)
    }
}
