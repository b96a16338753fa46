//! Replays the fuzz targets' seeds, so that what fuzzing once found stays found.

#[path = "laws/client.rs"]
mod client;
mod laws;

use std::fs;
use std::path::Path;

fn replay(target: &str, law: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = entry.expect("a readable folder").path();
        law(&fs::read(&path).expect("a readable seed"));
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
}

#[test]
fn events_are_read_by_the_standard() {
    replay("sse", laws::sse::check);
}

#[test]
fn the_fast_lane_and_the_full_parse_agree() {
    replay("delta", laws::stream::check);
}

#[test]
fn hints_never_overflow() {
    replay("hints", laws::hints::check);
}

#[test]
fn a_client_keeps_its_promises_whatever_happens() {
    replay("client", |scenario| {
        client::check(scenario);
    });
}
