//! What belongs to the writing of code and not to the code: marks for later, debugging aids,
//! switched-off tests, code kept as a comment.

use super::{File, Problem};

/// Words that promise work for later.
const LATER: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// What Rust code must not hold, and why.
const RUST: [(&str, &str); 4] = [
    ("dbg!(", "a debugging aid"),
    ("todo!(", "unwritten code"),
    ("unimplemented!(", "unwritten code"),
    ("#[ignore", "a switched-off test"),
];

/// What JavaScript and TypeScript must not hold, and why.
const SCRIPT: [(&str, &str); 4] = [
    (".only(", "a test that switches the others off"),
    (".skip(", "a switched-off test"),
    (".todo(", "an unwritten test"),
    ("debugger;", "a debugging aid"),
];

/// No marks for later, no debugging aids, no switched-off tests.
pub(super) fn marks(file: &File) -> Vec<Problem> {
    // This rule and its tests must name what they look for.
    if file.path.ends_with("tidy/leftovers.rs") {
        return Vec::new();
    }
    let forbidden: &[(&str, &str)] = match file.extension() {
        "rs" => &RUST,
        "ts" | "js" | "mjs" => &SCRIPT,
        _ => &[],
    };
    let mut problems = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        if let Some(word) = words.find(|word| LATER.contains(word)) {
            let what = format!("`{word}`: do it, or open an issue");
            problems.push(Problem::at(&file.path, at, what));
        }
        for (found, why) in forbidden.iter().filter(|(found, _)| line.contains(found)) {
            problems.push(Problem::at(&file.path, at, format!("`{found}`: {why}")));
        }
    }
    problems
}

/// No code kept as a comment: git keeps it. Only plain `//` comments are looked at; documentation
/// may show code.
pub(super) fn commented_code(file: &File) -> Vec<Problem> {
    if !["rs", "ts", "js", "mjs"].contains(&file.extension()) {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    let lines = lines.filter(|(_, line)| {
        let comment = line.trim_start().strip_prefix("// ");
        comment.is_some_and(looks_like_code)
    });
    lines
        .map(|(at, _)| Problem::at(&file.path, at, "code kept as a comment: delete it"))
        .collect()
}

/// Ends like a statement or a block, and has a sign that sentences do not have.
fn looks_like_code(comment: &str) -> bool {
    let comment = comment.trim();
    let ends = comment.ends_with([';', '{']) || comment == "}";
    let opens = [
        "let ", "const ", "use ", "import ", "return ", "pub ", "fn ", "if ", "for ", "}",
    ];
    let signs = ["();", ");", " = ", "::", "=>", "!(", ") {"];
    let starts = opens.iter().any(|word| comment.starts_with(word));
    ends && (starts || signs.iter().any(|sign| comment.contains(sign)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::file;

    #[test]
    fn leftovers_are_found_where_they_are() {
        #[rustfmt::skip]
        let cases = [
            ("a.rs", "// TODO: later\n", 1),
            ("a.md", "FIXME this\n", 1),
            ("a.sh", "# XXX\n", 1),
            ("a.rs", "let x = dbg!(y);\n", 1),
            ("a.rs", "todo!()\n", 1),
            ("a.rs", "unimplemented!(\"x\")\n", 1),
            ("a.rs", "#[ignore]\n#[ignore = \"slow\"]\n", 2),
            ("a.ts", "test.only('x', f);\ntest.skip('y', f);\n", 2),
            ("a.mjs", "debugger;\n", 1),
            ("a.rs", "items.iter().skip(2);\n", 0),
            ("a.sh", "mktemp /x/XXXXXX\n", 0),
            ("a.rs", "let todos = TODO_LIST;\n", 0),
        ];
        for (path, text, count) in cases {
            assert_eq!(marks(&file(path, text)).len(), count, "{text}");
        }
    }

    #[test]
    fn code_in_comments_is_told_from_sentences() {
        #[rustfmt::skip]
        let cases = [
            ("// let x = 1;", true),
            ("    // self.close();", true),
            ("// if done {", true),
            ("// }", true),
            ("// std::process::exit(1);", true),
            ("// Waits, then goes on; the caller decides;", false),
            ("// See the rule above (and its tests).", false),
            ("// A call like `f(x)` is fine.", false),
            ("/// let x = 1;", false),
            ("//! let x = 1;", false),
            ("let url = \"https://x.org/a;\";", false),
        ];
        for (text, found) in cases {
            assert_eq!(
                !commented_code(&file("a.rs", text)).is_empty(),
                found,
                "{text}"
            );
        }
        assert_eq!(commented_code(&file("a.md", "// let x = 1;")), []);
    }
}
