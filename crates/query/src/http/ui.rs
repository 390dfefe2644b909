//! The web user interface: the built pages that are in the program, with what browsers need to keep and to distrust them.
//! Where none were built in, `/` is the start page, which says how to build them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Paths that are pages: each answers with the one document, whose script shows the right one.
/// crates/query/ui/src/lib/router/pages.ts has the same list.
const PAGE_PATHS: [&str; 5] = ["/", "/alerts", "/diagnose", "/search", "/sign-in"];

/// Nothing from elsewhere, nothing inline, and no string becomes markup but by the policy of Svelte for its own templates.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

/// A file of ui/dist.
pub(super) struct File {
    path: &'static str,
    content: &'static [u8],
    gzip: Option<&'static [u8]>,
}

static EMBEDDED: LazyLock<Ui> = LazyLock::new(|| {
    let files: &'static [File] = include!(concat!(env!("OUT_DIR"), "/ui_files.rs"));
    Ui::new(files)
});

/// The pages of this program.
pub(crate) fn embedded() -> &'static Ui {
    &EMBEDDED
}

/// A set of built pages; empty where none were built in.
pub(crate) struct Ui {
    by_path: HashMap<&'static str, Asset>,
}

struct Asset {
    file: &'static File,
    /// Strong, of the content; the compressed form has one of its own.
    etag: HeaderValue,
    gzip_etag: HeaderValue,
    media_type: HeaderValue,
    /// Its name changes with its content.
    is_hashed: bool,
}

impl Ui {
    fn new(files: &'static [File]) -> Self {
        let by_path = files.iter().map(|file| (file.path, Asset::new(file))).collect();
        Self { by_path }
    }

    /// Whether it has an answer to a path. These carry nothing of anybody and are open to all, for signing in needs a page.
    pub fn answers(&self, path: &str) -> bool {
        self.asset(path).is_some()
    }

    fn asset(&self, path: &str) -> Option<&Asset> {
        let path = match path.strip_suffix('/') {
            Some(shorter) if shorter.len() > 1 => shorter,
            _ => path,
        };
        if PAGE_PATHS.contains(&path) {
            return self.by_path.get("/index.html");
        }
        // Found as a page only, so that there is one address for it.
        self.by_path
            .get(path)
            .filter(|asset| asset.file.path != "/index.html")
    }

    /// The answer to GET or HEAD of a path; `None` where there is nothing.
    pub fn respond(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        Some(self.asset(path)?.respond(headers))
    }
}

impl Asset {
    fn new(file: &'static File) -> Self {
        let digest: String = Sha256::digest(file.content)[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // Made of hexadecimal digits, so always valid.
        let tag = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""));
        Self {
            file,
            etag: tag(format!("\"{digest}\"")),
            gzip_etag: tag(format!("\"{digest}-gzip\"")),
            media_type: HeaderValue::from_static(media_type(file.path)),
            is_hashed: file.path.starts_with("/assets/"),
        }
    }

    fn respond(&self, headers: &HeaderMap) -> Response {
        let compressed = self.file.gzip.filter(|_| accepts_gzip(headers));
        let etag = if compressed.is_some() {
            &self.gzip_etag
        } else {
            &self.etag
        };
        let is_known = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|value| names_tag(value, etag));
        let content = compressed.unwrap_or(self.file.content);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(content));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, self.media_type.clone());
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
            if compressed.is_some() {
                response
                    .headers_mut()
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        };
        let cache = if self.is_hashed {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, etag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        Some("md" | "txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether the caller takes gzip: named, or by `*`, and not with the weight 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut by_star = false;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for part in value.to_str().unwrap_or_default().split(',') {
            let mut words = part.split(';').map(str::trim);
            let name = words.next().unwrap_or_default();
            let is_refused = words.any(|word| {
                word.strip_prefix("q=")
                    .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
            });
            if name.eq_ignore_ascii_case("gzip") {
                return !is_refused;
            }
            by_star |= name == "*" && !is_refused;
        }
    }
    by_star
}

fn names_tag(value: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(list), Ok(etag)) = (value.to_str(), etag.to_str()) else {
        return false;
    };
    list.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests;
