//! The modern clients among seven real servers, four of which speak the legacy era alone: every tool is listed, and every
//! tool is called, each as the server itself lists and answers it.
//!
//! Invariant: what is expected is what the server answers to the legacy client that speaks to it directly, in the same
//! test; no expectation is written down but for how many tools there are.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::task::{JoinSet, LocalSet};

use super::matrix::{Client, Era, Told};
use super::servers::Servers;
use crate::support::eventually;

/// The seven, by the names of their files, and how many tools each has.
const SEVEN: [(&str, &str, usize); 7] = [
    ("everything", "mcp-servers/everything", 17),
    ("fetch", "mcp-fetch", 1),
    ("filesystem", "secure-filesystem-server", 14),
    ("git", "mcp-git", 12),
    ("memory", "memory-server", 9),
    ("thinking", "sequential-thinking-server", 1),
    ("time", "mcp-time", 2),
];

/// What a server, or the gateway for it, answered to the calls, in order.
type Answers = Vec<(String, Told)>;

/// One SDK: the driver of its legacy client, which speaks to the servers, and of its modern one before the gateway.
struct Sdk {
    legacy: &'static str,
    modern: &'static str,
}

/// The calls of `every_tool.json`: the server, its tool, the arguments, and whether the text is another each time.
fn calls(servers: &Servers) -> Vec<(String, String, Value, bool)> {
    let file = servers.filled_in("every_tool.json");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let call =
        |call: &Value| (text(&call["server"]), text(&call["tool"]), call["arguments"].clone(), call["varies"] == true);
    file.as_array().unwrap().iter().map(call).collect()
}

/// Calls one tool, and answers whatever it asks meanwhile.
async fn call(client: &mut Client, name: &str, arguments: Value) -> Told {
    let text = json!({"type": "text", "text": "sampled"});
    let answers = json!({
        "elicitation/create": {"action": "accept", "content": {"name": "Ada", "check": true}},
        "sampling/createMessage": {"role": "assistant", "model": "none", "content": text},
        "roots/list": {"roots": []},
    });
    let params = json!({"name": name, "arguments": arguments});
    client.request("tools/call", params, json!({"answers": answers})).await
}

async fn names(client: &mut Client) -> Vec<String> {
    let tools = client.list("tools").await;
    let mut names: Vec<String> = tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

/// What one server lists and answers when it is asked directly, each under the name that the gateway gives it.
async fn one_directly(
    legacy: &'static str,
    servers: Rc<Servers>,
    (server, own_name, count): (&'static str, &'static str, usize),
) -> (Vec<String>, Answers) {
    let (mut way, variables) = servers.direct(server);
    way.insert(0, "--stdio".to_owned());
    let mut client = Client::start(legacy, Era::Legacy, own_name, &way, &variables).await;
    // One of them registers some of its tools only when it has been told what its client can do.
    let tools = eventually(&format!("`{server}` lists {count} tools"), async || {
        Some(names(&mut client).await).filter(|names| names.len() == count)
    })
    .await;
    let mut answers = Answers::new();
    for (_, tool, arguments, _) in calls(&servers).into_iter().filter(|call| call.0 == server) {
        let told = call(&mut client, &tool, arguments).await;
        answers.push((format!("{server}__{tool}"), told));
    }
    client.leave().await;
    (tools.iter().map(|tool| format!("{server}__{tool}")).collect(), answers)
}

/// The same of all seven, at the same time.
async fn directly(sdk: &Sdk, servers: &Rc<Servers>) -> (Vec<String>, Answers) {
    let mut asking = JoinSet::new();
    for one in SEVEN {
        asking.spawn_local(one_directly(sdk.legacy, Rc::clone(servers), one));
    }
    let (mut listed, mut answers) = (Vec::new(), Answers::new());
    while let Some(one) = asking.join_next().await {
        let (tools, told) = one.unwrap();
        listed.extend(tools);
        answers.extend(told);
    }
    listed.sort_unstable();
    (listed, answers)
}

/// The same through the gateway; all that differs.
async fn differs(client: &mut Client, servers: &Servers, (listed, answers): &(Vec<String>, Answers)) -> Vec<String> {
    let mut differences = Vec::new();
    let seen = names(client).await;
    if seen != *listed {
        differences.push(format!("{} tools are listed, not {}: {seen:?}, not {listed:?}", seen.len(), listed.len()));
    }
    let direct: BTreeMap<&str, &Told> = answers.iter().map(|(name, told)| (&**name, told)).collect();
    for (server, tool, arguments, varies) in calls(servers) {
        let name = format!("{server}__{tool}");
        let told = call(client, &name, arguments).await;
        let (mine, its) = (told.essence(), direct[&*name].essence());
        let is_same =
            if varies { mine["isError"] == its["isError"] && mine["code"] == its["code"] } else { mine == its };
        if !is_same {
            differences.push(format!("`{name}` answers\n    {mine}, not\n    {its}"));
        }
    }
    differences
}

async fn sees_and_calls_every_tool(sdk: Sdk) {
    let servers = Rc::new(Servers::lay_out().await);
    let direct = LocalSet::new().run_until(directly(&sdk, &servers)).await;
    assert_eq!((direct.0.len(), direct.1.len()), (56, 56), "each tool is called once");
    SEVEN.iter().for_each(|(server, ..)| servers.drop_in_one(server));
    servers.start_over();
    let gateway = servers.gateway().start().await;
    for (server, ..) in SEVEN {
        gateway.until(server, "ready").await;
    }
    let url = ["--url".to_owned(), gateway.url()];
    let mut client = Client::start(sdk.modern, Era::Modern, "mcp-gateway", &url, &[]).await;
    let over_http = differs(&mut client, &servers, &direct).await;
    client.leave().await;
    assert!(over_http.is_empty(), "over HTTP\n{}\nlog:\n{}", over_http.join("\n"), gateway.log());
    gateway.stop().await;

    servers.start_over();
    let folder = |name: &str| servers.dir().path().join(name).display().to_string();
    let (program, shards, state) = (env!("CARGO_BIN_EXE_mcp-gateway"), folder("shards.d"), folder("state"));
    let stdio = ["--stdio", program, "stdio", "--shards", &shards, "--state-dir", &state].map(str::to_owned);
    let variables = servers.variables().map(|(name, value)| (name.to_owned(), value));
    let mut client = Client::start(sdk.modern, Era::Modern, "mcp-gateway", &stdio, &variables).await;
    let over_stdio = differs(&mut client, &servers, &direct).await;
    client.leave().await;
    assert!(over_stdio.is_empty(), "over stdio\n{}", over_stdio.join("\n"));
}

#[tokio::test]
async fn the_modern_typescript_sdk_sees_and_calls_every_tool_of_seven_real_servers() {
    sees_and_calls_every_tool(Sdk { legacy: "ts1.mjs", modern: "ts2.mjs" }).await;
}

#[tokio::test]
async fn the_modern_python_sdk_sees_and_calls_every_tool_of_seven_real_servers() {
    sees_and_calls_every_tool(Sdk { legacy: "py2.py", modern: "py2.py" }).await;
}
