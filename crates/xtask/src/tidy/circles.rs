//! No two files import each other, not even by way of others: whoever reads one of them can read it
//! before those that stand on it. A Rust module and those inside it count as one place, seen from within.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{File, Problem};

/// Whom each file imports.
type Arrows<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let arrows = arrows(files);
    let mut problems = Vec::new();
    let mut known = BTreeSet::new();
    for start in arrows.keys() {
        follow(start, &arrows, &mut Vec::new(), &mut known, &mut problems);
    }
    problems
}

/// Goes on from `file`, which was reached by `way`, and notes each way that leads back to itself.
fn follow<'a>(
    file: &'a str,
    arrows: &Arrows<'a>,
    way: &mut Vec<&'a str>,
    known: &mut BTreeSet<&'a str>,
    problems: &mut Vec<Problem>,
) {
    if let Some(start) = way.iter().position(|before| *before == file) {
        let circle = way[start..].join(" → ");
        problems.push(Problem::new(
            file,
            format!("imports in a circle: {circle} → {file}"),
        ));
        return;
    }
    if !known.insert(file) {
        return;
    }
    way.push(file);
    for next in arrows.get(file).into_iter().flatten() {
        follow(next, arrows, way, known, problems);
    }
    way.pop();
}

fn arrows(files: &[File]) -> Arrows<'_> {
    let modules: BTreeMap<_, _> = files
        .iter()
        .filter_map(|file| Some((module(&file.path)?, file.path.as_str())))
        .collect();
    let aliases = aliases(files);
    let imports = files.iter().filter_map(|file| {
        let to = match file.extension() {
            "rs" => of_rust(file, &modules)?,
            "ts" => of_typescript(file, &aliases, files),
            _ => return None,
        };
        Some((file.path.as_str(), to))
    });
    imports.collect()
}

/// A module of a crate: where the crate lies, and the names that lead to it.
type Module<'a> = (&'a str, Vec<&'a str>);

/// The module in a file; none for the crate's own, which all others are inside of.
fn module(path: &str) -> Option<Module<'_>> {
    let (root, inside) = path.strip_suffix(".rs")?.split_once("/src/")?;
    let names = inside.strip_suffix("/mod").unwrap_or(inside);
    let is_root = matches!(names, "lib" | "main" | "mod");
    (!is_root).then(|| (root, names.split('/').collect()))
}

fn of_rust<'a>(
    file: &'a File,
    modules: &BTreeMap<Module<'a>, &'a str>,
) -> Option<BTreeSet<&'a str>> {
    let (root, here) = module(&file.path)?;
    let mut found = BTreeSet::new();
    for path in uses(&file.text) {
        let mut names: Vec<&str> = path.split("::").collect();
        let mut whole = match names[0] {
            "crate" => Vec::new(),
            _ => here.clone(),
        };
        while matches!(names.first(), Some(&("crate" | "self" | "super"))) {
            if names.remove(0) == "super" {
                whole.pop();
            }
        }
        whole.extend(names);
        // What a path leads to may be inside a module, or a module itself.
        let target = (1..=whole.len()).rev().find_map(|length| {
            let names: Vec<&str> = whole[..length].to_vec();
            Some((modules.get(&(root, names.clone()))?, names))
        });
        if let Some((target, names)) = target
            && !here.starts_with(&names)
        {
            found.insert(*target);
        }
    }
    Some(found)
}

/// The paths that a module uses, one for each name.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        let used = line.strip_prefix("pub").map_or(line, |line| {
            line.trim_start_matches(|c| c != ' ').trim_start()
        });
        if used.starts_with("use ") {
            let start = rest.len() - after.len() - 1 - used.len() + "use ".len();
            let tree = rest[start..].split(';').next().unwrap_or_default();
            expand("", tree, &mut found);
        }
        rest = after;
    }
    found
}

/// Writes out the braces of `tree`, which follows on `path`.
fn expand(path: &str, tree: &str, found: &mut Vec<String>) {
    let Some((before, inside)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        found.push(format!("{path}{}", name.trim()));
        return;
    };
    let path = format!("{path}{}", before.trim());
    let inside = inside.trim_end().strip_suffix('}').unwrap_or(inside);
    let mut depth = 0;
    let between = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    for part in inside.split(between).filter(|part| !part.trim().is_empty()) {
        expand(&path, part, found);
    }
}

/// What the names stand for that the build puts in place, as the compiler is told: one of several files.
fn aliases(files: &[File]) -> BTreeMap<String, Vec<String>> {
    let told = files
        .iter()
        .filter(|file| file.path.ends_with("tsconfig.json"));
    let mut aliases = BTreeMap::new();
    for file in told {
        let folder = file.path.strip_suffix("tsconfig.json").unwrap_or_default();
        let settings: Value = serde_json::from_str(&file.text).unwrap_or_default();
        for (name, to) in settings["compilerOptions"]["paths"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let to = to
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            aliases.insert(name.clone(), to.map(|to| join(folder, to)).collect());
        }
    }
    aliases
}

fn of_typescript<'a>(
    file: &File,
    aliases: &BTreeMap<String, Vec<String>>,
    files: &'a [File],
) -> BTreeSet<&'a str> {
    let folder = &file.path[..=file.path.rfind('/').unwrap_or_default()];
    let quoted = file.text.split(" from \"").skip(1);
    let named = quoted.filter_map(|rest| rest.split('"').next());
    let paths: BTreeSet<String> = named
        .flat_map(|name| match aliases.get(name) {
            Some(paths) => paths.clone(),
            None if name.starts_with('.') => vec![join(folder, name)],
            None => Vec::new(),
        })
        .collect();
    let paths_of_ours = files.iter().map(|file| file.path.as_str());
    paths_of_ours.filter(|path| paths.contains(*path)).collect()
}

/// The path that `relative` means, seen from `folder`.
fn join(folder: &str, relative: &str) -> String {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in relative.split('/') {
        match name {
            "." => {}
            ".." => _ = names.pop(),
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::file;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> = files.iter().map(|(path, text)| file(path, text)).collect();
        let problems = check(&files).into_iter();
        problems.map(|problem| problem.what).collect()
    }

    #[test]
    fn two_modules_that_use_each_other_are_a_circle() {
        let found = circles(&[
            ("crates/a/src/lib.rs", "mod x;\nmod y;\npub use x::X;\n"),
            ("crates/a/src/x.rs", "use crate::y::Y;\n"),
            (
                "crates/a/src/y.rs",
                "use std::rc::Rc;\n\npub(crate) use super::x::{self, X};\n",
            ),
        ]);
        let way = "crates/a/src/x.rs → crates/a/src/y.rs → crates/a/src/x.rs";
        assert_eq!(found, [format!("imports in a circle: {way}")]);
    }

    #[test]
    fn a_longer_way_back_is_a_circle_too() {
        let found = circles(&[
            (
                "a/src/x.rs",
                "use crate::y::{\n    inner::{One, Two},\n    Other,\n};\n",
            ),
            ("a/src/y/mod.rs", "mod inner;\n"),
            ("a/src/y/inner.rs", "use crate::z::Z as Last;\n"),
            ("a/src/z.rs", "use crate::x;\n"),
        ]);
        let way = "a/src/x.rs → a/src/y/inner.rs → a/src/z.rs → a/src/x.rs";
        assert_eq!(found, [format!("imports in a circle: {way}")]);
    }

    #[test]
    fn a_module_and_those_inside_it_know_each_other() {
        let found = circles(&[
            ("a/src/x/mod.rs", "mod y;\nmod z;\nuse y::Y;\n"),
            ("a/src/x/y.rs", "use super::{Base, z::Z};\n"),
            (
                "a/src/x/z.rs",
                "use crate::x::Base;\n\nmod tests {\n    use super::y::Y;\n}\n",
            ),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn crates_do_not_share_their_modules_names() {
        let found = circles(&[
            ("a/src/x.rs", "use crate::y::Y;\n"),
            ("a/src/y.rs", "use b::x::X;\n"),
            ("b/src/x.rs", ""),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn typescript_goes_in_circles_by_types_and_by_what_the_build_puts_in_place() {
        let told = r##"{ "compilerOptions": { "paths": { "#way": ["./src/way.ts", "./src/way/one.ts"] } } }"##;
        let found = circles(&[
            ("npm/tsconfig.json", told),
            ("npm/src/a.ts", "import type {\n  B,\n} from \"./b.ts\";\n"),
            (
                "npm/src/b.ts",
                "import { way } from \"#way\";\nimport fs from \"node:fs\";\n",
            ),
            ("npm/src/way.ts", ""),
            ("npm/src/way/one.ts", "export { a } from \"../a.ts\";\n"),
        ]);
        let way = "npm/src/a.ts → npm/src/b.ts → npm/src/way/one.ts → npm/src/a.ts";
        assert_eq!(found, [format!("imports in a circle: {way}")]);
    }
}
