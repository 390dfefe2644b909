//! The arrows between the crates of the workspace, as ARCHITECTURE.md draws them, read off `cargo metadata`.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;
use turnstone_tests::workspace_root;

/// Each crate with those of ours that it may use. The tests may use all of them.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("turnstone-types", &[]),
    ("turnstone-proto", &["types"]),
    ("turnstone-store", &["types"]),
    ("turnstone-bus", &["types", "proto"]),
    ("turnstone-classifier", &["types"]),
    ("turnstone-gleaner", &["types"]),
    (
        "turnstone-service",
        &["types", "proto", "store", "bus", "gleaner"],
    ),
    (
        "turnstone-ingest",
        &["types", "proto", "store", "bus", "gleaner", "service"],
    ),
    (
        "turnstone-scorer",
        &["types", "proto", "store", "bus", "classifier", "service"],
    ),
    ("turnstone-explain", &["types"]),
    (
        "turnstone-query",
        &["types", "proto", "store", "bus", "explain", "service"],
    ),
    ("turnstone-testkit", &[]),
    (
        "turnstone",
        &[
            "types",
            "proto",
            "store",
            "bus",
            "classifier",
            "gleaner",
            "service",
            "ingest",
            "scorer",
            "explain",
            "query",
        ],
    ),
];

/// Crates that isolate something, with the only one of ours that may name it outside its tests.
const ISOLATED: [(&str, &str); 8] = [
    ("tch", "turnstone-classifier"),
    ("torch-sys", "turnstone-classifier"),
    ("tokenizers", "turnstone-classifier"),
    ("async-nats", "turnstone-bus"),
    ("sqlx", "turnstone-store"),
    ("tokio-postgres", "turnstone-store"),
    ("deadpool-postgres", "turnstone-store"),
    ("tokio-postgres-rustls", "turnstone-store"),
];

/// For tests only, so no rule above holds for them.
const TEST_CRATES: [&str; 2] = ["turnstone-testkit", "turnstone-tests"];

fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--offline", "--locked", "--format-version", "1"])
            .current_dir(workspace_root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    })
}

/// The crates of the workspace, by name.
fn members() -> BTreeMap<&'static str, &'static Value> {
    let members: BTreeSet<&str> = texts(&metadata()["workspace_members"]).collect();
    let packages = metadata()["packages"].as_array().unwrap().iter();
    let ours = packages.filter(|package| members.contains(package["id"].as_str().unwrap()));
    ours.map(|package| (package["name"].as_str().unwrap(), package))
        .collect()
}

fn texts(array: &'static Value) -> impl Iterator<Item = &'static str> {
    array.as_array().unwrap().iter().filter_map(Value::as_str)
}

/// Names of what a crate depends on outside its tests.
fn dependencies(package: &'static Value) -> impl Iterator<Item = &'static str> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| dependency["name"].as_str().unwrap())
}

#[test]
fn arrows_point_down_only() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let members = members();
    let mut wrong = Vec::new();
    for (name, package) in &members {
        if *name == "turnstone-tests" {
            continue;
        }
        let Some(allowed) = allowed.get(name) else {
            wrong.push(format!("{name} is in no rule: give it a line in MAY_USE"));
            continue;
        };
        for dependency in dependencies(package).filter(|dependency| members.contains_key(dependency)) {
            let short = dependency.strip_prefix("turnstone-").unwrap_or(dependency);
            if !allowed.contains(&short) {
                wrong.push(format!("{name} must not use {dependency}"));
            }
        }
        let dev = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"] == "dev");
        for dependency in dev.map(|dependency| dependency["name"].as_str().unwrap()) {
            let short = dependency.strip_prefix("turnstone-").unwrap_or(dependency);
            if members.contains_key(dependency)
                && dependency != "turnstone-testkit"
                && !allowed.contains(&short)
            {
                wrong.push(format!("the tests of {name} must not use {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_service_and_library_is_there() {
    let members = members();
    for name in [
        "types",
        "proto",
        "store",
        "bus",
        "classifier",
        "gleaner",
        "service",
        "ingest",
        "scorer",
        "query",
    ] {
        assert!(
            members.contains_key(format!("turnstone-{name}").as_str()),
            "crates/{name} is gone: the rules above are stale"
        );
    }
    assert!(members.contains_key("turnstone"));
}

#[test]
fn heavy_dependencies_have_one_user() {
    let members = members();
    for (dependency, only_user) in ISOLATED {
        for (name, package) in &members {
            if *name == only_user || TEST_CRATES.contains(name) {
                continue;
            }
            assert!(
                !dependencies(package).any(|other| other == dependency),
                "{name} must not use {dependency}: only {only_user} does"
            );
        }
    }
    let named = |name: &str| dependencies(members["turnstone-store"]).any(|dependency| dependency == name);
    assert!(
        named("sqlx") && named("tokio-postgres"),
        "the rules above are stale"
    );
}

#[test]
fn ingest_and_query_do_not_link_libtorch() {
    for name in ["turnstone-ingest", "turnstone-query"] {
        let closure = closure(name);
        for heavy in ["tch", "torch-sys", "tokenizers", "turnstone-classifier"] {
            assert!(!closure.contains(heavy), "{name} reaches {heavy}");
        }
    }
    assert!(
        closure("turnstone-scorer").contains("tch"),
        "the closure finds nothing, so the test above says nothing"
    );
}

/// Names of everything that is built into a crate of ours.
fn closure(name: &str) -> BTreeSet<&'static str> {
    let nodes = metadata()["resolve"]["nodes"].as_array().unwrap();
    let nodes: BTreeMap<&str, &'static Value> = nodes
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let packages = metadata()["packages"].as_array().unwrap().iter();
    let names: BTreeMap<&str, &'static str> = packages
        .map(|package| (package["id"].as_str().unwrap(), package["name"].as_str().unwrap()))
        .collect();
    let mut open = vec![members()[name]["id"].as_str().unwrap()];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                open.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    seen.into_iter().map(|id| names[id]).collect()
}

#[test]
fn every_crate_inherits_lints_and_versions() {
    for (name, package) in members() {
        let path = package["manifest_path"].as_str().unwrap();
        let manifest = std::fs::read_to_string(path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name} does not inherit the lints"
        );
        for key in [
            "version",
            "edition",
            "rust-version",
            "license",
            "repository",
            "publish",
        ] {
            assert!(
                manifest.contains(&format!("\n{key}.workspace = true")),
                "{name} does not inherit {key}"
            );
        }
        assert!(package["description"].is_string(), "{name} has no description");
        check_dependencies_inherit(name, &manifest);
    }
}

fn check_dependencies_inherit(name: &str, manifest: &str) {
    let mut in_dependencies = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_matches(|c| c == '[' || c == ']');
            in_dependencies = table.ends_with("dependencies");
            assert!(
                !table.contains("dependencies."),
                "{name}: write [{table}] in one line, as the others are"
            );
        } else if in_dependencies && !line.is_empty() && !line.starts_with('#') {
            assert!(
                line.contains("workspace = true"),
                "{name} has a version of its own: {line}; inherit it from the workspace"
            );
        }
    }
}
