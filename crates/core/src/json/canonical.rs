//! One text for all ways to write the same JSON.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Json, Malformed, text};

/// Deeper values are left as they are.
const DEPTH_MAX: usize = 128;

/// The same JSON without white space and with its fields in order; numbers stay as they are written.
/// What is no JSON stays as it is, too, and so does half of a surrogate pair.
pub(crate) fn canonical(source: &str) -> Cow<'_, str> {
    let json = Json::new(source);
    let mut canonical = String::with_capacity(source.len());
    match json
        .check()
        .and_then(|()| write(json, DEPTH_MAX, &mut canonical))
    {
        Ok(()) => Cow::Owned(canonical),
        Err(Malformed) => Cow::Borrowed(source),
    }
}

fn write(json: Json<'_>, depth_left: usize, into: &mut String) -> Result<(), Malformed> {
    let depth_left = depth_left.checked_sub(1).ok_or(Malformed)?;
    if json.is_object() {
        // A name that is given twice is kept twice, in order: who knows which one counts.
        let mut members = BinaryHeap::new();
        let mut parts = json.members()?;
        while let Some((name, value)) = parts.next()? {
            if is_lossy(&name) {
                return Err(Malformed);
            }
            members.push(Reverse((name, members.len(), value.source())));
        }
        let mut before = '{';
        while let Some(Reverse((name, _, value))) = members.pop() {
            into.push(std::mem::replace(&mut before, ','));
            text::write(&name, into);
            into.push(':');
            write(Json::valid(value), depth_left, into)?;
        }
        into.push_str(if before == '{' { "{}" } else { "}" });
    } else if json.is_list() {
        let mut before = '[';
        let mut parts = json.items()?;
        while let Some((_, value)) = parts.next()? {
            into.push(std::mem::replace(&mut before, ','));
            write(value, depth_left, into)?;
        }
        into.push_str(if before == '[' { "[]" } else { "]" });
    } else {
        match json.text() {
            Some(string) if !is_lossy(&string) => text::write(&string, into),
            _ => into.push_str(json.source()),
        }
    }
    Ok(())
}

/// Whether others that are not the same may be read as this: halves of surrogate pairs all are.
fn is_lossy(text: &str) -> bool {
    text.contains('\u{fffd}')
}
