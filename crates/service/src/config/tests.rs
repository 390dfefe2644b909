//! Tests of the configuration: defaults, files, variables, refusals.

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn load_text(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("turnstone.toml");
    std::fs::write(&path, text).expect("written");
    Config::load(Some(&path), variables(pairs))
}

#[test]
fn defaults_are_the_originals() {
    let config = Config::load(None, []).expect("valid");
    assert_eq!(config.anomaly.model, None);
    assert_eq!(config.anomaly.threshold, 0.75);
    assert_eq!(config.anomaly.device, "cpu");
    assert_eq!(config.anomaly.batch, 256);
    assert!(config.server.listen.ip().is_loopback());
    assert_eq!(config.scorer.quiet_seconds, 0);
}

#[test]
fn every_key_has_a_variable() {
    let names: Vec<String> = environment_keys().into_iter().map(|key| key.variable).collect();
    for expected in [
        "TURNSTONE_ANOMALY_MODEL",
        "TURNSTONE_ANOMALY_THRESHOLD",
        "TURNSTONE_ANOMALY_DEVICE",
        "TURNSTONE_ANOMALY_BATCH",
        "TURNSTONE_API_TOKEN",
        "TURNSTONE_DATABASE_URL",
        "TURNSTONE_NATS_URL",
        "TURNSTONE_SERVER_LISTEN",
        "TURNSTONE_SOURCES",
        "TURNSTONE_LABELS",
        "TURNSTONE_HEALTH_LISTEN",
        "TURNSTONE_SCORER_QUIET_SECONDS",
        "TURNSTONE_LLM_ADDRESS",
        "TURNSTONE_LLM_API_KEY",
        "TURNSTONE_LLM_CONTEXT_TOKENS",
        "TURNSTONE_EXPLAIN_WINDOW_SECONDS",
        "TURNSTONE_EXPLAIN_REDACT_IP",
    ] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected} is missing from {names:?}"
        );
    }
}

#[test]
fn variables_win_over_the_file() {
    let config = load_text(
        "[anomaly]\nthreshold = 0.5\nbatch = 64\n",
        &[
            ("TURNSTONE_ANOMALY_THRESHOLD", "0.9"),
            ("TURNSTONE_DATABASE_URL", "postgres://u:pw@db/x"),
            (
                "TURNSTONE_LABELS",
                "{ LABEL_1 = { label = \"ATTACK\", severity = \"CRITICAL\", anomalous = true } }",
            ),
            (
                "TURNSTONE_SOURCES",
                "[{ source_id = \"a\", kind = \"files\", paths = [\"/var/log/a.log\"] }]",
            ),
            ("TURNSTONE_QUERY_PORT_7400_TCP", "tcp://10.0.0.1:7400"),
        ],
    )
    .expect("valid");
    assert_eq!((config.anomaly.threshold, config.anomaly.batch), (0.9, 64));
    assert_eq!(config.database.url.expose(), "postgres://u:pw@db/x");
    assert_eq!(config.sources.len(), 1);
    assert!(config.label_map().meaning("label_1").anomalous);
    assert!(!format!("{config:?}").contains("pw"), "a password shows in Debug");
}

#[test]
fn relative_paths_are_relative_to_the_file() {
    let config = load_text("data_dir = \"d\"\n[[sources]]\nsource_id = \"a\"\nkind = \"files\"\npaths = [\"logs/*.log\", \"/abs\"]\n", &[])
        .expect("valid");
    assert!(
        config.sources[0].paths[0].ends_with("/logs/*.log") && config.sources[0].paths[0].starts_with('/')
    );
    assert_eq!(config.sources[0].paths[1], "/abs");
    assert!(config.data_dir.starts_with('/'));
}

#[test]
fn refusals_say_what_and_where() {
    let cases = [
        ("treshold = 1", "treshold"),
        ("[anomaly]\ntreshold = 0.5", "treshold"),
        ("[anomaly]\nthreshold = 1.5", "anomaly.threshold"),
        ("[anomaly]\nthreshold = \"high\"", "line 2"),
        ("[anomaly]\nbatch = 0", "anomaly.batch"),
        ("[scorer]\nquiet_seconds = -1", "line 2"),
        ("[server]\nlisten = \"nowhere\"", "line 2"),
        (
            "[[sources]]\nsource_id = \"a\"\nkind = \"files\"\npaths = []\n[[sources]]\nsource_id = \"a\"\nkind = \"files\"\npaths = [\"/x\"]",
            "source_id",
        ),
        ("tenant = \"a.b\"", "tenant"),
        ("[llm]\nadress = \"http://127.0.0.1\"", "adress"),
        ("[llm]\naddress = \"http://127.0.0.1:1/v1\"", "llm.model"),
        ("[llm]\naddress = \"127.0.0.1:1\"\nmodel = \"m\"", "llm.address"),
        ("[llm]\ntemperature = 2.5", "llm.temperature"),
        ("[llm]\nfirst_token_seconds = 0", "llm.first_token_seconds"),
        ("[llm]\nmax_tokens = 0", "llm.max_tokens"),
        ("[explain]\nwindow_seconds = 0", "explain.window_seconds"),
        ("[explain]\nlines_max = 5000", "explain.lines_max"),
        (
            "[explain]\nredact_secrets = false\nredact_ip = true",
            "explain.redact_secrets",
        ),
        ("[explain]\nredact_mails = true", "redact_mails"),
        ("[server]\nexplanations_max = 0", "server.explanations_max"),
        ("=", "line 1"),
    ];
    for (text, expected) in cases {
        let message = load_text(text, &[]).expect_err(text).to_string();
        assert!(
            message.contains(expected),
            "{text:?} gives {message:?} without {expected:?}"
        );
    }
    let message = load_text("", &[("TURNSTONE_ANOMALY_BATCH", "many")])
        .expect_err("no number")
        .to_string();
    assert!(message.contains("TURNSTONE_ANOMALY_BATCH") && message.contains("many"));
    assert!(
        Config::load(Some(Path::new("/nowhere/x.toml")), [])
            .expect_err("missing")
            .to_string()
            .contains("/nowhere/x.toml")
    );
}

#[test]
fn the_key_of_the_language_model_never_shows() {
    const KEY: &str = "sk-0123456789abcdef";
    let config = load_text(
        "[llm]\naddress = \"https://llm.example/v1\"\nmodel = \"m\"\nroot_certificates = \"ca.pem\"\n",
        &[
            ("TURNSTONE_LLM_API_KEY", KEY),
            ("TURNSTONE_LLM_TEMPERATURE", "0.7"),
            ("TURNSTONE_EXPLAIN_REDACT_EMAIL", "true"),
        ],
    )
    .expect("valid");
    assert_eq!(config.llm.api_key.expose(), KEY);
    assert!(config.explain.redact_email && config.llm.temperature == 0.7);
    assert!(
        config.llm.root_certificates.ends_with("/ca.pem") && config.llm.root_certificates.starts_with('/')
    );
    let shown = format!("{config:?}{}", toml::to_string(&config).expect("serialises"));
    assert!(!shown.contains(KEY), "{shown}");
    let misplaced = load_text(
        "",
        &[("TURNSTONE_LLM_ADDRESS", KEY), ("TURNSTONE_LLM_MODEL", "m")],
    )
    .expect_err("no address")
    .to_string();
    assert!(
        misplaced.contains("llm.address") && !misplaced.contains(KEY),
        "{misplaced}"
    );
}
