//! What servers other than their protocols' own send, each after its own fashion.

use kneepoint_core::decode::{ApiErrorKind, Dialect};

use crate::{api_error, said};

#[test]
fn an_error_in_a_line_of_its_own_is_an_error() {
    // llama.cpp until the end of 2025.
    let line = "error: {\"code\":500,\"message\":\"Context size has been exceeded.\",\"type\":\"server_error\"}\n\n";
    let piece = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (stream, text) in [
        (format!("{line}data: [DONE]\n\n"), ""),
        (format!("{piece}{line}data: [DONE]\n\n"), "a"),
        (format!("{piece}{}", line.trim_end()), "a"),
        (format!("{piece}error:{}", &line[7..]), "a"),
    ] {
        let said = said(Dialect::Chat, &stream);
        assert_eq!(said.text, text, "{stream}");
        let error = api_error(said.outcome);
        assert_eq!(error.message, "Context size has been exceeded.", "{stream}");
        assert_eq!(error.kind(), ApiErrorKind::Server, "{stream}");
    }
}
