//! Characters that no file should hold: blanks at line ends, marks of a merge, paths of a machine.

use super::{File, Problem};

/// Where people's folders begin. Anything below them exists on one machine only.
const FOREIGN: [&str; 6] = [
    "/home/",
    "/Users/",
    "/root/",
    "/srv/",
    "/tmp/",
    "C:\\Users\\",
];

/// No blanks at the end of a line, no carriage returns.
pub(super) fn whitespace(file: &File) -> Vec<Problem> {
    let lines = file.text.split('\n').enumerate();
    let lines = lines.filter(|(_, line)| line.ends_with([' ', '\t', '\r']));
    lines
        .map(|(at, _)| Problem::at(&file.path, at, "blanks at the end of the line"))
        .collect()
}

/// A file that is not empty ends with exactly one newline.
pub(super) fn ending(file: &File) -> Vec<Problem> {
    let text = &file.text;
    if text.is_empty() || (text.ends_with('\n') && !text.ends_with("\n\n")) {
        return Vec::new();
    }
    vec![Problem::new(
        &file.path,
        "a file ends with exactly one newline",
    )]
}

/// No merge was left half done.
pub(super) fn merge_markers(file: &File) -> Vec<Problem> {
    let marks = ["<<<<<<< ", "||||||| ", ">>>>>>> "];
    let lines = file.text.lines().enumerate();
    let lines = lines.filter(|(_, line)| marks.iter().any(|mark| line.starts_with(mark)));
    lines
        .map(|(at, _)| Problem::at(&file.path, at, "a mark of an unfinished merge"))
        .collect()
}

/// No absolute path of somebody's machine.
pub(super) fn foreign_paths(file: &File) -> Vec<Problem> {
    // This rule and its tests must name what they look for.
    if file.path.ends_with("tidy/text.rs") {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let found = FOREIGN.iter().find(|prefix| {
            line.match_indices(*prefix)
                .any(|(start, _)| begins_a_path(&line[..start]))
        });
        if let Some(prefix) = found {
            let what = format!("an absolute path below `{prefix}`, which only one machine has");
            problems.push(Problem::at(&file.path, at, what));
        }
    }
    problems
}

/// Whether what follows `before` starts a path, rather than going on with one or with a URL.
fn begins_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "._-~}):".contains(c))
        || before.ends_with("file://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::file;

    #[test]
    fn blanks_at_line_ends_are_found_where_they_are() {
        let found = whitespace(&file("a.md", "fine\nblank \n\ttab\t\nreturn\r\n"));
        let places: Vec<&str> = found.iter().map(|problem| problem.place.as_str()).collect();
        assert_eq!(places, ["a.md:2", "a.md:3", "a.md:4"]);
        assert_eq!(whitespace(&file("a.md", "fine\n\nfine\n")), []);
    }

    #[test]
    fn a_file_ends_with_one_newline() {
        for (text, fine) in [("a\n", true), ("", true), ("a", false), ("a\n\n", false)] {
            assert_eq!(ending(&file("a.md", text)).is_empty(), fine, "{text:?}");
        }
    }

    #[test]
    fn an_unfinished_merge_is_found() {
        let text = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n";
        assert_eq!(merge_markers(&file("a.rs", text)).len(), 2);
        assert_eq!(
            merge_markers(&file("a.md", "Title\n=======\n<<< here\n")),
            []
        );
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        #[rustfmt::skip]
        let cases = [
            ("see /home/ann/notes", false),
            ("\"/srv/x\"", false),
            ("binary: '/root/.cargo/bin/trunk'", false),
            ("file:///tmp/x", false),
            ("C:\\Users\\ann", false),
            ("https://example.org/home/ann", true),
            ("$PWD/srv/x or ./tmp/x or ~/srv/x or {root}/tmp/x", true),
            ("/usr/bin/env bash, /dev/shm, /etc/os-release", true),
        ];
        for (text, fine) in cases {
            assert_eq!(
                foreign_paths(&file("a.md", text)).is_empty(),
                fine,
                "{text}"
            );
        }
    }
}
