//! Progress on standard error: a bar on a terminal, nothing where nobody watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A progress bar that vanishes when dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Starts a bar over `total` units of `unit`, or a spinner where the total is not known.
    pub fn start(total: Option<u64>, unit: &str) -> Self {
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                format!("{{bar:40}} {{percent}}% {{human_pos}} of {{human_len}} {unit}  {{msg}}"),
            ),
            None => (
                ProgressBar::new_spinner(),
                format!("{{spinner}} {{human_pos}} {unit}  {{per_sec}}  {{msg}}"),
            ),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Says how far it is.
    pub fn set(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Shows a word beside the bar.
    pub fn say(&self, message: impl Into<String>) {
        self.0.set_message(message.into());
    }

    /// Runs something that prints to the terminal without tearing the bar.
    pub fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
