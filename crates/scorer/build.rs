//! Writes into this package's programs and tests where libtorch lies, as turnstone-classifier found it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let (Ok(runpath), Ok("linux")) = (
        std::env::var("DEP_TURNSTONE_LIBTORCH_RUNPATH"),
        std::env::var("CARGO_CFG_TARGET_OS").as_deref(),
    ) {
        // RUNPATH, not RPATH, so that LD_LIBRARY_PATH can name another libtorch.
        println!("cargo::rustc-link-arg=-Wl,--enable-new-dtags,-rpath,{runpath}");
    }
}
