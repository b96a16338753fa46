//! Lists put into order, with one copy of the sorting for lists of all types: the library makes one
//! for each, of several kilobytes.

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

#[inline(never)]
fn sort(ranks: &mut [(f64, usize)]) {
    ranks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
}
