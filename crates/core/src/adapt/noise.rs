//! Refusals by chance: some servers refuse a share of all requests, whatever the load.
//!
//! A refusal that comes while the load is *below* the last level means that the cut did not help.
//! After three such in a row the share of refusals below the level is what the server refuses
//! anyway, and refusals are disregarded as long as they stay near it.

/// Attempts since the cut that a refusal below the level must have behind it to count. Its inverse
/// is the largest share of refusals that is disregarded: five per cent.
const SENDS: f64 = 20.0;

/// Refusals in a row that a cut did not prevent before chance is believed. Three: fewer take an
/// ordinary limit's jitter for chance.
const UNHELPED: u32 = 3;

/// Above the level, up to this many times the share seen below it is still chance.
const TOLERANCE: f64 = 2.0;

/// Attempts and refusals while the load was in one region.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    sent: f64,
    refused: f64,
}

/// What is known about chance, since the last cut and before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Noise {
    below: Tally,
    above: Tally,
    /// What was seen below earlier levels, fading by half at each cut.
    earlier: Tally,
    unhelped: u32,
}

impl Noise {
    /// An attempt goes out, with the load below the last level or not.
    pub(super) fn sent(&mut self, below: bool) {
        let tally = if below {
            &mut self.below
        } else {
            &mut self.above
        };
        tally.sent += 1.0;
    }

    /// A fresh refusal. True where it is chance and changes nothing.
    pub(super) fn disregards(&mut self, below: bool) -> bool {
        if below {
            if self.below.sent >= SENDS {
                self.unhelped += 1;
            }
        } else if self.below.refused == 0.0 {
            // The way back up passed without a refusal: the cut did help.
            self.unhelped = 0;
        }
        let usual = if below {
            self.below.refused += 1.0;
            self.below.refused * SENDS <= self.below.sent
        } else {
            self.above.refused += 1.0;
            self.above.refused <= TOLERANCE * self.share_below() * self.above.sent
        };
        usual && self.unhelped >= UNHELPED
    }

    /// A cut was made: what was seen becomes the past.
    pub(super) fn cut(&mut self) {
        self.earlier.sent = 0.5 * (self.earlier.sent + self.below.sent);
        self.earlier.refused = 0.5 * (self.earlier.refused + self.below.refused);
        self.below = Tally::default();
        self.above = Tally::default();
    }

    fn share_below(&self) -> f64 {
        let refused = self.below.refused + self.earlier.refused;
        let sent = self.below.sent + self.earlier.sent;
        (refused / sent.max(1.0)).min(1.0 / SENDS)
    }
}
