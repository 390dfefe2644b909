//! One suite for every backend. A case is a private async function that takes a harness and is listed once in its module;
//! one that is left off the list is dead code, which does not compile.

#![deny(dead_code)]
#![allow(clippy::unwrap_used)]

mod backends;
mod cases;
mod fixtures;

use backends::{Backend, Harness};
use futures::future::BoxFuture;
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use std::sync::Arc;

/// A case of the suite.
pub struct Case {
    name: &'static str,
    run: fn(Harness) -> BoxFuture<'static, anyhow::Result<()>>,
}

/// Lists the cases of a module by the names of their functions.
#[macro_export]
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        /// The cases of this module.
        pub fn cases() -> Vec<$crate::Case> {
            vec![$($crate::Case { name: stringify!($case), run: |harness| Box::pin($case(harness)) }),+]
        }
    };
}

fn trial(
    runtime: &Arc<tokio::runtime::Runtime>,
    backend: &Arc<dyn Backend>,
    module: &str,
    case: Case,
) -> Trial {
    let (runtime, backend) = (runtime.clone(), backend.clone());
    Trial::test(
        format!("{}::{module}::{}", backend.name(), case.name),
        move || {
            runtime.block_on(async {
                let harness = backend.fresh().await?;
                (case.run)(harness).await?;
                Ok(())
            })
        },
    )
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = Arc::new(runtime.expect("a runtime can be made"));
    let mut trials = Vec::new();
    for backend in backends::all() {
        for (module, cases) in cases::modules(backend.name()) {
            trials.extend(
                cases
                    .into_iter()
                    .map(|case| trial(&runtime, &backend, module, case)),
            );
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
