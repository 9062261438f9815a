//! An orderly stop: what was asked is answered, and nothing more is taken in.

use serde_json::json;
use tokio::time::timeout;

use crate::socket::{PATIENCE, Served, post_head};

#[tokio::test]
async fn what_is_under_way_is_answered_and_the_rest_ends() {
    let served = Served::with(|_| {}).await;
    let writer = served.bench.store.write().await.expect("a transaction");
    let mut asked = served.connect().await;
    let body = json!({ "volume_type": { "name": "gold" } }).to_string();
    asked.write(&(post_head("/v3/demo/types", body.len()) + &body)).await;
    while served.metric("ashlar_work_in_flight{line=\"work\"}").await == 0 {
        tokio::task::yield_now().await;
    }
    let mut idle = served.connect().await;
    let mut half = served.connect().await;
    half.write("GET / HTTP/1.1\r\nHost").await;
    served.stop.cancel();
    assert_eq!(idle.rest().await, "");
    assert_eq!(half.rest().await, "");
    assert!(!served.server.is_finished(), "one request is under way");
    drop(writer);
    let heard = asked.rest().await;
    assert!(heard.starts_with("HTTP/1.1 200") && heard.contains("gold"), "{heard}");
    timeout(PATIENCE, served.server).await.expect("in time").expect("ended");
    tokio::net::TcpStream::connect(served.address).await.expect_err("nobody listens");
}
