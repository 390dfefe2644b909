//! Tests of the classifier on real libtorch: golden outputs of the bundled model, and tiny random models made here.
#![allow(clippy::unwrap_used)]

mod attribution;
mod classify;
mod cuda;
mod engine;
mod families;
mod golden;
mod load_errors;
mod reference;
mod same_answers;
mod tiny_model;
mod torchscript;
mod weights;
