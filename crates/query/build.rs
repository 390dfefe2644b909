//! Puts the built pages of ui/dist into the program, where they have been built; calls no Node and builds nothing itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rustc-check-cfg=cfg(turnstone_ui)");
    println!("cargo::rerun-if-changed=build.rs");
    let ui = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("ui");
    let dist = ui.join("dist");
    // The stamp is the last thing that a build of the pages writes: without it, what lies there is half a build.
    let files = if dist.join(".built").is_file() {
        println!("cargo::rustc-cfg=turnstone_ui");
        println!("cargo::rerun-if-changed={}", dist.display());
        files_below(&dist)?
    } else {
        // A path that is not there would make every build a new one; the folder above it changes when dist comes.
        println!("cargo::rerun-if-changed={}", ui.display());
        Vec::new()
    };
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file
            .strip_prefix(&dist)?
            .to_str()
            .ok_or("a name in ui/dist is not UTF-8")?;
        if name.ends_with(".gz") || name.starts_with('.') {
            continue;
        }
        let compressed = PathBuf::from(format!("{}.gz", file.display()));
        let gzip = if files.contains(&compressed) {
            format!("Some(include_bytes!({compressed:?}))")
        } else {
            "None".to_owned()
        };
        writeln!(
            list,
            "    File {{ path: {:?}, content: include_bytes!({file:?}), gzip: {gzip} }},",
            format!("/{name}")
        )?;
    }
    list.push(']');
    let target = PathBuf::from(std::env::var("OUT_DIR")?).join("ui_files.rs");
    std::fs::write(target, list)?;
    Ok(())
}

fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
