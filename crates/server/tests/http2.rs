//! HTTPS with HTTP/2: many streams on one connection, and faults that end one stream only.

mod common;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kneepoint_server::Server;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use common::{PLAIN, STREAM, runtime, server, stats};

/// Trusts any certificate: the server's is made anew at every start.
#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

async fn connect(server: &Server) -> SendRequest<Full<Bytes>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let mut config = config
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(server.https.expect("https"))
        .await
        .expect("connects");
    let name = ServerName::try_from("localhost").expect("name");
    let tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .expect("handshake");
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(tls));
    let (sender, connection) = handshake.await.expect("speaks HTTP/2");
    tokio::spawn(connection);
    sender
}

/// The answer, once its head is there.
async fn ask(
    sender: &SendRequest<Full<Bytes>>,
    spec: &str,
    body: &'static str,
) -> Result<Response<Incoming>, hyper::Error> {
    let uri = format!("https://localhost/mock/{spec}/v1/chat/completions");
    let request = Request::post(uri).header("content-type", "application/json");
    let request = request.body(Full::from(body)).expect("a request");
    sender.clone().send_request(request).await
}

/// Status and body, or the error that ended the stream.
async fn call(
    sender: &SendRequest<Full<Bytes>>,
    spec: &str,
    body: &'static str,
) -> Result<(StatusCode, Bytes), hyper::Error> {
    let response = ask(sender, spec, body).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

#[test]
fn many_streams_share_one_connection() {
    let server = server(&["--tls-listen", "127.0.0.1:0"]);
    let spec = "ttft=30,tpot=1,tokens=5";
    runtime().block_on(async {
        let sender = connect(&server).await;
        let calls = (0..300).map(|n| {
            let (sender, body) = (sender.clone(), if n % 2 == 0 { PLAIN } else { STREAM });
            tokio::spawn(async move { call(&sender, spec, body).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let (status, body) = call.await.expect("runs").expect("answers");
            assert!(status == 200 && !body.is_empty());
        }
    });
    let stats = stats(&server, spec);
    assert_eq!(
        (&stats["connections"], &stats["completed"]),
        (&1.into(), &300.into())
    );
}

#[test]
fn a_broken_answer_resets_its_stream_and_spares_the_others() {
    let server = server(&["--tls-listen", "127.0.0.1:0"]);
    runtime().block_on(async {
        let sender = connect(&server).await;
        for fault in [
            "refuse",
            "reset_before_headers",
            "reset_mid@40",
            "fin_mid",
            "bad_chunk",
            "short_length",
        ] {
            for body in [PLAIN, STREAM] {
                let broken = call(&sender, &format!("fault={fault}"), body).await;
                assert!(broken.is_err(), "{fault}: {broken:?}");
                let (status, _) = call(&sender, "instant", body)
                    .await
                    .expect("the connection lives");
                assert_eq!(status, 200, "after {fault}");
            }
        }
        // What HTTP/2 can carry whole, it does.
        let (status, _) = call(&sender, "fault=status_103", PLAIN)
            .await
            .expect("answers");
        assert_eq!(status, 200);
        let (status, body) = call(&sender, "fault=no_done", STREAM)
            .await
            .expect("answers");
        assert!(status == 200 && !body.ends_with(b"[DONE]\n\n"));
    });
}

#[test]
fn all_that_was_sent_before_a_cut_arrives() {
    let server = server(&["--tls-listen", "127.0.0.1:0"]);
    runtime().block_on(async {
        let sender = connect(&server).await;
        for fault in ["fin_mid", "reset_mid"] {
            for at in [1, 300, 900] {
                let spec = format!("tokens=20,fault={fault}@{at}");
                let mut body = ask(&sender, &spec, STREAM).await.expect("begins");
                let mut bytes = 0;
                while let Some(Ok(frame)) = body.frame().await {
                    bytes += frame.data_ref().map_or(0, Bytes::len);
                }
                assert_eq!(bytes, at, "{fault}");
            }
        }
    });
}
