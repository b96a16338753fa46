//! Who may import whom, and who is built by a plain `cargo build`: the table in `parts.rs` against
//! what the manifests say.

use cargo_metadata::Metadata;

use super::Problem;
use crate::parts::{PARTS, Part};

const WRITTEN: &str =
    "the rule is written in ARCHITECTURE.md and kept in crates/xtask/src/parts.rs";

pub(super) fn check(metadata: &Metadata) -> Vec<Problem> {
    let members = metadata.workspace_packages();
    let is_ours = |name: &str| members.iter().any(|member| *member.name == name);
    let mut problems = Vec::new();
    for member in &members {
        let place = member.manifest_path.strip_prefix(&metadata.workspace_root);
        let place = place.unwrap_or(&member.manifest_path).as_str();
        let name = member.name.as_str();
        let Some(part) = PARTS.iter().find(|part| part.name == name) else {
            let what = format!("`{name}` has no place among the parts yet: {WRITTEN}");
            problems.push(Problem::new(place, what));
            continue;
        };
        let ours = member
            .dependencies
            .iter()
            .map(|dependency| dependency.name.as_str());
        let forbidden = ours.filter(|name| is_ours(name) && !part.may_import.contains(name));
        problems.extend(forbidden.map(|other| Problem::new(place, arrow(part, other))));

        let is_default = metadata.workspace_default_members.contains(&member.id);
        if is_default != part.native {
            let should = if part.native {
                "belongs"
            } else {
                "does not belong"
            };
            let what = format!("`{name}` {should} in `default-members`, which runs natively");
            problems.push(Problem::new("Cargo.toml", what));
        }
    }
    problems
}

fn arrow(part: &Part, other: &str) -> String {
    let may = match part.may_import {
        [] => "nothing of ours".to_owned(),
        some => some.join(" and "),
    };
    format!(
        "{} → {other} is not allowed: {} imports {may}; {WRITTEN}",
        part.name, part.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{package, workspace};

    fn problems(packages: &[crate::tidy::sample::Package]) -> Vec<String> {
        check(&workspace(packages))
            .into_iter()
            .map(|problem| problem.what)
            .collect()
    }

    #[test]
    fn allowed_arrows_and_foreign_crates_are_fine() {
        let packages = [
            package("kneepoint-stats", &["serde"], &[]),
            package("kneepoint-core", &["memchr"], &[]),
            package(
                "kneepoint-bench",
                &["kneepoint-core", "kneepoint-stats"],
                &[],
            ),
            package("kneepoint-js", &["kneepoint-bench"], &[]).not_default(),
        ];
        assert_eq!(problems(&packages), [""; 0]);
    }

    #[test]
    fn an_arrow_against_the_flow_is_named_with_its_rule() {
        let packages = [
            package("kneepoint-stats", &["kneepoint-core"], &[]),
            package("kneepoint-core", &[], &[]),
        ];
        let found = problems(&packages);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with(
            "kneepoint-stats → kneepoint-core is not allowed: kneepoint-stats imports nothing of ours"
        ));
        assert!(found[0].contains("ARCHITECTURE.md"));
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        let found = problems(&[package("kneepoint-extra", &[], &[])]);
        assert!(
            found.len() == 1 && found[0].contains("no place among the parts"),
            "{found:?}"
        );
    }

    #[test]
    fn what_runs_natively_is_built_by_default_and_nothing_else() {
        let found = problems(&[package("kneepoint-core", &[], &[]).not_default()]);
        assert!(
            found.len() == 1 && found[0].contains("`kneepoint-core` belongs"),
            "{found:?}"
        );
        let found = problems(&[package("kneepoint-js", &[], &[])]);
        assert!(
            found.len() == 1 && found[0].contains("does not belong"),
            "{found:?}"
        );
    }
}
