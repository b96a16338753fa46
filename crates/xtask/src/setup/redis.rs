//! Redis: the one that the user has, or the package of Debian and Ubuntu. Only its program is wanted;
//! tests start and end servers of their own.
//!
//! `REDIS_SERVER` in the environment wins over what is on the PATH.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::chromium::{from_environment, install_packages, is_like};
use crate::failure::{Failure, Result};
use crate::shell::{ask, find, run};

pub(super) const BY_HAND: &str = "install redis-server (Debian: apt-get install redis-server), and \
    put it on the PATH or set REDIS_SERVER to its path";

/// Whom Debian asks before it starts what was just installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A policy that starts nothing. It says where it is from, should it ever be left behind.
const DENIAL: &[u8] =
    b"#!/bin/sh\n# Of kneepoint's `cargo xtask setup`, only while that installs a package.\nexit 101\n";

/// Provides the server's program.
pub(super) fn ensure() -> Result<String> {
    if look()?.is_none() {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let packages: &[&str] = &["redis-server"];
        let _policy = Policy::deny(Path::new(POLICY));
        install_packages("redis", is_like("debian", &release).then_some(packages))?;
        keep_off();
    }
    let program = look()?.ok_or_else(|| Failure::work("no redis-server was found on the PATH"))?;
    let answer = ask(&program, &["--version"]).unwrap_or_default();
    version(&answer)
        .map(|version| format!("Redis {version}"))
        .ok_or_else(|| Failure::work(format!("`{}` answers `{answer}`", program.display())))
}

/// Sees to it that the machine does not start a server of its own when it next boots.
fn keep_off() {
    let Some(systemctl) = find("systemctl") else {
        return;
    };
    if let Err(failure) = run(Command::new(systemctl).args(["disable", "redis-server"])) {
        println!(
            "setup: a Redis may start at the next boot: {}",
            failure.text()
        );
    }
}

fn look() -> Result<Option<PathBuf>> {
    let named = from_environment("REDIS_SERVER")?;
    Ok(named.or_else(|| find("redis-server")))
}

/// The version in `Redis server v=7.0.15 sha=…`.
fn version(answer: &str) -> Option<&str> {
    answer
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="))
}

/// Keeps the package from starting a service, for as long as it lives. Where the machine has a
/// policy of its own, that one stays.
struct Policy<'a>(Option<&'a Path>);

impl<'a> Policy<'a> {
    fn deny(path: &'a Path) -> Self {
        // Who may not write there may not install anything either, and is told so.
        let Ok(mut file) = File::create_new(path) else {
            return Self(None);
        };
        let policy = Self(Some(path));
        if file.write_all(DENIAL).is_ok() {
            let _ = Command::new("chmod").arg("755").arg(path).status();
        }
        policy
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        let answer = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64";
        assert_eq!(version(answer), Some("7.0.15"));
        assert_eq!(version("no such program"), None);
    }

    #[test]
    fn a_policy_is_in_force_while_it_is_held_and_replaces_none() {
        let path = std::env::temp_dir().join(format!("xtask-policy-{}", std::process::id()));
        let policy = Policy::deny(&path);
        let second = Policy::deny(&path);
        drop(second);
        assert!(fs::read_to_string(&path).unwrap().ends_with("exit 101\n"));
        drop(policy);
        assert!(!path.exists());
    }
}
