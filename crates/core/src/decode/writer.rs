//! Where the dialects write what an event says: into the caller's [`Decoded`], and into what is known
//! of the answer as a whole.

use super::calls::Calls;
use super::delta::{Decoded, Delta, FinishReason, Timings, Usage};
use super::error::StreamError;

/// More choices than any provider offers; each costs a little memory.
const CHOICES_MAX: usize = 1024;

/// What is known of the answer so far.
#[derive(Debug, Default)]
pub(super) struct State {
    begun: bool,
    ended: bool,
    /// An event has been read.
    said: bool,
    /// The choices seen, in order, and whether each has finished.
    choices: Vec<(u32, bool)>,
    usage: Usage,
    calls: Calls,
    /// The block in which the server calls a tool of its own.
    own_call: Option<u32>,
}

/// Where the dialects write what an event says.
pub(super) struct Writer<'a> {
    out: &'a mut Decoded,
    state: &'a mut State,
    raw: bool,
    /// The event held content.
    content: bool,
}

impl State {
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// There are choices, and each has said why it ended.
    pub(super) fn all_finished(&self) -> bool {
        !self.choices.is_empty() && self.none_unfinished()
    }

    /// Something was said, and no choice is still to say why it ended.
    pub(super) fn may_end(&self) -> bool {
        self.said && self.none_unfinished()
    }

    fn none_unfinished(&self) -> bool {
        self.choices.iter().all(|(_, finished)| *finished)
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// Whether `choice` has finished, to be changed.
    fn finished(&mut self, choice: u32) -> &mut bool {
        let known = self.choices.binary_search_by_key(&choice, |known| known.0);
        let at = known.unwrap_or_else(|at| {
            self.choices.insert(at, (choice, false));
            at
        });
        &mut self.choices[at].1
    }
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Decoded, state: &'a mut State, raw: bool) -> Self {
        Self {
            out,
            state,
            raw,
            content: false,
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.state.ended
    }

    /// The data itself is wanted, not what it says.
    pub(super) fn is_raw(&self) -> bool {
        self.raw
    }

    /// The event is content, whatever it says.
    pub(super) fn content(&mut self) {
        self.content = true;
    }

    /// An event has been read. Its data matters only where it is wanted itself.
    pub(super) fn end_event(&mut self, data: &str) {
        self.out.events += 1;
        self.state.said = true;
        self.out.content_events += u32::from(std::mem::take(&mut self.content));
        if self.raw {
            push_data(self.out, data);
        }
    }

    pub(super) fn begin(&mut self, id: Option<&str>, model: Option<&str>) {
        if self.state.begun || (id.is_none() && model.is_none()) {
            return;
        }
        self.state.begun = true;
        let (id, model) = (id.map(str::to_owned), model.map(str::to_owned));
        self.delta(Delta::Begin { id, model });
    }

    /// A choice shows itself, with or without content.
    pub(super) fn choice(&mut self, choice: u32) -> Result<(), StreamError> {
        self.state.finished(choice);
        if self.state.choices.len() > CHOICES_MAX {
            return Err(StreamError::Malformed("too many choices".to_owned()));
        }
        Ok(())
    }

    pub(super) fn text(&mut self, of: u32, piece: &str) {
        if !self.says(piece) {
            return;
        }
        if of == 0 {
            self.out.text.push_str(piece);
            return;
        }
        match self.out.deltas.last_mut() {
            Some(Delta::Text { choice, text }) if *choice == of => text.push_str(piece),
            _ => self.out.deltas.push(Delta::Text {
                choice: of,
                text: piece.to_owned(),
            }),
        }
    }

    pub(super) fn reasoning(&mut self, of: u32, piece: &str) {
        if !self.says(piece) {
            return;
        }
        match self.out.deltas.last_mut() {
            Some(Delta::Reasoning { choice, text }) if *choice == of => text.push_str(piece),
            _ => self.out.deltas.push(Delta::Reasoning {
                choice: of,
                text: piece.to_owned(),
            }),
        }
    }

    pub(super) fn refusal(&mut self, of: u32, piece: &str) {
        if !self.says(piece) {
            return;
        }
        match self.out.deltas.last_mut() {
            Some(Delta::Refusal { choice, text }) if *choice == of => text.push_str(piece),
            _ => self.out.deltas.push(Delta::Refusal {
                choice: of,
                text: piece.to_owned(),
            }),
        }
    }

    /// The number of the call that a piece belongs to, whose own may be missing or another's.
    pub(super) fn place_of_call(
        &mut self,
        choice: u32,
        numbered: Option<u32>,
        id: Option<&str>,
        name: Option<&str>,
    ) -> u32 {
        let calls = &mut self.state.calls;
        calls.place(choice, numbered, id, name.is_some())
    }

    /// A block begins; `is_own` where the server calls a tool of its own in it.
    pub(super) fn block(&mut self, index: u32, is_own: bool) {
        if is_own {
            self.content = true;
            self.state.own_call = Some(index);
        } else if self.state.own_call == Some(index) {
            self.state.own_call = None;
        }
    }

    /// Whether the server calls a tool of its own in this block.
    pub(super) fn is_own_call(&self, index: u32) -> bool {
        self.state.own_call == Some(index)
    }

    pub(super) fn tool_call(
        &mut self,
        of: u32,
        call: u32,
        id: Option<&str>,
        name: Option<&str>,
        piece: &str,
        extra: Option<&str>,
    ) {
        self.content = true;
        if self.raw {
            return;
        }
        match self.out.deltas.last_mut() {
            Some(Delta::ToolCall {
                choice,
                index,
                arguments,
                ..
            }) if (id, name, extra) == (None, None, None) && (*choice, *index) == (of, call) => {
                arguments.push_str(piece);
            }
            _ => self.out.deltas.push(Delta::ToolCall {
                choice: of,
                index: call,
                id: id.map(str::to_owned),
                name: name.map(str::to_owned),
                arguments: piece.to_owned(),
                extra_content: extra.map(str::to_owned),
            }),
        }
    }

    pub(super) fn usage(&mut self, usage: Usage) {
        self.state.usage.update(usage);
        self.delta(Delta::Usage(self.state.usage));
    }

    pub(super) fn timings(&mut self, timings: Timings) {
        self.delta(Delta::Timings(timings));
    }

    pub(super) fn finish(&mut self, choice: u32, reason: FinishReason) {
        *self.state.finished(choice) = true;
        self.delta(Delta::Finish { choice, reason });
    }

    /// The terminal event of dialects that answer by choices. Without a single one, nothing was
    /// answered, which must not pass for a success.
    pub(super) fn end_of_choices(&mut self) -> Result<(), StreamError> {
        if self.state.choices.is_empty() {
            return Err(StreamError::Empty);
        }
        self.end();
        Ok(())
    }

    pub(super) fn end(&mut self) {
        self.state.ended = true;
    }

    /// Notes that the event has content, and whether it is to be written here.
    fn says(&mut self, piece: &str) -> bool {
        self.content |= !piece.is_empty();
        !piece.is_empty() && !self.raw
    }

    fn delta(&mut self, delta: Delta) {
        if !self.raw {
            self.out.deltas.push(delta);
        }
    }
}

fn push_data(out: &mut Decoded, data: &str) {
    if !out.data_ends.is_empty() {
        out.text.push(',');
    }
    out.text.push_str(data);
    out.data_ends.push(out.text.len() as u32);
}
