use std::{collections::BTreeSet, fs};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use tower::ServiceExt;

use super::*;

/// What no file may have: ways to make markup of text, code of text, inline style, other origins.
const FORBIDDEN: [&str; 12] = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "DOMParser",
    "eval(",
    "new Function",
    "javascript:",
    "style=",
    "\"https:",
    "url(",
];

fn text(file: &File) -> &'static str {
    std::str::from_utf8(file.content).unwrap()
}

async fn ask(path: &str) -> Response {
    router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
}

#[test]
fn every_file_of_the_folder_is_served() {
    // As it is now: clones of a machine share test programs.
    let folder = format!("{}/web", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let there = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let served = FILES.iter().map(|file| file.name.to_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), served.collect());
}

#[test]
fn every_file_that_is_named_is_there() {
    let names: Vec<&str> = FILES.iter().map(|file| file.name).collect();
    for file in FILES {
        let page = text(file).split('"').filter_map(|part| part.strip_prefix("dashboard/"));
        let imports = text(file).split('"').filter_map(|part| part.strip_prefix("./"));
        for name in page.chain(imports) {
            assert!(names.contains(&name), "{} names {name}", file.name);
        }
    }
}

#[test]
fn no_file_makes_markup_of_text_or_asks_elsewhere() {
    for file in FILES {
        for word in FORBIDDEN {
            assert!(!text(file).contains(word), "{} has {word}", file.name);
        }
        // The namespace of drawings is a name, not an address.
        let addresses = text(file).matches("http://").count();
        let allowed = text(file).matches("http://www.w3.org/2000/svg").count()
            + text(file).matches("http://127.0.0.1:3030").count();
        assert_eq!(addresses, allowed, "{} names another host", file.name);
    }
}

#[tokio::test]
async fn files_have_their_type_and_the_policy() {
    for (path, kind) in [("/", HTML), ("/dashboard/base.css", CSS), ("/dashboard/main.js", SCRIPT)] {
        let response = ask(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let header = |name: HeaderName| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header(CONTENT_TYPE), kind);
        assert_eq!(header(X_CONTENT_TYPE_OPTIONS), "nosniff");
        let policy = header(CONTENT_SECURITY_POLICY);
        for wanted in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(wanted), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!to_bytes(response.into_body(), 1 << 20).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_no_file_is_a_problem() {
    for path in ["/dashboard/none.js", "/dashboard/..%2Fapi.rs", "/dashboard/%3Cb%3E"] {
        let response = ask(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.headers()[CONTENT_TYPE], crate::problem::MEDIA_TYPE);
    }
}
