//! Names of methods for metrics and spans: those that exist, and one name for all others, since paths are written by callers.

use http::Method;
use prost::Message;
use std::collections::HashMap;
use turnstone_proto::FILE_DESCRIPTOR_SET;

const OTHER: &str = "other";
const HEALTH_CHECK: &str = "grpc.health.v1.Health/Check";
const HEALTH_WATCH: &str = "grpc.health.v1.Health/Watch";
const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// Whatever the web user interface is made of.
const UI: &str = "ui";
const PAGES: [&str; 6] = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/detections/watch",
    "/v1/diagnose",
];
/// One name for the explanations of all entries, whose ids are written by callers.
const EXPLANATION: &str = "/v1/entries/{id}/explanation";

/// The methods of this server.
pub(super) struct MethodNames {
    /// Name by path.
    grpc: HashMap<String, &'static str>,
    http: HashMap<&'static str, &'static str>,
}

impl MethodNames {
    /// Reads them from the built-in descriptors. Called once in a process: the names live as long as it does.
    pub fn of_this_server() -> Self {
        // The descriptors were encoded by our own build; were they damaged, calls would only be counted as `other`.
        let descriptors = prost_types::FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
        let mut grpc: HashMap<String, &'static str> = HashMap::new();
        for file in &descriptors.file {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    grpc.insert(format!("/{name}"), name.leak());
                }
            }
        }
        for name in [HEALTH_CHECK, HEALTH_WATCH].into_iter().chain(REFLECTION) {
            grpc.insert(format!("/{name}"), name);
        }
        Self {
            grpc,
            http: PAGES.into_iter().map(|path| (path, path)).collect(),
        }
    }

    pub fn grpc(&self, path: &str) -> &'static str {
        self.grpc.get(path).copied().unwrap_or(OTHER)
    }

    pub fn http(&self, method: &Method, path: &str) -> &'static str {
        let known = matches!(*method, Method::GET | Method::HEAD);
        let name = self.http.get(path).copied();
        let name = name.or_else(|| is_explanation(path).then_some(EXPLANATION));
        let name = name.or_else(|| crate::http::embedded_ui().answers(path).then_some(UI));
        name.filter(|_| known).unwrap_or(OTHER)
    }
}

fn is_explanation(path: &str) -> bool {
    let id = path
        .strip_prefix("/v1/entries/")
        .and_then(|rest| rest.strip_suffix("/explanation"));
    id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// Whether orchestrators ask this about our health. They hold no token and must get an answer under overload.
pub(super) fn is_probe(method: &str) -> bool {
    matches!(method, HEALTH_CHECK | HEALTH_WATCH | "/healthz" | "/readyz")
}

/// Whether the caller decides how long the answer lasts.
pub(super) fn is_held_by_caller(method: &str) -> bool {
    method == HEALTH_WATCH || REFLECTION.contains(&method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_exists_has_a_name() {
        let names = MethodNames::of_this_server();
        let list = "turnstone.v1.DetectionService/ListDetections";
        assert_eq!(names.grpc(&format!("/{list}")), list);
        assert_eq!(names.grpc("/turnstone.v1.DetectionService/Drop"), OTHER);
        assert_eq!(names.http(&Method::GET, "/readyz"), "/readyz");
        assert_eq!(names.http(&Method::GET, "/etc/passwd"), OTHER);
        assert_eq!(names.http(&Method::GET, "/v1/diagnose"), "/v1/diagnose");
        assert_eq!(
            names.http(&Method::GET, "/v1/entries/0199%2Fa/explanation"),
            EXPLANATION
        );
        for other in [
            "/v1/entries//explanation",
            "/v1/entries/a/b/explanation",
            "/v1/entries/explanation",
        ] {
            assert_eq!(names.http(&Method::GET, other), OTHER, "{other}");
        }
        assert_eq!(names.http(&Method::POST, "/v1/entries/a/explanation"), OTHER);
        assert!(
            is_probe(names.grpc("/grpc.health.v1.Health/Check"))
                && !is_probe(names.http(&Method::GET, "/metrics"))
        );
    }
}
