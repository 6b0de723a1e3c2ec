//! The laboratory itself: Traefik serves, the shard is there in both ways.
//!
//! Invariant: nothing here depends on what a tool does.

use serde_json::json;

use crate::support::{Api, Gateway, Lab, LabOptions, Reply, Shard};

const TOOLS: [&str; 8] = [
    "check_ssl_status",
    "create_route",
    "delete_route",
    "get_backend_status",
    "get_traefik_docs",
    "list_routes",
    "reload_config",
    "validate_config",
];

#[tokio::test]
async fn the_humans_routes_answer_and_come_back_after_a_restart() {
    for api in [Api::Open, Api::Guarded] {
        let mut lab = Lab::start(LabOptions { api, ..LabOptions::default() }).await;
        let answers = lab.answers().await;
        let statuses: Vec<_> = answers.iter().map(|(name, reply)| (&**name, reply.status)).collect();
        assert_eq!(statuses, [("guarded@file", 401), ("human@file", 200), ("secure@file", 200)]);
        let human = Reply { status: 200, body: "human GET /a?b=c".into() };
        assert_eq!(lab.get("web", "human.lab.test", "/a?b=c").await, human);
        assert_eq!(lab.get("tcp", "whatever", "/a?b=c").await, human);
        assert_eq!(lab.get("web", "nobody.lab.test", "/").await.status, 404);
        lab.stop();
        assert_eq!(lab.try_get("web", "human.lab.test", "/").await, None);
        lab.restart().await;
        let again =
            lab.until("all routes are back", async |lab| Some(lab.answers().await).filter(|now| !now.is_empty()));
        assert_eq!(again.await, answers);
        assert_eq!(lab.tree_bytes().into_keys().collect::<Vec<_>>(), ["human.yml"]);
    }
}

#[tokio::test]
async fn the_server_that_is_down_is_noticed_by_the_health_check() {
    let lab = Lab::start(LabOptions::default()).await;
    let (up, down) = (lab.backend().url(), lab.dead().url());
    lab.until("the dead server is seen", async |lab| {
        let service = lab.api("/http/services/half@file").await?;
        (service["serverStatus"] == json!({up.clone(): "UP", down.clone(): "DOWN"})).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_same_eight_tools_are_there_over_stdio_and_through_the_gateway() {
    let lab = Lab::start(LabOptions::default()).await;
    let shard = Shard::start(&lab.shard()).await;
    let gateway = Gateway::start(&lab.shard()).await;
    assert_eq!(shard.client().tools().keys().collect::<Vec<_>>(), TOOLS);
    assert_eq!(gateway.client().tools().keys().collect::<Vec<_>>(), TOOLS);
    for name in TOOLS {
        let (direct, through) = (&shard.client().tools()[name], &gateway.client().tools()[name]);
        assert_eq!(direct.input_schema, through.input_schema);
        assert_eq!(direct.output_schema, through.output_schema);
        assert_eq!(direct.annotations, through.annotations);
    }
    shard.end().await;
}
