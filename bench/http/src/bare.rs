//! The limit: hyper with nothing around it. It reads what it is sent.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// Serves `bytes` bytes until it is killed.
pub(crate) fn run(bytes: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(said)?.block_on(serve(Bytes::from(vec![b'x'; bytes])))
}

async fn serve(body: Bytes) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
    println!("{}", listener.local_addr().map_err(said)?);
    loop {
        let (stream, _) = listener.accept().await.map_err(said)?;
        stream.set_nodelay(true).map_err(said)?;
        let body = body.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let answer = Response::new(Full::new(body.clone()));
            async move {
                // What is not read would close the connection.
                request.into_body().collect().await?;
                Ok::<_, hyper::Error>(answer)
            }
        });
        tokio::spawn(async move {
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new());
            // A client that leaves is no error of the measurement.
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn said(why: impl std::fmt::Display) -> String {
    why.to_string()
}
