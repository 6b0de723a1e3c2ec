//! What the list of tools promises a client.

use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::support::Gateway;

/// Read-only, destructive, idempotent, open world.
fn hints(tool: &Tool) -> [Option<bool>; 4] {
    let annotations = tool.annotations.as_ref().expect("annotations");
    let open = annotations.open_world_hint;
    [annotations.read_only_hint, annotations.destructive_hint, annotations.idempotent_hint, open]
}

#[tokio::test]
async fn only_the_writers_are_not_read_only_and_only_route_writers_are_destructive() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for (name, tool) in gateway.client().tools() {
        let [read_only, destructive, idempotent, open] = hints(tool);
        let writes = ["create_route", "delete_route", "reload_config"].contains(&&**name);
        assert_eq!(read_only, Some(!writes), "{name}");
        assert_eq!(destructive == Some(true), writes && name != "reload_config", "{name}");
        assert!(!writes || destructive.is_some(), "{name}: without the hint a writer counts as destructive");
        assert_eq!(idempotent, Some(true), "{name}");
        assert_eq!(open, Some(name == "get_traefik_docs"), "{name}");
    }
}

#[tokio::test]
async fn every_argument_and_every_result_is_described() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for (name, tool) in gateway.client().tools() {
        assert!(tool.description.as_ref().is_some_and(|text| text.len() > 80), "{name}: {:?}", tool.description);
        let input = Value::Object((*tool.input_schema).clone());
        assert_eq!(input["additionalProperties"], json!(false), "{name} takes anything");
        let arguments = input["properties"].as_object().unwrap_or_else(|| panic!("{name}: {input}"));
        assert!(!arguments.is_empty(), "{name}");
        for (argument, schema) in arguments {
            assert!(schema["description"].is_string(), "{name}.{argument}: {schema}");
        }
        let output = Value::Object((**tool.output_schema.as_ref().unwrap()).clone());
        assert_eq!(output["type"], "object", "{name}");
        assert!(output["properties"].as_object().is_some_and(|fields| fields.len() > 1), "{name}: {output}");
        for schema in [&input, &output] {
            jsonschema::validator_for(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[tokio::test]
async fn an_unknown_argument_is_refused_and_named() {
    let (lab, gateway) = Gateway::and_lab().await;
    for name in gateway.client().tools().keys() {
        let called = gateway.client().try_call(name, json!({"no_such_argument": 1})).await;
        let said = match called {
            Ok(result) => {
                assert_eq!(result.is_error, Some(true), "{name}");
                format!("{:?}", result.content)
            }
            Err(error) => error,
        };
        assert!(said.contains("no_such_argument"), "{name}: {said}");
    }
    assert_eq!(lab.tree_bytes().into_keys().collect::<Vec<_>>(), ["human.yml"]);
}
