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
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
