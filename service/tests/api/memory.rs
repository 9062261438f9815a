//! The memory of the whole process under a flood.

use std::{
    ffi::OsString,
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use std::io::{Read, Write};

use ashlar_common::exec::Daemon;

use crate::socket::{PATIENCE, post_head};

/// What a flood may add to the most that the process ever took: 32 MiB of bodies, what they are read into, and the buffers
/// of the connections. Without the bound of bodies it is half as much again.
const BOUND_KIB: u64 = 200 << 10;

/// Connections that hold a body of 100 KB each: together more than the bound.
const HELD: usize = 1500;

/// What the process took at most so far.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

fn status_of(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(crate::socket::get(path).as_bytes()).ok()?;
    let mut heard = String::new();
    stream.read_to_string(&mut heard).ok()?;
    heard.lines().next().map(str::to_owned)
}

/// Sends largest bodies on a connection of its own, each cut into single bytes at first, until it has sent enough.
fn flood(port: u16, body: &str) -> usize {
    let mut answered = 0;
    for _ in 0..10 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        stream.set_nodelay(true).expect("set");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let (trickle, rest) = body.split_at(200);
        let mut sent = stream.write_all(post_head("/v3/demo/volumes", body.len()).as_bytes());
        for byte in trickle.as_bytes() {
            sent = sent.and_then(|()| stream.write_all(&[*byte]));
        }
        let _ = sent.and_then(|()| stream.write_all(rest.as_bytes()));
        let mut heard = [0; 12];
        answered += usize::from(stream.read_exact(&mut heard).is_ok() && heard.starts_with(b"HTTP/1.1 4"));
    }
    answered
}

/// Has many connections send most of a body each and then no more; says how many were told so.
fn hold(port: u16) -> usize {
    let most = post_head("/v3/demo/volumes", 112_000) + &"x".repeat(100_000);
    let mut streams = Vec::new();
    for _ in 0..HELD {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let _ = stream.write_all(most.as_bytes());
        streams.push(stream);
    }
    let told = |stream: &mut TcpStream| {
        let mut heard = [0; 12];
        stream.read_exact(&mut heard).is_ok() && (heard.ends_with(b"408") || heard.ends_with(b"429"))
    };
    streams.iter_mut().map(told).filter(|told| *told).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_large_bodies_is_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let config = folder.path().join("ashlar.toml");
    let limits = "{ stall_seconds = 5, bytes_per_second = 1048576 }";
    let text = format!(
        "state_directory = {:?}\napi = {{ listen = '127.0.0.1:{port}', limits = {limits} }}",
        folder.path().join("state")
    );
    std::fs::write(&config, text).expect("written");
    let args = ["serve", "--log", "error", "--config"].map(OsString::from).into_iter().chain([config.into()]);
    let daemon = Daemon::start(Path::new(env!("CARGO_BIN_EXE_ashlar")), args).expect("started");
    let pid = daemon.pid().expect("it runs");
    let deadline = Instant::now() + PATIENCE;
    while status_of(port, "/healthcheck").is_none_or(|status| !status.contains("200")) {
        assert!(Instant::now() < deadline, "it does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = peak_kib(pid);
    // Small values by the thousand: read into a tree, they take many times their bytes.
    let body = format!("{{\"volume\": [{}0]}}", "0,".repeat(57_000));
    let flooding: Vec<_> = (0..64)
        .map(|_| {
            let body = body.clone();
            tokio::task::spawn_blocking(move || flood(port, &body))
        })
        .collect();
    let mut answered = 0;
    for flooder in flooding {
        answered += flooder.await.expect("it ends");
    }
    let held = tokio::task::spawn_blocking(move || hold(port)).await.expect("it ends");
    assert_eq!(held, HELD, "each is answered");
    let grown = peak_kib(pid).saturating_sub(before);
    println!(
        "{answered} of 640 bodies of {} KiB answered; at most {grown} KiB more than the {before} before",
        body.len() >> 10
    );
    assert!(answered > 500, "{answered}: the flood did not arrive");
    assert!(grown < BOUND_KIB, "{grown} KiB");
    assert!(status_of(port, "/v3/demo/volumes").expect("an answer").contains("200"));
    daemon.stop(Duration::from_secs(20)).await.expect("it ends");
}
