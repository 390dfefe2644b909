//! The defence of a server without a token against DNS rebinding: a web page anywhere can point a name of its own at
//! 127.0.0.1 and let the browser talk to us as that name. Such requests carry the foreign name; they are refused.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};
use std::net::IpAddr;

/// Whether the request is addressed to an IP address or to a name that always means this machine. A request without any
/// host does not come from a browser and passes.
pub(super) fn is_local_name(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let authority = match (uri.authority(), hosts.next(), hosts.next()) {
        (_, Some(_), Some(_)) => return false,
        (None, None, None) => return true,
        (Some(authority), _, _) => authority.clone(),
        (None, Some(host), None) => match Authority::try_from(host.as_bytes()) {
            Ok(authority) => authority,
            Err(_) => return false,
        },
        (None, None, Some(_)) => return false,
    };
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.')
        .to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_machines_are_refused() {
        let host = |name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, name.parse().expect("header value"));
            is_local_name(&headers, &Uri::from_static("/"))
        };
        for local in [
            "localhost",
            "LOCALHOST:7400",
            "app.localhost:7400",
            "127.0.0.1:7400",
            "[::1]:7400",
            "10.1.2.3",
        ] {
            assert!(host(local), "{local}");
        }
        for foreign in [
            "evil.example:7400",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil-localhost",
            "",
            "a b",
        ] {
            assert!(!host(foreign), "{foreign:?}");
        }
        assert!(is_local_name(
            &HeaderMap::new(),
            &Uri::from_static("http://127.0.0.1:7400/x")
        ));
        assert!(!is_local_name(
            &HeaderMap::new(),
            &Uri::from_static("http://evil.example/x")
        ));
        assert!(is_local_name(&HeaderMap::new(), &Uri::from_static("/")));
    }
}
