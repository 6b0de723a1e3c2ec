//! Documents of our own that use as much of the dynamic configuration as fits, and what of the schema a place in them is.
//!
//! Invariant: Traefik loads each of them as it stands; the test sees to it.

use std::sync::LazyLock;

use serde_json::{Value, json};

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../schema/dynamic.schema.json")).unwrap());

/// A document made of one to three sections that name different things.
pub(super) fn document(rng: &mut fastrand::Rng) -> Value {
    let sections = sections();
    let mut document = json!({});
    for _ in 0..rng.usize(1..=3) {
        merge(&mut document, &sections[rng.usize(..sections.len())]);
    }
    document
}

fn merge(into: &mut Value, from: &Value) {
    match (into.as_object_mut(), from.as_object()) {
        (Some(into), Some(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert_with(|| json!({})), value);
            }
        }
        _ => *into = from.clone(),
    }
}

/// Every section, each a document by itself.
pub(super) fn sections() -> Vec<Value> {
    let mut sections = routing();
    sections.extend(services());
    sections.extend(middlewares());
    sections.extend(transports());
    sections.extend(tcp_and_udp());
    sections.extend(tls());
    sections
}

fn routing() -> Vec<Value> {
    vec![
        json!({"http": {"routers": {
            "plain": {"rule": "Host(`plain.test`)", "service": "pool", "entryPoints": ["web"], "priority": 12},
            "shop": {
                "rule": "Host(`shop.test`) && PathPrefix(`/cart`)", "service": "pool", "middlewares": ["cut", "slow"],
                "tls": {"certResolver": "acme", "options": "modern", "domains": [{"main": "shop.test", "sans": ["*.shop.test"]}]},
                "observability": {"accessLogs": true, "metrics": false, "tracing": true, "traceVerbosity": "minimal"},
            },
        }}}),
        json!({"http": {"routers": {"secure": {"rule": "Path(`/s`)", "service": "pool", "tls": {}, "ruleSyntax": "v3"}}}}),
        json!({"http": {"routers": {
            "parent": {"rule": "PathPrefix(`/api`)", "entryPoints": ["web"]},
            "child": {"rule": "HeaderRegexp(`X-Team`, `^a`)", "service": "pool", "parentRefs": ["parent"]},
        }}}),
    ]
}

fn services() -> Vec<Value> {
    let of = |name: &str, service: Value| json!({"http": {"services": {name: service}}});
    vec![
        of(
            "pool",
            json!({"loadBalancer": {
                "servers": [{"url": "http://127.0.0.1:9", "weight": 2}, {"url": "http://127.0.0.1:10", "preservePath": true}],
                "passHostHeader": false, "strategy": "p2c", "serversTransport": "patient",
                "responseForwarding": {"flushInterval": "150ms"},
                "passiveHealthCheck": {"failureWindow": "4s", "maxFailedAttempts": 3},
            }}),
        ),
        of(
            "checked",
            json!({"loadBalancer": {
                "servers": [{"url": "https://127.0.0.1:11"}],
                "healthCheck": {
                    "scheme": "http", "mode": "http", "path": "/up", "method": "HEAD", "status": 204, "port": 81,
                    "interval": "40s", "unhealthyInterval": "20s", "timeout": "2s", "hostname": "h", "followRedirects": true,
                    "headers": {"X-Check": "yes"},
                },
                "sticky": {"cookie": {
                    "name": "biscuit", "secure": true, "httpOnly": true, "sameSite": "lax", "maxAge": 60, "path": "/p",
                }},
            }}),
        ),
        of(
            "split",
            json!({"weighted": {
                "services": [{"name": "pool", "weight": 3}, {"name": "checked", "weight": 1}],
                "sticky": {"cookie": {"name": "side"}}, "healthCheck": {},
            }}),
        ),
        of("hashed", json!({"highestRandomWeight": {"services": [{"name": "pool", "weight": 5}], "healthCheck": {}}})),
        of(
            "copied",
            json!({"mirroring": {
                "service": "pool", "mirrorBody": true, "maxBodySize": 1024, "mirrors": [{"name": "checked", "percent": 20}],
            }}),
        ),
        of(
            "spare",
            json!({"failover": {
                "service": "pool", "fallback": "checked", "errors": {"status": ["500-504"], "maxRequestBodyBytes": 9},
            }}),
        ),
    ]
}

fn middlewares() -> Vec<Value> {
    let criterion = json!({"ipStrategy": {"depth": 2, "excludedIPs": ["10.1.0.1"], "ipv6Subnet": 64}});
    let subject = json!({"country": true, "locality": true, "organization": false, "commonName": true});
    [
        ("lead", json!({"addPrefix": {"prefix": "/v9"}})),
        ("cut", json!({"stripPrefix": {"prefixes": ["/cart", "/c"], "forceSlash": false}})),
        ("carve", json!({"stripPrefixRegex": {"regex": ["/v[0-9]+"]}})),
        ("swap", json!({"replacePath": {"path": "/there"}})),
        ("rewrite", json!({"replacePathRegex": {"regex": "^/a/(.*)", "replacement": "/b/$1"}})),
        ("row", json!({"chain": {"middlewares": ["cut", "lead"]}})),
        ("locals", json!({"ipAllowList": {
            "sourceRange": ["10.0.0.0/8", "::1"], "ipStrategy": {"depth": 1}, "rejectStatusCode": 404,
        }})),
        ("extras", json!({"headers": {
            "customRequestHeaders": {"X-One": "1"}, "customResponseHeaders": {"X-Two": ""}, "stsSeconds": 600,
            "accessControlAllowMethods": ["GET", "PUT"], "accessControlMaxAge": 50, "addVaryHeader": true,
            "accessControlAllowOriginListRegex": ["^https://.*"], "frameDeny": true, "referrerPolicy": "no-referrer",
        }})),
        ("oops", json!({"errors": {
            "status": ["404", "500-599"], "service": "pool", "query": "/{status}", "statusRewrites": {"418": 404},
        }})),
        ("slow", json!({"rateLimit": {
            "average": 20, "burst": 40, "period": "1m",
            "sourceCriterion": {"requestHeaderName": "X-Who", "requestHost": false},
        }})),
        ("slower", json!({"rateLimit": {"average": 2, "redis": {
            "endpoints": ["127.0.0.1:6379"], "username": "u", "password": "p", "db": 1, "poolSize": 2, "dialTimeout": "1s",
            "tls": {"insecureSkipVerify": true},
        }}})),
        ("away", json!({"redirectRegex": {"regex": "^http://a/(.*)", "replacement": "http://b/$1", "permanent": true}})),
        ("https", json!({"redirectScheme": {"scheme": "https", "port": "8443", "permanent": false}})),
        ("door", json!({"basicAuth": {"users": ["u:$apr1$x$y"], "realm": "here", "removeHeader": true, "headerField": "X-U"}})),
        ("digest", json!({"digestAuth": {"users": ["u:r:0123"], "usersFile": "/nowhere", "realm": "r"}})),
        ("guard", json!({"forwardAuth": {
            "address": "http://127.0.0.1:12/auth", "trustForwardHeader": true, "authResponseHeaders": ["X-User"],
            "authRequestHeaders": ["Cookie"], "maxBodySize": 4096, "tls": {"ca": "/nowhere", "insecureSkipVerify": true},
        }})),
        ("few", json!({"inFlightReq": {"amount": 7, "sourceCriterion": criterion}})),
        ("keep", json!({"buffering": {
            "maxRequestBodyBytes": 10, "memResponseBodyBytes": 20, "retryExpression": "Attempts() < 2",
        }})),
        ("fuse", json!({"circuitBreaker": {
            "expression": "NetworkErrorRatio() > 0.5", "checkPeriod": "100ms", "fallbackDuration": 10, "responseCode": 503,
        }})),
        ("small", json!({"compress": {"minResponseBodyBytes": 1400, "encodings": ["gzip", "br"], "defaultEncoding": "gzip"}})),
        ("smaller", json!({"compress": {}})),
        ("cert", json!({"passTLSClientCert": {"pem": true, "info": {
            "notAfter": true, "sans": true, "subject": subject, "issuer": {"commonName": true},
        }}})),
        ("again", json!({"retry": {"attempts": 4, "initialInterval": "100ms", "timeout": "2s", "status": ["502"]}})),
        ("type", json!({"contentType": {"autoDetect": true}})),
        ("grpc", json!({"grpcWeb": {"allowOrigins": ["*"]}})),
        ("signs", json!({"encodedCharacters": {"allowEncodedSlash": true, "allowEncodedHash": false}})),
    ]
    .into_iter()
    .map(|(name, middleware)| json!({"http": {"middlewares": {name: middleware}}}))
    .collect()
}

fn transports() -> Vec<Value> {
    let certificates = json!([{"certFile": "/nowhere/a.pem", "keyFile": "/nowhere/a.key"}]);
    vec![
        json!({"http": {"serversTransports": {"patient": {
            "serverName": "inner", "insecureSkipVerify": true, "rootCAs": ["/nowhere/ca.pem"], "certificates": certificates,
            "maxIdleConnsPerHost": 7, "disableHTTP2": true, "peerCertURI": "uri", "minVersion": "VersionTLS12",
            "forwardingTimeouts": {"dialTimeout": "3s", "responseHeaderTimeout": 4, "idleConnTimeout": "1m30s"},
        }}}}),
        json!({"tcp": {"serversTransports": {"line": {
            "dialKeepAlive": "10s", "dialTimeout": "2s", "terminationDelay": 1, "proxyProtocol": {"version": 2},
            "tls": {"serverName": "n", "insecureSkipVerify": false, "certificates": certificates},
        }}}}),
    ]
}

fn tcp_and_udp() -> Vec<Value> {
    vec![
        json!({"tcp": {"routers": {
            "db": {"rule": "HostSNI(`*`)", "service": "db", "entryPoints": ["tcp"], "middlewares": ["nets"], "priority": 3},
            "mail": {"rule": "HostSNI(`mail.test`)", "service": "db", "tls": {"passthrough": true, "domains": [{"main": "m"}]}},
        }}}),
        json!({"tcp": {"services": {
            "db": {"loadBalancer": {
                "servers": [{"address": "127.0.0.1:9", "tls": false}], "serversTransport": "line",
                "healthCheck": {"port": 9, "send": "PING", "expect": "PONG", "interval": "9s", "timeout": "1s"},
            }},
            "shares": {"weighted": {"services": [{"name": "db", "weight": 2}]}},
        }}}),
        json!({"tcp": {"middlewares": {
            "nets": {"ipAllowList": {"sourceRange": ["127.0.0.1/32"]}},
            "count": {"inFlightConn": {"amount": 10}},
        }}}),
        json!({"udp": {
            "routers": {"dns": {"service": "dns", "entryPoints": ["udp"]}},
            "services": {
                "dns": {"loadBalancer": {"servers": [{"address": "127.0.0.1:53"}]}},
                "both": {"weighted": {"services": [{"name": "dns", "weight": 1}]}},
            },
        }}),
    ]
}

fn tls() -> Vec<Value> {
    vec![
        json!({"tls": {"options": {"modern": {
            "minVersion": "VersionTLS12", "maxVersion": "VersionTLS13", "sniStrict": true, "alpnProtocols": ["h2"],
            "cipherSuites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], "curvePreferences": ["CurveP521"],
            "clientAuth": {"caFiles": ["/nowhere/ca.pem"], "clientAuthType": "RequestClientCert"},
        }}}}),
        json!({"tls": {"certificates": [{"certFile": "/nowhere/b.pem", "keyFile": "/nowhere/b.key", "stores": ["default"]}]}}),
        json!({"tls": {"stores": {"default": {
            "defaultGeneratedCert": {"resolver": "acme", "domain": {"main": "d.test", "sans": ["e.test"]}},
        }}}}),
        json!({"tls": {"stores": {"other": {"defaultCertificate": {"certFile": "/nowhere/c.pem", "keyFile": "k"}}}}}),
    ]
}

/// The innermost definition of the schema that a path leads into.
pub(super) fn definition_at(path: &[String]) -> Option<String> {
    let (mut here, mut innermost) = (&*SCHEMA, None);
    for part in path {
        here = match here["items"].is_object() {
            true => &here["items"],
            false if here["properties"][part].is_object() => &here["properties"][part],
            false => &here["additionalProperties"],
        };
        if here["anyOf"].is_array() {
            here = &here["anyOf"][0];
        }
        if let Some(name) = here["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
            innermost = Some(name.to_owned());
            here = &SCHEMA["$defs"][name];
        }
    }
    innermost
}
