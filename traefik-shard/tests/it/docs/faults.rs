//! Everything that a site, or the way to it, can do wrong.
//!
//! Invariant: each fault ends in an old copy that says so, or in an error that names the URL.

use serde_json::{Value, json};

use super::server::{Answer, Server};
use super::{HTTP, ask, expect, shard, site};
use crate::support::{Outcome, eventually};

/// The code and the text of a failure.
fn failed(outcome: &Outcome, code: &str, says: &str) {
    assert!(outcome.is_error, "{}", outcome.text);
    assert_eq!(outcome.structured["code"], code, "{}", outcome.text);
    assert!(outcome.text.contains(says), "{says}: {}", outcome.text);
}

#[tokio::test]
async fn redirects_are_followed_within_the_site_and_never_out_of_it() {
    let server = Server::start(site::files()).await;
    let other = Server::start(site::files()).await;
    let basicauth = format!("{HTTP}middlewares/basicauth/");
    for n in 0..5 {
        let to = if n == 4 { basicauth.clone() } else { format!("hop/{}/", n + 1) };
        server.answer(&format!("hop/{n}/"), Answer::Redirect(format!("/traefik/{to}")));
    }
    server.answer("hop/long/", Answer::Redirect("/traefik/hop/longer/".to_owned()));
    server.answer("hop/longer/", Answer::Redirect("/traefik/hop/0/".to_owned()));
    server.answer("circle/", Answer::Redirect("/traefik/circle/".to_owned()));
    server.answer("out/", Answer::Redirect(format!("{}features/?token=abc", other.url())));
    server.answer("pass/", Answer::Redirect(server.url().replace("http://", "http://me:pw@")));
    let away = format!("<meta http-equiv=\"refresh\" content=\"0; url={}features/\">", other.url());
    server.answer("away/", site::page(&away));
    let shard = shard(server.url(), &[]).await;
    expect(&shard, server.url(), json!({"page": "hop/0"}), &basicauth).await;
    for (page, says) in [
        ("hop/long", "circle or never end"),
        ("circle", "circle or never end"),
        ("loop/a", "circle or never end"),
        ("out", "outside of itself"),
        ("pass", "outside of itself"),
        ("away", "outside of itself"),
    ] {
        let outcome = ask(&shard, json!({"page": page})).await;
        failed(&outcome, "docs_unreachable", says);
        assert!(outcome.text.contains(server.url()) && outcome.text.contains("TRAEFIK_DOCS_URL"), "{}", outcome.text);
        assert!(!outcome.text.contains("abc") && !outcome.text.contains("pw"), "{}", outcome.text);
    }
    assert_eq!(other.asked("features/"), []);
    shard.end().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_too_slow_or_of_another_type_is_refused() {
    let server = Server::start(site::files()).await;
    server.answer("huge/", site::page(&site::around(&"<p>x</p>".repeat(5 << 17))));
    server.answer("hang/", Answer::Hang);
    server.answer("pdf/", Answer::File("application/pdf", b"%PDF".to_vec(), None));
    server.answer("bare/", site::page("<p>no article here</p>"));
    server.answer("broken/", Answer::Status(503));
    let shard = shard(server.url(), &["--request-timeout", "300ms"]).await;
    for (page, says) in [
        ("huge", "larger than 2 MiB"),
        ("hang", "no complete answer within 900ms"),
        ("pdf", "`application/pdf` instead of `text/html`"),
        ("bare", "no page of the documentation"),
        ("broken", "the site answered 503"),
    ] {
        let outcome = ask(&shard, json!({"page": page})).await;
        failed(&outcome, "docs_unreachable", says);
        assert!(outcome.text.contains(&format!("{}{page}/", server.url())), "{}", outcome.text);
    }
    // A failure is remembered, and the next question about something else is not held up by it.
    failed(&ask(&shard, json!({"page": "broken"})).await, "docs_unreachable", "503");
    assert_eq!(server.asked("broken/").len(), 1);
    expect(&shard, server.url(), json!({"topic": "rate limit"}), &format!("{HTTP}middlewares/ratelimit/")).await;
    shard.end().await;
}

#[tokio::test]
async fn without_a_readable_index_the_sitemap_answers() {
    let big = vec![b' '; 9 << 20];
    let odd = [
        Answer::Status(404),
        Answer::File("application/json", b"{\"pages\": []}".to_vec(), None),
        Answer::File("application/json", b"{\"docs\": [".to_vec(), None),
        Answer::File("text/html", b"<p>log in</p>".to_vec(), None),
        Answer::File("application/json", big, None),
    ];
    for answer in odd {
        let server = Server::start(site::files()).await;
        server.answer("search/search_index.json", answer);
        let shard = shard(server.url(), &[]).await;
        for (topic, page) in [
            ("rate limit", "middlewares/ratelimit/"),
            ("basicauth", "middlewares/basicauth/"),
            ("serversTransport", "load-balancing/serverstransport/"),
        ] {
            let found = expect(&shard, server.url(), json!({"topic": topic}), &format!("{HTTP}{page}")).await;
            assert!(found.structured["notes"].to_string().contains("search index"), "{}", found.structured);
        }
        failed(&ask(&shard, json!({"topic": "flux capacitor"})).await, "docs_not_found", "flux capacitor");
        shard.end().await;
    }
}

#[tokio::test]
async fn without_index_and_sitemap_paths_and_known_topics_still_work() {
    let server = Server::start(site::files()).await;
    server.answer("search/search_index.json", Answer::Status(404));
    server.answer("sitemap.xml", Answer::Status(404));
    let shard = shard(server.url(), &[]).await;
    expect(&shard, server.url(), json!({"page": "routing/routers"}), &format!("{HTTP}routing/router/")).await;
    expect(
        &shard,
        server.url(),
        json!({"topic": "priority"}),
        &format!("{HTTP}routing/rules-and-priority/#priority-calculation"),
    )
    .await;
    failed(&ask(&shard, json!({"topic": "sundials"})).await, "docs_unreachable", "search_index.json");
    failed(&ask(&shard, json!({"list": true})).await, "docs_unreachable", "sitemap.xml");
    shard.end().await;
}

#[tokio::test]
async fn a_page_is_asked_for_again_only_on_condition_and_only_when_its_time_is_over() {
    let server = Server::start(site::files()).await;
    let page = format!("{HTTP}middlewares/basicauth/");
    let patient = shard(server.url(), &[]).await;
    let from_cache = |found: &Outcome| found.structured["from_cache"].clone();
    assert_eq!(from_cache(&expect(&patient, server.url(), json!({"page": page}), &page).await), Value::Bool(false));
    assert_eq!(
        from_cache(&expect(&patient, server.url(), json!({"topic": "basicauth"}), &page).await),
        Value::Bool(true)
    );
    assert_eq!(server.asked(&page).len(), 1);
    patient.end().await;

    let hasty = shard(server.url(), &["--docs-ttl", "0s"]).await;
    expect(&hasty, server.url(), json!({"page": page}), &page).await;
    let again = expect(&hasty, server.url(), json!({"page": page}), &page).await;
    assert_eq!(from_cache(&again), Value::Bool(true));
    let asked = server.asked(&page);
    assert_eq!((asked.len(), &asked[1].if_none_match), (3, &None));
    assert!(asked[2].if_none_match.is_some());
    server.answer(&page, site::page(&site::around("<h1>BasicAuth</h1><p>A new text</p>")));
    let changed = expect(&hasty, server.url(), json!({"page": page}), &page).await;
    assert!(changed.text.contains("A new text") && from_cache(&changed) == Value::Bool(false), "{}", changed.text);
    hasty.end().await;
}

#[tokio::test]
async fn when_the_site_is_gone_what_was_read_still_serves_and_says_that_it_is_old() {
    let server = Server::start(site::files()).await;
    let url = server.url().to_owned();
    let page = format!("{HTTP}middlewares/ratelimit/");
    let shard = shard(&url, &["--docs-ttl", "0s"]).await;
    expect(&shard, &url, json!({"topic": "rate limit"}), &page).await;
    drop(server);
    let old = eventually("the old copy", async || {
        let old = expect(&shard, &url, json!({"topic": "rate limit"}), &page).await;
        (old.structured["stale"] == true).then_some(old)
    })
    .await;
    assert!(old.structured["notes"].to_string().contains("no connection"), "{}", old.structured);
    assert!(old.text.contains("So many requests"), "{}", old.text);
    let other = ask(&shard, json!({"topic": "basicauth"})).await;
    failed(&other, "docs_unreachable", &format!("{url}{HTTP}middlewares/basicauth/"));
    assert!(other.text.contains("TRAEFIK_DOCS_URL"), "{}", other.text);
    shard.end().await;
}

#[tokio::test]
async fn with_nothing_read_and_no_site_the_error_names_the_address_and_the_setting() {
    let server = Server::start(site::files()).await;
    let url = server.url().to_owned();
    drop(server);
    let shard = shard(&url, &[]).await;
    for arguments in [json!({"topic": "rate limit"}), json!({"page": "routing/routers"}), json!({"list": true})] {
        let outcome = ask(&shard, arguments).await;
        failed(&outcome, "docs_unreachable", "no connection");
        assert!(outcome.text.contains(&url) && outcome.text.contains("TRAEFIK_DOCS_URL"), "{}", outcome.text);
    }
    shard.end().await;
}

#[tokio::test]
async fn a_packed_page_is_unpacked_and_its_real_size_counts() {
    let server = Server::start(site::files()).await;
    let packed = |text: &str| Answer::File("text/html\r\ncontent-encoding: gzip", gzip(text.as_bytes()), None);
    server.answer("packed/", packed(&site::around("<h1>Packed</h1><p>Light as a feather</p>")));
    server.answer("packed-huge/", packed(&site::around(&"<p>x</p>".repeat(5 << 17))));
    let mut torn = gzip(b"<article><p>torn</p></article>");
    torn.truncate(12);
    server.answer("torn/", Answer::File("text/html\r\ncontent-encoding: gzip", torn, None));
    let shard = shard(server.url(), &[]).await;
    let found = expect(&shard, server.url(), json!({"page": "packed"}), "packed/").await;
    assert!(found.text.contains("Light as a feather"), "{}", found.text);
    failed(&ask(&shard, json!({"page": "packed-huge"})).await, "docs_unreachable", "larger than 2 MiB");
    failed(&ask(&shard, json!({"page": "torn"})).await, "docs_unreachable", "cannot be read");
    shard.end().await;
}

/// The plainest form of gzip: blocks that are stored as they are.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<&[u8]> = data.chunks(0xffff).collect();
    for (number, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        packed.push(u8::from(number + 1 == blocks.len()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(*block);
    }
    let sum = data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    });
    packed.extend((!sum).to_le_bytes());
    packed.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    packed
}
