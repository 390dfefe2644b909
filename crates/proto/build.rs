//! Compiles proto/turnstone/v1 with protox, in pure Rust: no protoc is needed.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let files: Vec<PathBuf> = ["glean", "score", "detection", "entry", "explanation", "stats"]
        .iter()
        .map(|name| root.join(format!("turnstone/v1/{name}.proto")))
        .collect();
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(&files, [&root])?;
    let descriptor_path = PathBuf::from(std::env::var("OUT_DIR")?).join("turnstone.v1.bin");
    std::fs::write(
        &descriptor_path,
        protox::prost::Message::encode_to_vec(&descriptors),
    )?;
    // Explanations go out as JSON too (server-sent events, `turnstone explain --format jsonl`), under the names of the fields.
    let mut code = tonic_prost_build::configure();
    for message in [
        "ExplanationContext",
        "ContextLine",
        "Redaction",
        "ExplanationToken",
        "ExplanationCitation",
        "ExplanationDone",
        "ExplanationError",
    ] {
        code = code.type_attribute(format!("turnstone.v1.{message}"), "#[derive(serde::Serialize)]");
    }
    for field in [
        "ExplanationContext.time_from",
        "ExplanationContext.time_until",
        "ContextLine.timestamp",
    ] {
        code = code.field_attribute(
            format!("turnstone.v1.{field}"),
            "#[serde(serialize_with = \"crate::json::timestamp\")]",
        );
    }
    code.compile_fds(descriptors)?;
    Ok(())
}
