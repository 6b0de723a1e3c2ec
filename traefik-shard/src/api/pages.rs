//! The lists of the API page by page, where one answer with everything is too large.
//!
//! A list may change between two pages: an element that comes twice counts once, by its name.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::{Client, Reply};
use super::fault::Fault;
use super::types::Snapshot;

const PER_PAGE: &str = "1000";
/// Far more than one Traefik serves; a list that never ends is cut.
const PAGES: u32 = 200;

/// Everything, list by list; not one moment, but close to it.
pub(super) async fn everything(client: &Client) -> Result<Snapshot, Fault> {
    Ok(Snapshot {
        routers: list(client, &["http", "routers"]).await?,
        services: list(client, &["http", "services"]).await?,
        middlewares: list(client, &["http", "middlewares"]).await?,
        tcp_routers: list(client, &["tcp", "routers"]).await?,
        tcp_services: list(client, &["tcp", "services"]).await?,
        tcp_middlewares: list(client, &["tcp", "middlewares"]).await?,
        udp_routers: list(client, &["udp", "routers"]).await?,
        udp_services: list(client, &["udp", "services"]).await?,
    })
}

/// One list, by name; empty where Traefik says that there is none.
pub(super) async fn list<T: DeserializeOwned + Send + 'static>(
    client: &Client,
    path: &[&str],
) -> Result<BTreeMap<String, T>, Fault> {
    let mut all = BTreeMap::new();
    let mut page = 1;
    while page < PAGES {
        let number = page.to_string();
        let reply = client.get(path, &[("page", number.as_str()), ("per_page", PER_PAGE)]).await?;
        let Reply::Found(answer) = reply else { break };
        let next = answer.next;
        for item in answer.read::<Vec<Item<T>>>().await? {
            all.insert(item.name, item.value);
        }
        // The last page names page 1 as the next one.
        match next {
            Some(next) if next > page => page = next,
            _ => break,
        }
    }
    Ok(all)
}

/// An element of a list; the rest of it is the value.
struct Item<T> {
    name: String,
    value: T,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Item<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        let value = serde_json::Value::deserialize(deserializer)?;
        let name = value.get("name").and_then(serde_json::Value::as_str);
        let name = name.ok_or_else(|| D::Error::missing_field("name"))?.to_owned();
        Ok(Self { name, value: T::deserialize(value).map_err(D::Error::custom)? })
    }
}
