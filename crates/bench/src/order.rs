//! Lists put into order, and what is counted in that order, with one copy of the sorting for lists of
//! all types: the library makes one for each, of several kilobytes.

/// Orders a list by a number of each; equal ones stay as they are. A number that is none comes last.
///
/// ```
/// let mut words = vec!["three", "one", "four", "two"];
/// kneepoint_bench::order::by(&mut words, |word| word.len() as f64);
/// assert_eq!(words, ["one", "two", "four", "three"]);
/// ```
pub fn by<T>(list: &mut Vec<T>, rank: impl Fn(&T) -> f64) {
    let mut ranks: Vec<(f64, usize)> = list.iter().map(rank).zip(0..).collect();
    sort(&mut ranks);
    let mut items: Vec<Option<T>> = list.drain(..).map(Some).collect();
    let take = |(_, at): (f64, usize)| items[at].take();
    list.extend(ranks.into_iter().filter_map(take));
}

/// The most things under way at once, by the times at which they start and end. One that ends when
/// another begins is not under way with it.
///
/// ```
/// assert_eq!(kneepoint_bench::order::most_at_once(vec![0.0, 1.0, 2.0], vec![2.0, 4.0, 3.0]), 2);
/// ```
pub fn most_at_once(mut starts: Vec<f64>, mut ends: Vec<f64>) -> usize {
    starts.sort_unstable_by(f64::total_cmp);
    ends.sort_unstable_by(f64::total_cmp);
    let mut over = 0;
    let at_once = starts.iter().enumerate().map(|(begun, start)| {
        while over < begun && ends[over] <= *start {
            over += 1;
        }
        begun + 1 - over
    });
    at_once.max().unwrap_or_default()
}

#[inline(never)]
fn sort(ranks: &mut [(f64, usize)]) {
    // What is no number has a sign all the same, and would come first by that.
    for (rank, _) in ranks.iter_mut().filter(|(rank, _)| rank.is_nan()) {
        *rank = rank.abs();
    }
    ranks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_comes_last_whatever_its_sign() {
        let mut list = vec![-f64::NAN.abs(), 1.0, f64::NAN.abs(), f64::INFINITY, -1.0];
        by(&mut list, |rank| *rank);
        assert_eq!(list[..3], [-1.0, 1.0, f64::INFINITY]);
        assert!(list[3].is_sign_negative(), "equal ones stay as they are");
    }
}
