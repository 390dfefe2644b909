//! Lets this crate's tests find libtorch at run time, and tells the programs that use the crate where it lies.
//!
//! Link arguments reach only a package's own targets, so every package with a binary or a test that links this crate has
//! a build script of the same shape, reading `DEP_TURNSTONE_LIBTORCH_RUNPATH`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // torch-sys knows the folder however it was chosen: LIBTORCH, LIBTORCH_LIB, LIBTORCH_USE_PYTORCH or the system's.
    let Some(lib_dir) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") else {
        println!(
            "cargo::warning=torch-sys does not say where libtorch is; programs will need LD_LIBRARY_PATH"
        );
        return;
    };
    let lib_dir = std::path::absolute(&lib_dir).unwrap_or_else(|_| lib_dir.into());
    // Beside an installed program first (bin/turnstone, lib/libtorch_cpu.so), then where it was built.
    let runpath = format!("$ORIGIN/../lib:{}", lib_dir.display());
    println!("cargo::metadata=runpath={runpath}");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        // --enable-new-dtags writes RUNPATH, which LD_LIBRARY_PATH overrides; the older RPATH would win over it.
        println!("cargo::rustc-link-arg=-Wl,--enable-new-dtags,-rpath,{runpath}");
    }
}
