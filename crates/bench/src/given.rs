//! Numbers as somebody gave them, each held against what it may be.

/// No time is longer: a year, which durations and clocks can hold.
const SECONDS_MAX: f64 = 365.0 * 86_400.0;

/// More requests at once than this are a slip of the finger, and slots for them would fill the memory.
const AT_ONCE_MAX: u32 = 100_000;

/// A number by its name, and whether it is what was expected.
#[derive(Debug)]
pub(crate) struct Given {
    name: &'static str,
    found: f64,
    is_good: bool,
    expected: &'static str,
}

impl Given {
    pub(crate) const fn new(
        name: &'static str,
        found: f64,
        is_good: bool,
        expected: &'static str,
    ) -> Self {
        Self {
            name,
            found,
            is_good,
            expected,
        }
    }

    pub(crate) fn positive(name: &'static str, x: f64) -> Self {
        Self::new(name, x, x > 0.0 && x.is_finite(), "a number above 0")
    }

    pub(crate) fn not_negative(name: &'static str, x: f64) -> Self {
        Self::new(name, x, x >= 0.0 && x.is_finite(), "a number from 0 on")
    }

    pub(crate) fn factor(name: &'static str, x: f64) -> Self {
        Self::new(name, x, x > 1.0, "a number above 1")
    }

    pub(crate) fn share(name: &'static str, x: f64) -> Self {
        Self::new(name, x, x > 0.0 && x < 1.0, "a share between 0 and 1")
    }

    /// A time that may be nothing.
    pub(crate) fn seconds(name: &'static str, s: f64) -> Self {
        let is_good = (0.0..=SECONDS_MAX).contains(&s);
        Self::new(name, s, is_good, "seconds, from 0 to a year")
    }

    /// A time that must be something.
    pub(crate) fn span(name: &'static str, s: f64) -> Self {
        let is_good = s > 0.0 && s <= SECONDS_MAX;
        Self::new(name, s, is_good, "seconds above 0, up to a year")
    }

    pub(crate) fn at_once(name: &'static str, n: u32) -> Self {
        let is_good = (1..=AT_ONCE_MAX).contains(&n);
        Self::new(name, n.into(), is_good, "1 to 100000 requests at once")
    }
}

/// Refuses the first that is not what was expected.
pub(crate) fn check(given: impl IntoIterator<Item = Given>) -> Result<(), String> {
    let wrong = given.into_iter().find(|one| !one.is_good);
    wrong.map_or(Ok(()), |one| {
        let Given {
            name,
            found,
            expected,
            ..
        } = one;
        Err(format!("{name}: found {found}, expected {expected}"))
    })
}
