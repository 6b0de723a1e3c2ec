//! OpenAI's published rules for a function: one that breaks them makes the provider refuse the whole chat.
//!
//! Invariant: written from the rules and not from the gateway's code. Where the gateway knows the keywords that hold
//! schemas, this knows those that hold data, and takes all others for schemas.

use serde_json::Value;

/// What is refused in one tool, taken as a function with this name and these parameters.
pub(super) fn complaints(tool: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match tool["name"].as_str() {
        Some(name) if is_function_name(name) => {}
        _ => found.push(format!("name {} does not match ^[a-zA-Z0-9_-]{{1,64}}$", tool["name"])),
    }
    let parameters = &tool["inputSchema"];
    if !parameters.is_object() || parameters["type"] != "object" {
        found.push(format!("parameters must be of type \"object\", not {parameters}"));
    }
    look_into(parameters, "parameters", &mut found);
    found
}

fn is_function_name(name: &str) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || [b'_', b'-'].contains(byte);
    (1..=64).contains(&name.len()) && name.as_bytes().iter().all(is_allowed)
}

fn look_into(schema: &Value, place: &str, found: &mut Vec<String>) {
    if let Value::Array(several) = schema {
        for (at, one) in several.iter().enumerate() {
            look_into(one, &format!("{place}/{at}"), found);
        }
    }
    let Value::Object(keywords) = schema else { return };
    if is_of_type(schema, "object") && !schema["properties"].is_object() {
        found.push(format!("{place}: object schema missing properties"));
    }
    if is_of_type(schema, "array") && !matches!(schema["items"], Value::Object(_) | Value::Array(_) | Value::Bool(_)) {
        found.push(format!("{place}: array schema missing items"));
    }
    for (keyword, value) in keywords {
        let place = format!("{place}/{keyword}");
        match keyword.as_str() {
            "const" | "default" | "enum" | "example" | "examples" => {}
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies" => {
                for (name, schema) in value.as_object().into_iter().flatten() {
                    look_into(schema, &format!("{place}/{name}"), found);
                }
            }
            _ => look_into(value, &place, found),
        }
    }
}

fn is_of_type(schema: &Value, wanted: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == wanted,
        Value::Array(several) => several.iter().any(|one| one == wanted),
        _ => false,
    }
}
