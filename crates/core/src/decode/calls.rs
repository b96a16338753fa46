//! Which tool call a piece of a stream belongs to.
//!
//! A number should tell. Gemini gives none, and proxies before it number every call 0: what names
//! another tool call by another id is another call all the same.

/// Calls that are told apart; more than any model asks for at once.
const CALLS_MAX: usize = 128;

/// Ids longer than this are not remembered, in bytes.
const ID_BYTES_MAX: usize = 200;

/// The calls that a stream has begun.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    choice: u32,
    /// The server's number for it.
    asked: Option<u32>,
    /// The number that it goes by.
    given: u32,
    id: Option<String>,
}

impl Calls {
    /// The number of the call that a piece belongs to.
    pub(super) fn place(
        &mut self,
        choice: u32,
        asked: Option<u32>,
        id: Option<&str>,
        is_named: bool,
    ) -> u32 {
        let id = id.filter(|id| id.len() <= ID_BYTES_MAX);
        let of_choice = || self.0.iter().filter(|call| call.choice == choice);
        let mut alike = of_choice().filter(|call| asked.is_none() || call.asked == asked);
        if let Some(call) = alike.next_back() {
            let is_same = match (id, &call.id) {
                (Some(id), Some(known)) => id == known,
                _ => asked.is_some(),
            };
            if is_same || !is_named {
                return call.given;
            }
        }
        let is_free = |index: &u32| of_choice().all(|call| call.given != *index);
        let next = || of_choice().map(|call| call.given.saturating_add(1)).max();
        let given = asked.filter(is_free).or_else(next).unwrap_or_default();
        if self.0.len() < CALLS_MAX {
            let id = id.map(str::to_owned);
            self.0.push(Call {
                choice,
                asked,
                given,
                id,
            });
        }
        given
    }
}
