//! The texts of the small site: what each page and section is about, in our own words.
//!
//! Several say the same for HTTP, TCP and Kubernetes, as on the real site: those are the traps.

/// Path, title, first paragraph, sections.
pub(super) type Page = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The pages.
pub(super) const PAGES: &[Page] = &[
    (
        "",
        "What is Traefik",
        "A proxy that learns its routes by itself.",
        &[("Core Concepts", "entry points, routers, services")],
    ),
    (
        "reference/routing-configuration/http/middlewares/overview/",
        "Overview",
        "What lies between a router and a service.",
        &[("Available HTTP Middlewares", "a table of every middleware for HTTP")],
    ),
    (
        "reference/routing-configuration/http/middlewares/basicauth/",
        "BasicAuth",
        "Asks for a name and a password.",
        &[("Configuration Options", "users, realm, a file of users"), ("Passwords format", "which hashes are taken")],
    ),
    (
        "reference/routing-configuration/http/middlewares/forwardauth/",
        "ForwardAuth",
        "Lets another server decide who may pass.",
        &[("Configuration Options", "address, trustForwardHeader, authResponseHeaders")],
    ),
    (
        "reference/routing-configuration/http/middlewares/ratelimit/",
        "RateLimit",
        "So many requests in so much time.",
        &[
            ("Rate and Burst", "the mean and the peak"),
            ("sourceCriterion", "who is counted as one"),
            ("ipStrategy", "depth and excludedIPs"),
        ],
    ),
    (
        "reference/routing-configuration/http/middlewares/distributed-ratelimit/",
        "Distributed RateLimit",
        "rate limit over many nodes, rate limit in a cluster, rate limit",
        &[("Configuration Options", "rate limit")],
    ),
    (
        "reference/routing-configuration/http/middlewares/redirectscheme/",
        "RedirectScheme",
        "Sends a client to another scheme such as https.",
        &[("Configuration Options", "scheme, port, permanent")],
    ),
    (
        "reference/routing-configuration/http/middlewares/redirectregex/",
        "RedirectRegex",
        "Sends a client to an address made by a regex.",
        &[("Configuration Options", "regex, replacement")],
    ),
    (
        "reference/routing-configuration/http/middlewares/stripprefix/",
        "StripPrefix",
        "Takes the front of a path away.",
        &[("Configuration Options", "prefixes, forceSlash")],
    ),
    (
        "reference/routing-configuration/http/middlewares/headers/",
        "Headers",
        "Adds, changes and removes headers.",
        &[("CORS Headers", "accessControlAllowOriginList and its kin"), ("Security Headers", "stsSeconds, frameDeny")],
    ),
    (
        "reference/routing-configuration/http/middlewares/ipallowlist/",
        "IPAllowList",
        "Lets only some addresses in.",
        &[("Configuration Options", "sourceRange, ipStrategy")],
    ),
    (
        "reference/routing-configuration/http/middlewares/oidc/",
        "OIDC",
        "redirect http to https login, redirect to the provider, redirect back",
        &[("Configuration Options", "redirect http https url, middlewares")],
    ),
    (
        "reference/routing-configuration/http/middlewares/errorpages/",
        "Errors",
        "Shows a page of your own for a status.",
        &[("Configuration Options", "status, service, query")],
    ),
    (
        "reference/routing-configuration/http/routing/router/",
        "Router",
        "Connects requests to a service.",
        &[
            ("Configuration Options", "rule, entryPoints, priority, tls, middlewares"),
            ("Router Naming", "which letters a name may hold"),
        ],
    ),
    (
        "reference/routing-configuration/http/routing/rules-and-priority/",
        "Rules & Priority",
        "Which request a router takes.",
        &[
            ("Rules", "functions and how they combine"),
            ("Host and HostRegexp", "by the name of the host"),
            ("Path, PathPrefix, and PathRegexp", "by the path"),
            ("ClientIP", "by the address of the client"),
            ("Priority Calculation", "the longer rule comes first"),
        ],
    ),
    (
        "reference/routing-configuration/http/load-balancing/service/",
        "Service",
        "Spreads requests over servers.",
        &[
            ("Health Check", "path, interval, timeout"),
            ("Sticky Sessions", "a cookie that names the server"),
            ("Passive Health Check", "learns from failures"),
            ("Weighted Round Robin", "so much for each service"),
            ("Mirroring", "copies requests"),
            ("Failover", "another service for bad times"),
        ],
    ),
    (
        "reference/routing-configuration/http/load-balancing/serverstransport/",
        "ServersTransport",
        "How connections to servers are made.",
        &[("Configuration Options", "insecureSkipVerify, rootCAs, serverName")],
    ),
    (
        "reference/routing-configuration/http/tls/overview/",
        "Overview",
        "TLS of an HTTP router.",
        &[("Certificate Resolver", "who gets the certificate"), ("Custom Domains", "main and sans")],
    ),
    (
        "reference/routing-configuration/http/tls/tls-options/",
        "TLS Options",
        "Versions, ciphers, client certificates.",
        &[
            ("Minimum TLS Version", "minVersion"),
            ("Client Authentication (mTLS)", "clientAuthType"),
            ("Strict SNI Checking", "sniStrict"),
        ],
    ),
    (
        "reference/routing-configuration/http/tls/tls-certificates/",
        "TLS Certificates",
        "Certificates of your own.",
        &[("Certificates Stores", "the default store"), ("Default Certificate", "what is shown when none fits")],
    ),
    (
        "reference/routing-configuration/tcp/routing/router/",
        "Router",
        "router router priority of TCP.",
        &[("Configuration Options", "rule, priority, priority")],
    ),
    (
        "reference/routing-configuration/tcp/routing/rules-and-priority/",
        "Rules & Priority",
        "priority priority rules for TCP",
        &[("HostSNI and HostSNIRegexp", "by the name in the handshake"), ("Priority", "priority priority")],
    ),
    (
        "reference/routing-configuration/tcp/service/",
        "Service",
        "Weighted Round Robin and health check for TCP",
        &[
            ("Weighted Round Robin", "weighted round robin weighted round robin"),
            ("Health Check", "health check for TCP"),
        ],
    ),
    (
        "reference/routing-configuration/tcp/serverstransport/",
        "ServersTransport",
        "serversTransport serversTransport for TCP",
        &[("Configuration Options", "dialTimeout, terminationDelay")],
    ),
    (
        "reference/routing-configuration/tcp/middlewares/ipallowlist/",
        "IPAllowList",
        "Lets only some addresses in, for TCP.",
        &[],
    ),
    ("reference/routing-configuration/udp/service/", "Service", "Spreads datagrams.", &[]),
    (
        "reference/routing-configuration/kubernetes/crd/http/ingressroute/",
        "IngressRoute",
        "A router as a Kubernetes object.",
        &[("Configuration Options", "routes, match, priority, middlewares, services")],
    ),
    (
        "reference/routing-configuration/kubernetes/crd/http/middleware/",
        "Middleware",
        "A middleware as a Kubernetes object: basicAuth, rateLimit.",
        &[],
    ),
    (
        "reference/routing-configuration/other-providers/docker/",
        "Docker & Swarm",
        "Routes as labels of containers.",
        &[("Middlewares", "labels for middlewares")],
    ),
    (
        "reference/routing-configuration/other-providers/file/",
        "File",
        "Routes in a file.",
        &[("Middlewares", "middlewares middlewares")],
    ),
    (
        "reference/install-configuration/entrypoints/",
        "EntryPoints",
        "The doors of the proxy.",
        &[
            ("Configuration Options", "address, http.redirections.entryPoint.to, transport"),
            ("asDefault", "used where none is named"),
            ("Forwarded Headers", "trustedIPs"),
            ("HTTP3", "over QUIC"),
            ("ProxyProtocol and Load-Balancers", "the real client"),
        ],
    ),
    (
        "reference/install-configuration/api-dashboard/",
        "API & Dashboard",
        "What runs, as JSON and as a page.",
        &[
            ("Endpoints", "what may be asked"),
            ("Dashboard", "where it is shown"),
            ("Dashboard Router Rule", "how to reach it"),
        ],
    ),
    (
        "reference/install-configuration/providers/overview/",
        "Overview",
        "Where configuration comes from.",
        &[("Provider Namespace", "name@provider")],
    ),
    (
        "reference/install-configuration/providers/others/file/",
        "File",
        "Reads a file or a directory and watches it.",
        &[("Configuration Options", "directory, filename, watch")],
    ),
    (
        "reference/install-configuration/providers/kv/zk/",
        "ZooKeeper",
        "providersThrottleDuration providersThrottleDuration",
        &[],
    ),
    (
        "reference/install-configuration/providers/docker/",
        "Docker",
        "Asks the Docker daemon.",
        &[("Configuration Options", "endpoint, network")],
    ),
    (
        "reference/install-configuration/tls/certificate-resolvers/acme/",
        "ACME",
        "Certificates that renew themselves.",
        &[
            ("dnsChallenge", "a TXT record"),
            ("httpChallenge", "a file below well-known"),
            ("tlsChallenge", "in the handshake"),
            ("Wildcard Domains", "only by DNS"),
        ],
    ),
    (
        "reference/install-configuration/observability/metrics/",
        "Metrics",
        "Numbers for Prometheus and others.",
        &[("Prometheus", "buckets, addServicesLabels")],
    ),
    (
        "reference/install-configuration/observability/logs-and-accesslogs/",
        "Logs & AccessLogs",
        "What happened.",
        &[("AccessLogs", "format, filters")],
    ),
    (
        "migrate/v2-to-v3/",
        "Migration Guide: From v2 to v3",
        "basicauth rate limit ipWhiteList middlewares rules priority renamed",
        &[],
    ),
    ("deprecation/features/", "Deprecation Notices", "sticky sessions, tls options, dashboard", &[]),
];

/// Old paths, and where they lead.
pub(super) const STUBS: &[(&str, &str)] = &[
    ("routing/routers/", "reference/routing-configuration/http/routing/router/"),
    ("middlewares/http/basicauth/", "reference/routing-configuration/http/middlewares/basicauth/"),
    ("providers/file/", "reference/install-configuration/providers/others/file/"),
    ("https/acme/", "reference/install-configuration/tls/certificate-resolvers/acme/"),
    ("old/twice/", "https/acme/"),
    ("old/section/", "reference/install-configuration/entrypoints/#http3"),
    ("loop/a/", "loop/b/"),
    ("loop/b/", "loop/a/"),
    ("old/gone/", "no/such/page/"),
];
