//! A value that fits a JSON schema, for the arguments of tool calls and for structured answers.

use serde_json::{Map, Value, json};

/// Schemas come from outside: nesting deeper than this is answered with null.
const DEPTH_MAX: u32 = 12;
/// Properties filled in per object.
const PROPERTIES_MAX: usize = 64;

/// The smallest telling instance of `schema`.
pub(crate) fn instance(schema: &Value) -> Value {
    build(schema, 0)
}

fn build(schema: &Value, depth: u32) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    if let Some(value) = schema.get("const").or_else(|| first(schema, "enum")) {
        return value.clone();
    }
    if let Some(inner) = first(schema, "anyOf").or_else(|| first(schema, "oneOf")) {
        return build(inner, depth + 1);
    }
    // A list of types means any of them.
    let kind = schema
        .get("type")
        .and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    match kind {
        Some("string") => json!("sample"),
        Some("integer") => json!(schema.get("minimum").and_then(Value::as_i64).unwrap_or(1)),
        Some("number") => json!(schema.get("minimum").and_then(Value::as_f64).unwrap_or(1.5)),
        Some("boolean") => json!(true),
        Some("array") => match schema.get("items") {
            Some(items) => json!([build(items, depth + 1)]),
            None => json!([]),
        },
        Some("null") => Value::Null,
        _ => object(schema, depth),
    }
}

fn object(schema: &Value, depth: u32) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let filled = properties.into_iter().flatten().take(PROPERTIES_MAX);
    let filled: Map<String, Value> = filled
        .map(|(name, schema)| (name.clone(), build(schema, depth + 1)))
        .collect();
    Value::Object(filled)
}

fn first<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get(key)?.get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_fit_their_schemas() {
        #[rustfmt::skip]
        let cases = [
            (json!({"type": "string"}), json!("sample")),
            (json!({"type": ["integer", "null"], "minimum": 3}), json!(3)),
            (json!({"enum": ["c", "f"]}), json!("c")),
            (json!({"anyOf": [{"type": "boolean"}]}), json!(true)),
            (json!({"type": "array", "items": {"type": "number"}}), json!([1.5])),
            (json!({"type": "object", "properties": {"city": {"type": "string"}}}), json!({"city": "sample"})),
            (json!({}), json!({})),
            (json!(7), json!({})),
        ];
        for (schema, expected) in cases {
            assert_eq!(instance(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn endless_nesting_ends() {
        let mut schema = json!({"type": "string"});
        for _ in 0..100 {
            schema = json!({"type": "array", "items": schema});
        }
        assert!(instance(&schema).to_string().contains("null"));
    }
}
