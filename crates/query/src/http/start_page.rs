//! The page at `/` of a program without web user interface: what this is, how to reach it, how to get one. Stands alone; nothing on it is loaded from elsewhere.

use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const PAGE: &str = include_str!("start_page.html");
const STYLE: &str = include_str!("start_page.css");

struct StartPage {
    html: String,
    policy: HeaderValue,
}

static START_PAGE: LazyLock<StartPage> = LazyLock::new(|| {
    let style_digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style_digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    StartPage {
        html: PAGE
            .replace("{style}", STYLE)
            .replace("{version}", env!("CARGO_PKG_VERSION")),
        // ASCII by making; should it ever not be, the strictest policy hides the style and nothing else.
        policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
    }
});

pub(super) async fn show() -> Response {
    let mut response = Html(START_PAGE.html.as_str()).into_response();
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, START_PAGE.policy.clone());
    response
}
