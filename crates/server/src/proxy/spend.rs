//! The spend guard: so many calls and so many tokens per run, and not one call more.
//!
//! Tokens are read from the usage that passes by in the answer; where there is none, four bytes of
//! answer count as one. A call is refused once a limit is reached; those already under way end.

use std::sync::{Mutex, PoisonError};

use memchr::memmem;

/// What may be spent, and what has been.
#[derive(Debug)]
pub(crate) struct Spend {
    calls_max: u64,
    tokens_max: u64,
    used: Mutex<Used>,
}

/// Calls and tokens so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) calls: u64,
    pub(crate) tokens: u64,
}

impl Spend {
    pub(crate) fn new(calls_max: u64, tokens_max: u64) -> Self {
        Self {
            calls_max,
            tokens_max,
            used: Mutex::default(),
        }
    }

    /// Counts one call, or says what is used up.
    pub(crate) fn call(&self) -> Result<(), String> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.calls >= self.calls_max {
            return Err(format!(
                "the {} calls of this run are used up (--spend-calls)",
                self.calls_max
            ));
        }
        if used.tokens >= self.tokens_max {
            return Err(format!(
                "the {} tokens of this run are used up (--spend-tokens)",
                self.tokens_max
            ));
        }
        used.calls += 1;
        Ok(())
    }

    pub(crate) fn add_tokens(&self, tokens: u64) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.tokens = used.tokens.saturating_add(tokens);
    }

    pub(crate) fn used(&self) -> Used {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls and tokens left.
    pub(crate) fn left(&self) -> (u64, u64) {
        let used = self.used();
        (
            self.calls_max - used.calls,
            self.tokens_max.saturating_sub(used.tokens),
        )
    }
}

const NAMES: [&[u8]; 3] = [
    b"\"total_tokens\":",
    b"\"input_tokens\":",
    b"\"output_tokens\":",
];
/// The longest name with its number: what may be cut by the border of two pieces.
const CARRY: usize = 40;
const BYTES_PER_TOKEN: u64 = 4;

/// Reads usage from an answer that passes by in pieces, without parsing it.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The largest value seen of each name: streams repeat and raise them.
    seen: [u64; 3],
    tail: Vec<u8>,
    pub(crate) bytes: u64,
}

impl Meter {
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        // The border first, then the piece itself where it lies: a large piece is not copied.
        self.tail
            .extend_from_slice(&piece[..piece.len().min(CARRY)]);
        scan(&self.tail, &mut self.seen);
        scan(piece, &mut self.seen);
        if piece.len() >= CARRY {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - CARRY..]);
        }
        let surplus = self.tail.len().saturating_sub(CARRY);
        self.tail.drain(..surplus);
    }

    /// Tokens used, as far as the answer told.
    pub(crate) fn tokens(&self) -> u64 {
        let [total, input, output] = self.seen;
        match total.max(input.saturating_add(output)) {
            0 => self.bytes / BYTES_PER_TOKEN,
            told => told,
        }
    }
}

fn scan(text: &[u8], seen: &mut [u64; 3]) {
    for (name, seen) in NAMES.iter().zip(seen) {
        for start in memmem::find_iter(text, name) {
            let digits = text[start + name.len()..]
                .iter()
                .skip_while(|byte| **byte == b' ');
            let digits = digits.take_while(|byte| byte.is_ascii_digit()).take(12);
            let value = digits.fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
            *seen = (*seen).max(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_tokens_are_refused_once_used_up() {
        let spend = Spend::new(2, 100);
        assert!(spend.call().is_ok() && spend.call().is_ok());
        assert!(spend.call().expect_err("calls").contains("--spend-calls"));
        let spend = Spend::new(9, 100);
        assert!(spend.call().is_ok());
        spend.add_tokens(100);
        assert!(spend.call().expect_err("tokens").contains("--spend-tokens"));
        assert_eq!(spend.left(), (8, 0));
    }

    #[test]
    fn usage_is_found_wherever_the_answer_is_cut() {
        let openai = br#"{"choices":[],"usage":{"prompt_tokens":11,"total_tokens": 57}}"#;
        let anthropic =
            br#"{"usage":{"input_tokens":25,"output_tokens":1}} {"usage":{"output_tokens":15}}"#;
        for (text, expected) in [(&openai[..], 57), (&anthropic[..], 40)] {
            for size in 1..text.len() {
                let mut meter = Meter::default();
                text.chunks(size).for_each(|piece| meter.feed(piece));
                assert_eq!(meter.tokens(), expected, "pieces of {size}");
            }
        }
    }

    #[test]
    fn without_usage_bytes_are_counted() {
        let mut meter = Meter::default();
        meter.feed(&[b'x'; 400]);
        assert_eq!(meter.tokens(), 100);
    }
}
