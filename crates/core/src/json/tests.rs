//! The reader against `serde_json`.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What the reader makes of a value, checked against what it should be.
fn compare(json: Json<'_>, expected: &Value) {
    assert_eq!(json.present().is_none(), expected.is_null());
    assert_eq!(json.text().as_deref(), expected.as_str());
    assert_eq!(json.is_object(), expected.is_object());
    assert_eq!(json.is_list(), expected.is_array());
    match expected {
        Value::Array(items) => {
            let mut parts = json.items().expect("a list");
            for item in items {
                let (_, part) = parts.next().expect("a valid list").expect("one more item");
                compare(part, item);
            }
            assert!(parts.next().expect("a valid end").is_none());
        }
        Value::Object(members) => {
            let mut found = std::collections::BTreeMap::new();
            let mut parts = json.members().expect("an object");
            while let Some((name, part)) = parts.next().expect("a valid object") {
                // The last one counts, as in the other reader.
                found.insert(name.into_owned(), part);
            }
            assert!(found.keys().eq(members.keys()));
            for (part, member) in found.into_values().zip(members.values()) {
                compare(part, member);
            }
        }
        Value::Number(number) => {
            let (real, exact) = (json.real().expect("a number"), number.as_f64().unwrap());
            assert!(
                (real - exact).abs() <= exact.abs() * 1e-14 + 1e-290,
                "{real} {exact}"
            );
            let whole = number.as_u64();
            assert!(whole.is_none() || json.count() == whole, "{whole:?}");
        }
        _ => assert_eq!((json.real(), json.count()), (None, None)),
    }
}

/// Both readers accept the text or both refuse it, and find the same in it.
fn check(text: &str) {
    let ignored = serde_json::from_str::<serde::de::IgnoredAny>(text);
    let json = Json::new(text);
    assert_eq!(json.check().is_ok(), ignored.is_ok(), "{text}");
    if ignored.is_err() {
        // What is wrong comes to light wherever it stands.
        assert_eq!(json.fields(["a", "b"]), Err(Malformed), "{text}");
        assert_eq!(json.items().and_then(count), Err(Malformed), "{text}");
    }
    // Numbers out of range and lone surrogates are what the other one refuses to keep.
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        compare(json, &value);
        let canonical = canonical(text);
        assert_eq!(super::canonical(&canonical), canonical, "{text}");
        assert_eq!(serde_json::from_str(&canonical).ok(), Some(value), "{text}");
    }
}

fn count(mut parts: Parts<'_>) -> Result<usize, Malformed> {
    let mut count = 0;
    while parts.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// JSON, more or less: pieces of it in any order.
fn pieces() -> impl Strategy<Value = String> {
    #[rustfmt::skip]
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "\"\\u0061\":", " ", "\n", "{}", "[]",
            "null", "true", "false", "nul", "0", "-0", "-", "12", "01", "1.5", ".5", "1.", "1e3", "1E+2",
            "1e-2", "1e", "18446744073709551615", "18446744073709551616", "1e308", "1e309", "-1e999999999999",
            "0e999999999999", "9007199254740993.0", "12345678901234567890.25", "\"\\n\"", "\"\\x\"", "\\",
            "\"\\ud83d\\ude00\"", "\"\\u00e9\"", "\"é😀\"", "\"a long plain text, with a \\\"quote\\\"\"", "\t",
            "\u{7f}", "\u{1}", "\u{a0}", "\u{feff}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Valid JSON, a few levels deep.
fn valid() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (any::<i32>(), 0..6).prop_map(|(n, e)| Value::from(f64::from(n) / 10_f64.powi(e))),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"\\\\é]{0,2}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn pieces_of_json_are_read_alike(text in pieces()) {
        check(&text);
    }

    #[test]
    fn valid_json_is_read_alike_and_so_is_what_is_left_after_a_cut(
        value in valid(), pretty: bool, cut in 0..200_usize,
    ) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        check(&text);
        check(text.get(..cut.min(text.len())).unwrap_or_default());
        check(text.get(cut..).unwrap_or_default());
    }

    #[test]
    fn any_string_is_written_and_read_back(string: String) {
        let mut written = String::new();
        text::write(&string, &mut written);
        prop_assert_eq!(&written, &serde_json::to_string(&string).unwrap());
        let read = Json::new(&written).text();
        prop_assert_eq!(read.as_deref(), Some(&*string));
    }
}

#[test]
fn short_numbers_are_exact() {
    for source in [
        "0.1",
        "81.25",
        "40.5",
        "-12.345678",
        "1e22",
        "3.5e-7",
        "123456789012345e-10",
    ] {
        assert_eq!(Json::new(source).real(), source.parse().ok(), "{source}");
    }
}

#[test]
fn counts_are_whole_and_not_negative() {
    #[rustfmt::skip]
    let cases = [
        ("0",     Some(0)),
        ("-0",    Some(0)),
        ("12.0",  Some(12)),
        ("1.2e1", Some(12)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("1e30",  None),
        ("-1",    None),
        ("1.5",   None),
        ("\"1\"", None),
        ("null",  None),
        ("",      None),
    ];
    for (source, count) in cases {
        assert_eq!(Json::new(source).count(), count, "{source}");
    }
    assert_eq!(Json::new("1e400").in_range(), Err(Malformed));
    assert_eq!(Json::new("-1e308").in_range(), Ok(Json::new("-1e308")));
}

#[test]
fn surrogates_that_stand_alone_are_mended() {
    #[rustfmt::skip]
    let cases = [
        (r#""\ud83d\ude00""#,       "😀"),
        (r#""\ud83d""#,             "\u{fffd}"),
        (r#""\ude00\ud83d""#,       "\u{fffd}\u{fffd}"),
        (r#""\ud83d\ud83d\ude00x""#, "\u{fffd}😀x"),
        (r#""\ud83d\n\uDE00""#,     "\u{fffd}\n\u{fffd}"),
        (r#""\\ud83d""#,            r"\ud83d"),
    ];
    for (source, text) in cases {
        assert_eq!(Json::new(source).text().as_deref(), Some(text), "{source}");
    }
}

#[test]
fn a_name_given_twice_is_refused_where_it_is_read() {
    let json = Json::new(r#"{"a": 1, "b": [], "c": 3, "\u0062": null}"#);
    assert_eq!(
        json.fields(["a", "z"]),
        Ok([Json::valid("1"), Json::default()])
    );
    assert_eq!(json.fields(["b"]), Err(Malformed));
}

#[test]
fn one_text_for_all_ways_to_write_it() {
    #[rustfmt::skip]
    let cases = [
        (" {\"b\" : [ 1,2.50 ] , \"a\":{ }} ", r#"{"a":{},"b":[1,2.50]}"#),
        (r#"{"n":"\u0041\/\u001f\u00e9","\u006d":null}"#, "{\"m\":null,\"n\":\"A/\\u001fé\"}"),
        (r#"{"a":1,"b":2,"a":0}"#, r#"{"a":1,"a":0,"b":2}"#),
        ("{ no JSON }", "{ no JSON }"),
        // Halves of surrogate pairs have no text of their own, and are not alike.
        (r#"{"b":1,"a": "\u0041\ud83d"}"#, r#"{"a":"\u0041\ud83d","b":1}"#),
        (r#"{"b":1,"\ud83d": 2}"#, r#"{"b":1,"\ud83d": 2}"#),
    ];
    for (source, text) in cases {
        assert_eq!(canonical(source), text);
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep = "[{\"a\":".repeat(100_000) + "0" + &"}]".repeat(100_000);
    assert_eq!(Json::new(&deep).check(), Ok(()));
    assert_eq!(Json::new(&deep[1..]).check(), Err(Malformed));
    assert_eq!(canonical(&deep), deep);
}
