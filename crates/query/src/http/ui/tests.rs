//! Pages of a few bytes, so that these hold whether or not the real ones were built.

use super::*;

static FILES: [File; 3] = [
    File {
        path: "/assets/index-abc123.js",
        content: b"script",
        gzip: Some(b"gz"),
    },
    File {
        path: "/favicon.svg",
        content: b"<svg/>",
        gzip: None,
    },
    File {
        path: "/index.html",
        content: b"<!doctype html>",
        gzip: Some(b"zg"),
    },
];

fn ask(path: &str, headers: &[(&'static str, &str)]) -> Option<Response> {
    let headers = headers.iter().map(|(name, value)| {
        let value = HeaderValue::from_str(value).expect("header value");
        (http::HeaderName::from_static(name), value)
    });
    Ui::new(&FILES).respond(path, &headers.collect())
}

fn header(response: &Response, name: http::HeaderName) -> &str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("ascii"))
}

#[test]
fn every_page_is_the_one_document() {
    for path in PAGE_PATHS.into_iter().chain(["/alerts/"]) {
        let response = ask(path, &[]).expect(path);
        assert_eq!(
            header(&response, CONTENT_TYPE),
            "text/html; charset=utf-8",
            "{path}"
        );
        assert_eq!(header(&response, CACHE_CONTROL), "no-cache");
        assert_eq!(header(&response, CONTENT_SECURITY_POLICY), POLICY);
    }
    for path in [
        "/index.html",
        "/nowhere",
        "/alerts/x",
        "//",
        "/assets",
        "/assets/../favicon.svg",
    ] {
        assert!(ask(path, &[]).is_none(), "{path}");
    }
    assert!(!POLICY.contains("unsafe"));
}

#[test]
fn what_has_a_hash_in_its_name_is_kept_for_good() {
    let response = ask(
        "/assets/index-abc123.js",
        &[("accept-encoding", "br, gzip;q=0.8")],
    )
    .expect("script");
    assert!(header(&response, CACHE_CONTROL).ends_with("immutable"));
    assert_eq!(header(&response, CONTENT_ENCODING), "gzip");
    assert_eq!(header(&response, CONTENT_LENGTH), "2");
    assert_eq!(header(&response, VARY), "accept-encoding");
    assert_eq!(header(&response, CONTENT_TYPE), "text/javascript; charset=utf-8");
}

#[test]
fn only_who_takes_gzip_gets_it() {
    for (value, expected) in [
        ("gzip", true),
        ("GZIP", true),
        ("*", true),
        ("br", false),
        ("gzip;q=0", false),
        ("gzip; q=0.0, *", false),
        ("", false),
    ] {
        let response = ask("/assets/index-abc123.js", &[("accept-encoding", value)]).expect("script");
        assert_eq!(
            header(&response, CONTENT_ENCODING) == "gzip",
            expected,
            "{value:?}"
        );
    }
    let response = ask("/favicon.svg", &[("accept-encoding", "gzip")]).expect("icon");
    assert_eq!(header(&response, CONTENT_ENCODING), "");
}

#[test]
fn what_the_browser_has_is_not_sent_again() {
    let etag = header(&ask("/", &[]).expect("page"), ETAG).to_owned();
    let zipped = header(&ask("/", &[("accept-encoding", "gzip")]).expect("page"), ETAG).to_owned();
    assert_ne!(etag, zipped);
    for value in [
        etag.as_str(),
        &format!("W/{etag}"),
        &format!("\"x\", {etag}"),
        "*",
    ] {
        let response = ask("/", &[("if-none-match", value)]).expect("page");
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{value}");
        assert_eq!(header(&response, CONTENT_SECURITY_POLICY), POLICY);
    }
    assert_eq!(
        ask("/", &[("if-none-match", &zipped)]).expect("page").status(),
        StatusCode::OK
    );
}

#[test]
fn without_built_pages_there_is_nothing() {
    let none = Ui::new(&[]);
    assert!(
        !none.answers("/") && none.respond("/", &HeaderMap::new()).is_none() && Ui::new(&FILES).answers("/")
    );
}
