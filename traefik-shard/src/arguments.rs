//! The arguments of a tool call, as a model gives them.
//!
//! What cannot be read is a `Failure` like any other: it names the argument at fault and echoes neither
//! secrets nor more than a few hundred characters.

use std::borrow::Cow;

use rmcp::ErrorData;
use rmcp::handler::server::common::FromContextPart;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::schemars::transform::{RecursiveTransform, Transform};
use rmcp::schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::cut::cut;
use crate::failure::{Code, Failure};
use crate::redact;

/// A longer fault is cut where it is shown.
const SHOWN: usize = 700;

/// What was given, or why it cannot be used. The name is the one that the macro `tool` looks for.
pub(crate) struct Parameters<P>(pub(crate) Result<P, Failure>);

impl<S, P: DeserializeOwned> FromContextPart<ToolCallContext<'_, S>> for Parameters<P> {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        Ok(Self(read(context.arguments.take().unwrap_or_default())))
    }
}

/// The schema of the arguments without references and formats: some model providers refuse tools that have them.
impl<P: JsonSchema> JsonSchema for Parameters<P> {
    fn schema_name() -> Cow<'static, str> {
        P::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut settings = generator.settings().clone();
        settings.inline_subschemas = true;
        let mut schema = settings.into_generator().into_root_schema_for::<P>();
        RecursiveTransform(|part: &mut Schema| drop(part.remove("format"))).transform(&mut schema);
        schema
    }
}

/// Models write `null` for what they leave out, so that counts as not given.
fn read<P: DeserializeOwned>(mut given: Map<String, Value>) -> Result<P, Failure> {
    given.retain(|_, value| !value.is_null());
    given.values_mut().for_each(without_nulls);
    P::deserialize(&given).map_err(|error| refusal::<P>(given, &error.to_string()))
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

fn refusal<P: DeserializeOwned>(given: Map<String, Value>, fault: &str) -> Failure {
    let shown = cut(&redact::text(fault), SHOWN);
    let hint =
        "give the arguments as the tool's input schema says: a list as [\"a\"], numbers, true and false without quotes";
    match at_fault::<P>(given, fault) {
        Some(argument) if !fault.starts_with("unknown field") => {
            Failure::new(Code::InvalidInput, format!("`{argument}`: {shown}"), hint).with("argument", argument)
        }
        _ => Failure::new(Code::InvalidInput, shown, hint),
    }
}

/// The argument without which the fault is another one.
fn at_fault<P: DeserializeOwned>(mut given: Map<String, Value>, fault: &str) -> Option<String> {
    let names: Vec<String> = given.keys().cloned().collect();
    names.into_iter().find(|name| {
        let Some(value) = given.remove(name) else { return false };
        let other = P::deserialize(&given).map_or_else(|error| error.to_string() != fault, |_| true);
        given.insert(name.clone(), value);
        other
    })
}

#[cfg(test)]
mod tests {
    use rmcp::handler::server::common::schema_for_input;
    use serde_json::json;

    use super::*;
    use crate::route::Request;

    fn given(arguments: &Value) -> Result<Request, Value> {
        read(arguments.as_object().unwrap().clone()).map_err(|failure| json!(failure))
    }

    #[test]
    fn null_counts_as_not_given() {
        let request = given(&json!({"name": "a", "hosts": null, "dry_run": null, "tls": {"domains": null}})).unwrap();
        assert!(request.hosts.is_empty() && !request.dry_run && request.tls.unwrap().domains.is_empty());
    }

    #[test]
    fn wrong_types_are_refusals_that_name_the_argument() {
        for (arguments, message) in [
            (json!({"name": "a", "hosts": "b.lan"}), "`hosts`: invalid type: string \"b.lan\", expected a sequence"),
            (json!({"name": 7, "host": "b.lan"}), "`name`: invalid type: integer `7`, expected a string"),
            (json!({"host": "b.lan"}), "missing field `name`"),
            (json!({"name": null}), "missing field `name`"),
        ] {
            let failure = given(&arguments).unwrap_err();
            assert_eq!(failure["code"], "invalid_input");
            assert_eq!(failure["message"], message);
        }
        assert!(
            given(&json!({"name": "a", "hostt": "b"})).unwrap_err()["message"].as_str().unwrap().contains("`host`")
        );
    }

    #[test]
    fn a_refusal_echoes_no_password_and_no_megabyte() {
        let secret = given(&json!({"name": "a", "backend_urls": "http://me:hunter2@h"})).unwrap_err().to_string();
        assert!(!secret.contains("hunter2"), "{secret}");
        let long = given(&json!({"name": "a", "dry_run": "x".repeat(1_000_000)})).unwrap_err().to_string();
        assert!(long.len() < 2_000, "{}", long.len());
    }

    #[test]
    fn schemas_of_arguments_have_neither_references_nor_formats() {
        let schema = json!(schema_for_input::<Parameters<Request>>().unwrap());
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("$defs") && !text.contains("\"format\""), "{text}");
        assert_eq!(schema["type"], "object");
        assert!(text.contains("cert_resolver"), "{text}");
    }
}
