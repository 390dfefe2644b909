//! Explanations by a real language model on this machine, from the lines to the last frame.
#![allow(clippy::unwrap_used)]

mod local_llm;
