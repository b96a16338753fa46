//! Where a JSON value ends, and whether it is one.

use super::Malformed;

/// A place in a text. White space before whatever is looked for is skipped.
#[derive(Clone)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Takes `wanted`, if it comes next.
    pub(super) fn meets(&mut self, wanted: u8) -> bool {
        let meets = self.peek() == Some(wanted);
        self.at += usize::from(meets);
        meets
    }

    pub(super) fn expect(&mut self, wanted: u8) -> Result<(), Malformed> {
        if self.meets(wanted) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Malformed),
        }
    }

    /// Takes a member's name with its quotes, and the colon after it.
    pub(super) fn name(&mut self) -> Result<&'a str, Malformed> {
        self.expect(b'"')?;
        let begin = self.at - 1;
        self.string()?;
        let name = self.since(begin);
        self.expect(b':')?;
        name
    }

    /// Takes a value, however deep it is.
    pub(super) fn value(&mut self) -> Result<&'a str, Malformed> {
        self.peek();
        let begin = self.at;
        // What closes the lists and objects that are open, innermost last.
        let mut open = Vec::new();
        loop {
            let close = match self.peek().ok_or(Malformed)? {
                b'{' => b'}',
                b'[' => b']',
                _ => {
                    self.scalar()?;
                    0
                }
            };
            if close != 0 {
                self.at += 1;
                if !self.meets(close) {
                    open.push(close);
                    if close == b'}' {
                        self.name()?;
                    }
                    continue;
                }
            }
            // A value has ended, and with it perhaps some of those around it.
            loop {
                let Some(&close) = open.last() else {
                    return self.since(begin);
                };
                if self.meets(close) {
                    open.pop();
                    continue;
                }
                self.expect(b',')?;
                if close == b'}' {
                    self.name()?;
                }
                break;
            }
        }
    }

    /// Takes a value of a text that is known to be valid: only strings and depth tell where it ends.
    pub(super) fn skip(&mut self) -> Result<&'a str, Malformed> {
        self.peek();
        let (begin, mut depth) = (self.at, 0_usize);
        while let Some(byte) = self.rest().first() {
            match byte {
                b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => break,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if *byte == b'"' {
                self.string()?;
            }
        }
        self.since(begin)
    }

    fn scalar(&mut self) -> Result<(), Malformed> {
        match self.take()? {
            b'"' => self.string(),
            b'-' => {
                let digit = self.take()?;
                self.number(digit)
            }
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            digit => self.number(digit),
        }
    }

    /// Takes the rest of a string.
    fn string(&mut self) -> Result<(), Malformed> {
        let bytes = self.text.as_bytes();
        loop {
            self.at += plain(self.rest());
            let mut byte = *bytes.get(self.at).ok_or(Malformed)?;
            while !matches!(byte, b'"' | b'\\' | 0..0x20) {
                self.at += 1;
                byte = *bytes.get(self.at).ok_or(Malformed)?;
            }
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                _ => return Err(Malformed),
            }
        }
    }

    /// Takes the rest of an escape.
    fn escape(&mut self) -> Result<(), Malformed> {
        match self.take()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
            b'u' => {
                for _ in 0..4 {
                    if !self.take()?.is_ascii_hexdigit() {
                        return Err(Malformed);
                    }
                }
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    /// Takes the rest of a number.
    fn number(&mut self, first: u8) -> Result<(), Malformed> {
        match first {
            b'0' => {}
            b'1'..=b'9' => _ = self.digits(),
            _ => return Err(Malformed),
        }
        if self.next_is(|byte| byte == b'.') && self.digits() == 0 {
            return Err(Malformed);
        }
        if self.next_is(|byte| matches!(byte, b'e' | b'E')) {
            self.next_is(|byte| matches!(byte, b'+' | b'-'));
            if self.digits() == 0 {
                return Err(Malformed);
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let begin = self.at;
        while self.next_is(|byte| byte.is_ascii_digit()) {}
        self.at - begin
    }

    /// Takes the next byte if it is as wanted.
    fn next_is(&mut self, is_wanted: impl Fn(u8) -> bool) -> bool {
        let is = self.rest().first().is_some_and(|&byte| is_wanted(byte));
        self.at += usize::from(is);
        is
    }

    fn word(&mut self, rest: &[u8]) -> Result<(), Malformed> {
        if !self.rest().starts_with(rest) {
            return Err(Malformed);
        }
        self.at += rest.len();
        Ok(())
    }

    fn take(&mut self) -> Result<u8, Malformed> {
        let byte = *self.rest().first().ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    /// Skips white space and shows what follows it.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn since(&self, begin: usize) -> Result<&'a str, Malformed> {
        self.text.get(begin..self.at).ok_or(Malformed)
    }
}

/// How many of the first bytes neither end a string nor mean anything in it, eight at a time: prompts
/// are long. Those after the last whole eight are left to the caller.
fn plain(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::MAX / 255;
    // The highest bit of a byte says whether it is less than `bound`; above the lowest of those that are,
    // others may say so too.
    let less = |word: u64, bound: u64| word.wrapping_sub(EACH * bound) & !word & (EACH << 7);
    let mut count = 0;
    for word in bytes.as_chunks().0 {
        let word = u64::from_le_bytes(*word);
        let quote = less(word ^ (EACH * u64::from(b'"')), 1);
        let escape = less(word ^ (EACH * u64::from(b'\\')), 1);
        let first = (quote | escape | less(word, 0x20)).trailing_zeros() as usize / 8;
        count += first;
        if first < 8 {
            break;
        }
    }
    count
}
