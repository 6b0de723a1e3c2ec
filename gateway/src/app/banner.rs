//! What a person sees at the start.
//!
//! Pure: values in, text out.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::{Table, presets};

use crate::door::clients::{ClientKind, Place, snippets};
use crate::mux::Registry;

/// Where the gateway is, as soon as it listens.
pub(super) fn address(url: &str, shards: &Path) -> String {
    format!(
        "\n  mcp-gateway {version}\n\n  Page      {url}/  (shards, tools, problems, clients)\n  MCP       {url}/mcp\n  Health    {url}/health\n  Shards    {shards}  (add a server: drop a YAML file here)\n\n",
        version = env!("CARGO_PKG_VERSION"),
        shards = absolute(shards),
    )
}

/// Who is there, what is wrong, and the lines for the clients.
pub(super) fn shards(registry: &Registry, url: &str, folder: &Path) -> String {
    let mut text = String::from("\n");
    if registry.shards.is_empty() {
        let folder = folder.display();
        let _ = writeln!(
            text,
            "  No shards yet. `mcp-gateway add time --shards {folder} -- uvx mcp-server-time` makes one."
        );
    } else {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["Shard", "State", "Tools", "Prompts", "Resources", "Problem"]);
        for shard in &registry.shards {
            let (tools, prompts, resources) = (shard.tools, shard.prompts, shard.resources);
            let problem = shard.last_error.clone().unwrap_or_default();
            table.add_row([
                shard.name.clone(),
                shard.state.to_owned(),
                tools.to_string(),
                prompts.to_string(),
                resources.to_string(),
                problem,
            ]);
        }
        for line in table.lines() {
            let _ = writeln!(text, "  {}", line.trim_end());
        }
    }
    for problem in &registry.problems {
        let _ = writeln!(text, "\n  {problem}");
    }
    text += &clients(url, folder);
    text
}

fn clients(url: &str, folder: &Path) -> String {
    let place = Place { program: own_program(), shards: absolute(folder), url: Some(format!("{url}/mcp")) };
    let desktop = snippets(ClientKind::ClaudeDesktop, &place).swap_remove(0).json;
    let desktop: serde_json::Value = serde_json::from_str(&desktop).expect("the snippet is JSON");
    format!(
        "\n  Open WebUI      Settings → Integrations (Admin, Tools) → External Tool Servers → +: Type MCP Streamable HTTP, URL {url}/mcp, Auth None\n  Claude Desktop  claude_desktop_config.json: {desktop}\n  Others          mcp-gateway client claude-code, cursor or vscode\n\n"
    )
}

/// The path of this program, for those who start it.
pub(super) fn own_program() -> String {
    std::env::current_exe().map_or_else(|_| "mcp-gateway".to_owned(), |path| path.display().to_string())
}

pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Trouble;
    use crate::mux::Entry;

    #[test]
    fn the_table_shows_each_shard_with_its_problem_and_each_broken_file() {
        let entry = |name: &str, state, last_error: Option<&str>| Entry {
            name: name.into(),
            state,
            tools: 2,
            last_error: last_error.map(ToOwned::to_owned),
            ..Entry::default()
        };
        let registry = Registry {
            status: "degraded",
            version: "1",
            uptime_s: 1,
            shards: vec![entry("time", "ready", None), entry("git", "backoff", Some("it ended with exit status: 1"))],
            problems: vec![Trouble {
                file: "shards.d/x.yaml".into(),
                line: Some(7),
                message: "unknown key `comand`".into(),
            }],
            ready: true,
        };
        let text = shards(&registry, "http://127.0.0.1:9100", Path::new("/srv/shards.d"));
        let told = text.split("\n  Open WebUI").next().unwrap();
        let expected = [
            "",
            "   Shard  State    Tools  Prompts  Resources  Problem",
            "   time   ready    2      0        0",
            "   git    backoff  2      0        0          it ended with exit status: 1",
            "",
            "  shards.d/x.yaml:7: unknown key `comand`",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
        assert!(text.contains("http://127.0.0.1:9100/mcp") && text.contains(r#"["stdio","--shards","/srv/shards.d"]"#));
    }
}
