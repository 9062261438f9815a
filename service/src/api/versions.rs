//! `GET /`, `GET /v3` and `GET /v3/`: how clients find what is here.

use axum::{Json, http::StatusCode};
use serde_json::{Value, json};

use super::{call::Call, links::Links, microversion::Microversion};

/// 300, as the protocol has it: the client is to choose.
pub(crate) async fn choices(call: Call) -> (StatusCode, Json<Value>) {
    (StatusCode::MULTIPLE_CHOICES, Json(document(&call.links)))
}

pub(crate) async fn version(call: Call) -> Json<Value> {
    Json(document(&call.links))
}

fn document(links: &Links) -> Value {
    json!({ "versions": [{
        "id": "v3.0",
        "status": "CURRENT",
        "version": Microversion::MAX.to_string(),
        "min_version": Microversion::MIN.to_string(),
        // When the newest microversion came to be.
        "updated": "2022-08-31T00:00:00Z",
        "links": [
            { "rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/api-ref/block-storage/v3/" },
            { "rel": "self", "href": links.root() },
        ],
        "media-types": [
            { "base": "application/json", "type": "application/vnd.openstack.volume+json;version=3" },
        ],
    }]})
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Uri};

    use super::{Links, document};

    #[test]
    fn the_document_is_what_clients_discover_by() {
        let links = Links::new(&HeaderMap::new(), &Uri::from_static("/"), None);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document(&links)).expect("JSON"), @r##"
        {
          "versions": [
            {
              "id": "v3.0",
              "links": [
                {
                  "href": "https://docs.openstack.org/api-ref/block-storage/v3/",
                  "rel": "describedby",
                  "type": "text/html"
                },
                {
                  "href": "http://localhost/v3/",
                  "rel": "self"
                }
              ],
              "media-types": [
                {
                  "base": "application/json",
                  "type": "application/vnd.openstack.volume+json;version=3"
                }
              ],
              "min_version": "3.0",
              "status": "CURRENT",
              "updated": "2022-08-31T00:00:00Z",
              "version": "3.70"
            }
          ]
        }
        "##);
    }
}
