//! The GPU where there is one, and the refusal where there is none: both are results to check.

use crate::golden::bundled_model;
use turnstone_classifier::{Classifier, DeviceChoice, Dtype, LoadError, LoadOptions};

const TEXTS: [&str; 5] = [
    "",
    "kernel: EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0",
    "sshd[4242]: Failed password for root from 203.0.113.9 port 51122 ssh2",
    "GET /healthz 200",
    "systemd[1]: Started Session 12 of user root.",
];

#[test]
fn the_gpu_agrees_with_the_cpu_or_is_refused_with_a_reason() {
    let exact = Classifier::load(&bundled_model(), &LoadOptions::default())
        .unwrap()
        .probabilities(&TEXTS);
    for (dtype, tolerance) in [(Dtype::F32, 1e-3), (Dtype::Bf16, 0.05), (Dtype::F16, 0.02)] {
        let options = LoadOptions {
            device: DeviceChoice::Cuda(0),
            dtype,
            ..LoadOptions::default()
        };
        let on_gpu = match Classifier::load(&bundled_model(), &options) {
            Ok(classifier) => classifier.probabilities(&TEXTS),
            Err(error) => {
                let message = error.to_string();
                assert!(matches!(error, LoadError::Device { .. }), "{message}");
                assert!(
                    message.contains("LD_LIBRARY_PATH") || message.contains("no NVIDIA GPU"),
                    "{message}"
                );
                continue;
            }
        };
        for ((found, expected), text) in on_gpu.iter().zip(&exact).zip(TEXTS) {
            for (found, expected) in found.as_ref().unwrap().iter().zip(expected.as_ref().unwrap()) {
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{dtype} {text:?}: {found} is not {expected}"
                );
            }
        }
    }
}
