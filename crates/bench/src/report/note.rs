//! Notes that somebody acts on. Reports hold notes as sentences, also those of earlier versions, so such a
//! note is written here and known again here.

use super::Method;

/// What no other note begins with.
const HIDDEN: &str = "the page was out of sight for";

/// Says that a run was ended because there is no server.
pub(crate) const UNREACHED: &str = "no reply came through, so the run was ended early";

/// Says that the page that measured was hidden for so many seconds of the run.
pub fn hidden_note(hidden_s: f64, run_s: f64) -> String {
    format!(
        "{HIDDEN} {hidden_s} s of {run_s} s: browsers slow down what is hidden, so repeat the run with \
         the page in view if its figures matter"
    )
}

impl Method {
    /// The note that says that no reply came through.
    pub fn unreached_note(&self) -> Option<&str> {
        let mut notes = self.notes.iter().map(String::as_str);
        notes.find(|note| *note == UNREACHED)
    }

    /// The notes that say so.
    pub fn hidden_notes(&self) -> impl Iterator<Item = &str> {
        let notes = self.notes.iter().map(String::as_str);
        notes.filter(|note| note.starts_with(HIDDEN))
    }
}
