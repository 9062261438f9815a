//! The floor under every answer: a server on the same HTTP stack as the service's that answers every request with the bytes
//! of one file, and does nothing else. `bare FILE` says on standard output where it listens, and ends when killed.

use std::{io::Write, process::ExitCode};

use axum::{
    Router,
    body::Bytes,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let Some(file) = std::env::args_os().nth(1) else { return fail("usage: bare FILE") };
    let served = std::fs::read(file).and_then(|body| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(serve(body.into()))
    });
    served.map_or_else(|error| fail(&error.to_string()), |()| ExitCode::SUCCESS)
}

fn fail(text: &str) -> ExitCode {
    // Standard error may be closed; the exit code says it all the same.
    let _ = writeln!(std::io::stderr(), "error: {text}");
    ExitCode::FAILURE
}

async fn serve(body: Bytes) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let answer = move || async move { answered(body) };
    axum::serve(listener, Router::new().fallback(answer)).await
}

fn answered(body: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
