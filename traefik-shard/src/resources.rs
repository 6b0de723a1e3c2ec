//! What a client may read without calling a tool: routes, entry points, the overview and managed files.
//!
//! Nothing secret is in any of them, whoever wrote it into the configuration.

use rmcp::ErrorData;
use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};

use crate::api::EntryPoint;
use crate::disk::{self, Name, Store};
use crate::failure::{Code, Failure};
use crate::redact;
use crate::server::Context;
use crate::tools::list_routes;

const ROUTES: &str = "traefik://routes";
const ENTRY_POINTS: &str = "traefik://entrypoints";
const OVERVIEW: &str = "traefik://overview";
const MANAGED: &str = "traefik://managed/";
const JSON: &str = "application/json";
const YAML: &str = "application/yaml";

/// The resources that are always there.
pub(crate) fn list() -> Vec<Resource> {
    let resource =
        |uri: &str, name: &str, about: &str| Resource::new(uri, name).with_description(about).with_mime_type(JSON);
    vec![
        resource(ROUTES, "routes", "Traefik's routers with rules, services, servers and files, the first 500 of them"),
        resource(ENTRY_POINTS, "entrypoints", "Where Traefik listens, and what that adds to its routers"),
        resource(OVERVIEW, "overview", "How many routers, services and middlewares there are, and Traefik's version"),
    ]
}

/// The resources that go by a name.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    let about = "The file of a route that `create_route` made";
    vec![ResourceTemplate::new(format!("{MANAGED}{{name}}"), "managed").with_description(about).with_mime_type(YAML)]
}

/// The content of one of them. An error names what is missing and the way out.
pub(crate) async fn read(context: &Context, uri: &str) -> Result<ResourceContents, ErrorData> {
    let json = |content: Value| ResourceContents::text(content.to_string(), uri).with_mime_type(JSON);
    let answer = match uri {
        ROUTES => list_routes::run(context, list_routes::Arguments::everything()).await.map(|a| json(json!(a.body))),
        ENTRY_POINTS => context.api.entry_points().await.map(|all| json(all.iter().map(entry_point).collect())),
        OVERVIEW => overview(context).await.map(json),
        _ => match uri.strip_prefix(MANAGED) {
            Some(name) => {
                managed(context, name).await.map(|text| ResourceContents::text(text, uri).with_mime_type(YAML))
            }
            None => return Err(ErrorData::resource_not_found(format!("there is no resource `{uri}`"), None)),
        },
    };
    answer.map_err(|failure| match failure.code() {
        Code::NotFound => ErrorData::resource_not_found(failure.to_string(), Some(json!(failure))),
        Code::InvalidInput => ErrorData::invalid_params(failure.to_string(), Some(json!(failure))),
        _ => ErrorData::internal_error(failure.to_string(), Some(json!(failure))),
    })
}

fn entry_point(entry: &EntryPoint) -> Value {
    let protocol = if entry.address.ends_with("/udp") { "udp" } else { "tcp" };
    json!({
        "name": entry.name,
        "address": entry.address,
        "protocol": protocol,
        "default": entry.as_default,
        "tls": entry.http.tls.as_ref().map(|tls| json!({"cert_resolver": tls.cert_resolver, "options": tls.options})),
        "middlewares": entry.http.middlewares,
        "redirects_to": entry.http.redirections.entry_point.as_ref().map(|to| &to.to),
    })
}

async fn overview(context: &Context) -> Result<Value, Failure> {
    let version = context.api.version().await?;
    let mut overview = context.api.overview().await?;
    redact::value(&mut overview);
    Ok(json!({"version": version.version, "started": version.start_date, "overview": overview}))
}

/// A managed file's text; where somebody wrote something secret into it, the redacted content as YAML.
async fn managed(context: &Context, name: &str) -> Result<String, Failure> {
    let (settings, name) = (context.settings.clone(), Name::parse(name)?);
    let shown = name.as_str().to_owned();
    let read = disk::blocking(move || Store::open(&settings)?.read(&name));
    let file = tokio::time::timeout(context.settings.request_timeout, read).await.unwrap_or_else(|_| {
        let message = format!("the managed file of `{shown}` was not read in time");
        Err(Failure::new(Code::IoError, message, "see whether the file system of TRAEFIK_DYNAMIC_DIR answers"))
    })?;
    let Some(file) = file else {
        let message = format!("there is no managed route `{shown}`");
        return Err(Failure::new(Code::NotFound, message, "`list_routes` with `managed_only` names them"));
    };
    without_secrets(&file.text)
}

fn without_secrets(text: &str) -> Result<String, Failure> {
    let unreadable = |_| {
        let message = "the managed file is not YAML any more, so that secrets in it cannot be found";
        Failure::new(Code::IoError, message, "`validate_config` tells what is wrong with it")
    };
    let content: Value = serde_yaml::from_str(text).map_err(unreadable)?;
    let mut safe = content.clone();
    redact::value(&mut safe);
    let safe_text = redact::text(text);
    if safe == content && safe_text == text {
        return Ok(safe_text);
    }
    serde_yaml::to_string(&safe).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_text_is_given_as_it_is_unless_it_holds_a_secret() {
        let plain = "# a comment\nhttp:\n  routers:\n    mcp-a:\n      rule: Host(`a`)\n";
        assert_eq!(without_secrets(plain).unwrap(), plain);
        for secret in [
            "http:\n  middlewares:\n    a:\n      basicAuth:\n        users:\n          - u:geheim\n",
            "# password: http://u:geheim@h/\nhttp:\n  a: 1\n",
            "http:\n  services:\n    s:\n      loadBalancer:\n        servers: [{url: 'http://u:geheim@h'}]\n",
        ] {
            let safe = without_secrets(secret).unwrap();
            assert!(!safe.contains("geheim") && safe.contains("http:"), "{safe}");
        }
        assert!(without_secrets("a: [").is_err());
    }

    #[test]
    fn entry_points_tell_their_protocol_and_what_they_add() {
        let raw = json!({
            "name": "web", "address": ":80",
            "http": {"redirections": {"entryPoint": {"to": "websecure", "scheme": "https"}}, "tls": {"certResolver": "le"}}
        });
        let seen = entry_point(&serde_json::from_value(raw).unwrap());
        assert_eq!((&seen["protocol"], &seen["redirects_to"]), (&json!("tcp"), &json!("websecure")));
        assert_eq!(seen["tls"]["cert_resolver"], "le");
        let dns = entry_point(&serde_json::from_value(json!({"name": "dns", "address": ":53/udp"})).unwrap());
        assert_eq!((&dns["protocol"], &dns["tls"]), (&json!("udp"), &Value::Null));
    }

    #[test]
    fn every_listed_resource_has_a_name_a_type_and_a_description() {
        for resource in list() {
            let plain = serde_json::to_value(&resource).unwrap();
            assert!(plain["uri"].as_str().unwrap().starts_with("traefik://"), "{plain}");
            assert!(plain["mimeType"].is_string() && plain["description"].is_string(), "{plain}");
        }
        assert_eq!(serde_json::to_value(templates()).unwrap()[0]["uriTemplate"], "traefik://managed/{name}");
    }
}
