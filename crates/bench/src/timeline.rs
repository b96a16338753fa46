//! What happened when: a bounded number of cells that grow wider as a run grows longer.

use crate::record::Sample;
use crate::report::Moment;

/// More cells than any plot shows.
const CELLS_MAX: usize = 600;

/// How wide cells are at first, in microseconds.
const WIDTH_US: u64 = 1_000_000;

/// Cells of equal width from an origin on.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    origin: u64,
    width: u64,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    busy: u64,
    ok: u64,
    refused: u64,
    failed: u64,
    tokens: f64,
}

impl Cell {
    fn plus(self, other: Self) -> Self {
        Self {
            busy: self.busy + other.busy,
            ok: self.ok + other.ok,
            refused: self.refused + other.refused,
            failed: self.failed + other.failed,
            tokens: self.tokens + other.tokens,
        }
    }
}

impl Timeline {
    /// Nothing has happened since `origin`, in microseconds.
    pub(crate) const fn new(origin: u64) -> Self {
        Self {
            origin,
            width: WIDTH_US,
            cells: Vec::new(),
        }
    }

    /// Notes a request that has ended. What of it lies before the origin does not count.
    pub(crate) fn note(&mut self, sample: &Sample) {
        let tokens = sample.out_tok.filter(|_| sample.is_ok()).unwrap_or(0);
        if let Some(start) = sample.t_start {
            self.occupy(start, sample.t_end, tokens as f64);
        }
        let Some(cell) = self.cell(sample.t_end) else {
            return;
        };
        if sample.is_ok() {
            cell.ok += 1;
        } else if sample.is_refused() {
            cell.refused += 1;
        } else if sample.is_failed() {
            cell.failed += 1;
        }
    }

    /// Notes that a request was in flight from `start` to `end`, and that so many tokens came evenly.
    pub(crate) fn occupy(&mut self, start: u64, end: u64, tokens: f64) {
        let end = end.max(start + 1);
        let mut at = start.max(self.origin);
        while at < end {
            if self.cell(at).is_none() {
                return;
            }
            let next = self.origin + ((at - self.origin) / self.width + 1) * self.width;
            let until = next.min(end);
            if let Some(cell) = self.cell(at) {
                cell.busy += until - at;
                cell.tokens += tokens * (until - at) as f64 / (end - start) as f64;
            }
            at = until;
        }
    }

    /// The cell of a moment; none before the origin. Makes room by joining cells.
    fn cell(&mut self, at: u64) -> Option<&mut Cell> {
        let since = at.checked_sub(self.origin)?;
        while since / self.width >= CELLS_MAX as u64 {
            self.width *= 2;
            self.cells = self
                .cells
                .chunks(2)
                .map(|pair| pair.iter().copied().fold(Cell::default(), Cell::plus))
                .collect();
        }
        let index = (since / self.width) as usize;
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::default());
        }
        self.cells.get_mut(index)
    }

    /// The cells up to `end`, in seconds.
    pub(crate) fn moments(&self, end: u64) -> Vec<Moment> {
        let cells = self.cells.iter().enumerate();
        let moment = |(index, cell): (usize, &Cell)| {
            let from = self.origin + index as u64 * self.width;
            let length = self.width.min(end.checked_sub(from)?).max(1) as f64;
            Some(Moment {
                t_s: from as f64 / 1e6,
                duration_s: length / 1e6,
                in_flight: cell.busy as f64 / length,
                ok: cell.ok,
                refused: cell.refused,
                failed: cell.failed,
                tokens: cell.tokens,
            })
        };
        cells.map_while(moment).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Class;
    use crate::record::tests::sample;

    fn request(start: u64, end: u64) -> Sample {
        Sample {
            t_start: Some(start),
            t_end: end,
            ..sample()
        }
    }

    #[test]
    fn a_request_counts_where_it_ends_and_occupies_where_it_runs() {
        let mut timeline = Timeline::new(1_000_000);
        timeline.note(&request(500_000, 2_500_000));
        let moments = timeline.moments(3_000_000);
        let seen: Vec<_> = moments.iter().map(|m| (m.t_s, m.in_flight, m.ok)).collect();
        assert_eq!(seen, [(1.0, 1.0, 0), (2.0, 0.5, 1)]);
    }

    #[test]
    fn tokens_come_while_an_answer_does() {
        let mut timeline = Timeline::new(1_000_000);
        timeline.note(&Sample {
            out_tok: Some(10),
            ..request(0, 4_000_000)
        });
        timeline.occupy(2_000_000, 3_500_000, 1.5);
        let moments = timeline.moments(4_000_000);
        let tokens: Vec<_> = moments.iter().map(|m| m.tokens).collect();
        assert_eq!(tokens, [2.5, 3.5, 3.0, 0.0]);
    }

    #[test]
    fn what_was_taken_back_is_in_flight_and_no_failure() {
        let mut timeline = Timeline::new(0);
        timeline.note(&Sample {
            class: Class::Aborted,
            ..request(0, 500_000)
        });
        let moment = timeline.moments(1_000_000)[0];
        assert_eq!((moment.in_flight, moment.failed), (0.5, 0));
    }

    #[test]
    fn a_long_run_has_no_more_cells_and_loses_nothing() {
        let mut timeline = Timeline::new(0);
        for second in 0..100_000 {
            timeline.note(&request(second * 1_000_000, (second + 1) * 1_000_000 - 1));
        }
        let moments = timeline.moments(100_000_000_000);
        assert!(moments.len() <= CELLS_MAX);
        assert_eq!(moments.iter().map(|m| m.ok).sum::<u64>(), 100_000);
        assert!((moments[0].in_flight - 1.0).abs() < 1e-3);
    }
}
