//! The words after a command's name: flags, their values, and plain words.
//!
//! A word that is not understood is an error that says what was found and what was expected.

/// How many values a flag takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Takes {
    /// None: the flag is there or not.
    Nothing,
    /// Exactly one.
    One,
    /// One or more: all words up to the next flag.
    Many,
}

/// A flag that a command knows.
#[derive(Debug)]
pub(crate) struct Flag {
    /// With its dashes: `--fast`.
    pub(crate) name: &'static str,
    /// How many values follow it.
    pub(crate) takes: Takes,
    /// What stands for the value in the help: `THING…`. Empty for [`Takes::Nothing`].
    pub(crate) value: &'static str,
    /// What it does, for the help.
    pub(crate) about: &'static str,
}

/// A command line that was understood.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Args {
    flags: Vec<(&'static str, Vec<String>)>,
    words: Vec<String>,
}

impl Args {
    /// Reads `words` by the flags that a command knows, with at most `words_max` plain words.
    pub(crate) fn parse(
        words: &[String],
        flags: &'static [Flag],
        words_max: usize,
    ) -> Result<Self, String> {
        let mut args = Self::default();
        let mut rest = words.iter().peekable();
        while let Some(word) = rest.next() {
            if !word.starts_with('-') {
                args.words.push(word.clone());
                continue;
            }
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let flag = flags.iter().find(|flag| flag.name == name);
            let flag = flag.ok_or_else(|| format!("unknown flag `{name}`; {}", expected(flags)))?;
            let mut values: Vec<String> = attached.into_iter().collect();
            if flag.takes == Takes::Nothing && !values.is_empty() {
                return Err(format!("`{name}` takes no value, found `{word}`"));
            }
            while (flag.takes == Takes::Many || (flag.takes == Takes::One && values.is_empty()))
                && let Some(value) = rest.next_if(|next| !next.starts_with('-'))
            {
                values.push(value.clone());
            }
            if flag.takes != Takes::Nothing && values.is_empty() {
                return Err(format!("`{name}` expects {}, found nothing", flag.value));
            }
            args.flags.push((flag.name, values));
        }
        match args.words.get(words_max) {
            Some(word) if words_max == 0 => {
                Err(format!("unexpected `{word}`; {}", expected(flags)))
            }
            Some(word) => Err(format!(
                "unexpected `{word}`; expected at most {words_max} word"
            )),
            None => Ok(args),
        }
    }

    /// Whether the flag was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(flag, _)| *flag == name)
    }

    /// All values of a flag, in the order in which they were given.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let given = self.flags.iter().filter(|(flag, _)| *flag == name);
        given
            .flat_map(|(_, values)| values.iter().map(String::as_str))
            .collect()
    }

    /// The whole number given with a flag, or `default`; outside `1..=max` it is an error.
    pub(crate) fn count(&self, name: &str, default: usize, max: usize) -> Result<usize, String> {
        let Some(&text) = self.values(name).last() else {
            return Ok(default);
        };
        match text.parse() {
            Ok(count) if (1..=max).contains(&count) => Ok(count),
            _ => Err(format!(
                "`{name}` expects a whole number from 1 to {max}, found `{text}`"
            )),
        }
    }

    /// The first plain word.
    pub(crate) fn word(&self) -> Option<&str> {
        self.words.first().map(String::as_str)
    }
}

/// Looks names up in a table; one that is not there is answered with those that are.
pub(crate) fn choose<'a, T>(
    what: &str,
    found: &str,
    table: &'a [T],
    name: impl Fn(&T) -> &str,
) -> Result<&'a T, String> {
    table.iter().find(|row| name(row) == found).ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(&name).collect();
        format!(
            "unknown {what} `{found}`; expected one of: {}",
            names.join(", ")
        )
    })
}

fn expected(flags: &[Flag]) -> String {
    if flags.is_empty() {
        return "expected no flags".to_owned();
    }
    let names: Vec<&str> = flags.iter().map(|flag| flag.name).collect();
    format!("expected one of: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    static FLAGS: [Flag; 3] = [
        Flag {
            name: "--fast",
            takes: Takes::Nothing,
            value: "",
            about: "",
        },
        Flag {
            name: "--only",
            takes: Takes::Many,
            value: "THING…",
            about: "",
        },
        Flag {
            name: "--runs",
            takes: Takes::One,
            value: "N",
            about: "",
        },
    ];

    fn parse(line: &str) -> Result<Args, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse(&words, &FLAGS, 1)
    }

    #[test]
    fn flags_values_and_words_are_told_apart() {
        let args = parse("stats --runs 3 --only a b --fast").unwrap();
        assert_eq!(args.word(), Some("stats"));
        assert_eq!(args.values("--only"), ["a", "b"]);
        assert!(args.has("--fast"));
        assert_eq!(args.count("--runs", 5, 9), Ok(3));
        assert_eq!(
            parse("--only=a --only b").unwrap().values("--only"),
            ["a", "b"]
        );
        assert_eq!(parse("").unwrap().count("--runs", 5, 9), Ok(5));
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_was_expected() {
        #[rustfmt::skip]
        let cases = [
            ("--slow", "unknown flag `--slow`; expected one of: --fast, --only, --runs"),
            ("--fast=yes", "`--fast` takes no value, found `--fast=yes`"),
            ("--only --fast", "`--only` expects THING…, found nothing"),
            ("a b", "unexpected `b`; expected at most 1 word"),
        ];
        for (line, message) in cases {
            assert_eq!(parse(line), Err(message.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_count_outside_its_bounds_is_refused() {
        for text in ["0", "10", "x", "1.5"] {
            let message = parse(&format!("--runs {text}"))
                .unwrap()
                .count("--runs", 5, 9);
            let expected = format!("`--runs` expects a whole number from 1 to 9, found `{text}`");
            assert_eq!(message, Err(expected));
        }
    }

    #[test]
    fn a_name_that_is_not_in_the_table_is_answered_with_the_table() {
        let table = ["setup", "test"];
        assert_eq!(choose("command", "test", &table, |name| name), Ok(&"test"));
        assert_eq!(
            choose("command", "tset", &table, |name| name),
            Err("unknown command `tset`; expected one of: setup, test".to_owned())
        );
    }
}
