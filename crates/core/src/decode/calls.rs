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
    numbered: Option<u32>,
    /// The number that it goes by.
    given: u32,
    id: Option<String>,
}

impl Calls {
    /// The number of the call that a piece belongs to.
    pub(super) fn place(
        &mut self,
        choice: u32,
        numbered: Option<u32>,
        id: Option<&str>,
        is_named: bool,
    ) -> u32 {
        let id = id.filter(|id| id.len() <= ID_BYTES_MAX);
        let (mut latest, mut is_taken, mut next) = (None, numbered.is_none(), 0);
        for call in self.0.iter().filter(|call| call.choice == choice) {
            if numbered.is_none() || call.numbered == numbered {
                latest = Some(call);
            }
            is_taken |= numbered == Some(call.given);
            next = next.max(call.given.saturating_add(1));
        }
        if let Some(call) = latest {
            let is_same = match (id, &call.id) {
                (Some(id), Some(known)) => id == known,
                _ => numbered.is_some(),
            };
            if is_same || !is_named {
                return call.given;
            }
        }
        let given = numbered.filter(|_| !is_taken).unwrap_or(next);
        if self.0.len() < CALLS_MAX {
            let id = id.map(str::to_owned);
            self.0.push(Call {
                choice,
                numbered,
                given,
                id,
            });
        }
        given
    }
}
