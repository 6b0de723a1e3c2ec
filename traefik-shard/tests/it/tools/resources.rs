//! The resources and the prompt through the gateway.

use rmcp::model::{GetPromptRequestParams, ReadResourceRequestParams, ResourceContents};
use serde_json::{Value, json};

use super::route;
use crate::support::{Gateway, HASH, TOKEN};

async fn read(gateway: &Gateway, uri: &str) -> String {
    let read = gateway.client().service().read_resource(ReadResourceRequestParams::new(uri)).await;
    let ResourceContents::TextResourceContents { text, .. } = &read.unwrap().contents[0] else { panic!("no text") };
    text.clone()
}

#[tokio::test]
async fn each_resource_shows_what_is_live_and_no_secret() {
    let (lab, gateway) = Gateway::and_lab().await;
    gateway.call("create_route", route("app", &lab.backend().url())).await.done();
    let listed = gateway.client().service().list_all_resources().await.unwrap();
    let mut uris: Vec<String> = listed.iter().map(|resource| resource.uri.clone()).collect();
    uris.sort();
    assert_eq!(uris, ["traefik://entrypoints", "traefik://overview", "traefik://routes"]);
    for (uri, part) in [
        ("traefik://routes", "Host(`human.lab.test`)"),
        ("traefik://entrypoints", "websecure"),
        ("traefik://overview", "routers"),
    ] {
        let text = read(&gateway, uri).await;
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{uri}: {error} in {text}"));
        assert!(text.contains(part), "{uri}: {text}");
        assert!(!text.contains(HASH) && !text.contains(TOKEN), "{uri}: {text}");
    }
    let templates = gateway.client().service().list_all_resource_templates().await.unwrap();
    assert_eq!(templates[0].uri_template, "traefik://managed/{name}");
    assert!(read(&gateway, "traefik://managed/app").await.contains("Host(`app.lab.test`)"));
}

#[tokio::test]
async fn a_managed_route_that_is_not_there_is_an_error_with_its_name() {
    let (_lab, gateway) = Gateway::and_lab().await;
    for uri in ["traefik://managed/nobody", "traefik://managed/..%2fhuman", "traefik://managed/../human"] {
        let read = gateway.client().service().read_resource(ReadResourceRequestParams::new(uri)).await;
        assert!(read.is_err(), "{uri}: {read:?}");
    }
}

#[tokio::test]
async fn the_prompt_walks_through_a_dry_run_before_anything_is_written() {
    let (_lab, gateway) = Gateway::and_lab().await;
    let prompts = gateway.client().service().list_all_prompts().await.unwrap();
    let prompt = prompts.iter().find(|prompt| prompt.name.ends_with("expose_service")).unwrap();
    let required = prompt.arguments.iter().flatten().filter(|argument| argument.required == Some(true));
    let arguments: serde_json::Map<String, Value> =
        required.map(|argument| (argument.name.clone(), json!("http://127.0.0.1:9000"))).collect();
    let params = GetPromptRequestParams::new(prompt.name.clone()).with_arguments(arguments);
    let given = format!("{:?}", gateway.client().service().get_prompt(params).await.unwrap());
    for part in ["http://127.0.0.1:9000", "dry_run", "create_route"] {
        assert!(given.contains(part), "{part}: {given}");
    }
}
