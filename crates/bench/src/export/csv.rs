//! Requests as CSV (RFC 4180), one row each.

use crate::record::Sample;

/// The names of the columns; times are in microseconds since the run began, `retry_after` is in
/// milliseconds.
pub const CSV_HEADER: &str = "id,rung,slot,t_sched,t_start,t_headers,t_first,t_visible,t_last,t_end,status,class,attempts,retry_after,in_tok,out_tok,cached_tok,tok_source,chunks,reads,max_gap,finish_reason,bytes,reused,protocol,error";

/// A request as a row, without the line's end. What is not known is empty.
pub fn csv_row(sample: &Sample) -> String {
    let fields = [
        sample.id.to_string(),
        sample.rung.to_string(),
        sample.slot.to_string(),
        sample.t_sched.to_string(),
        known(sample.t_start.as_ref()),
        known(sample.t_headers.as_ref()),
        known(sample.t_first.as_ref()),
        known(sample.t_visible.as_ref()),
        known(sample.t_last.as_ref()),
        sample.t_end.to_string(),
        known(sample.status.as_ref()),
        sample.class.as_str().to_owned(),
        sample.attempts.to_string(),
        known(sample.retry_after.as_ref()),
        known(sample.in_tok.as_ref()),
        known(sample.out_tok.as_ref()),
        known(sample.cached_tok.as_ref()),
        sample.tok_source.as_str().to_owned(),
        sample.chunks.to_string(),
        sample.reads.to_string(),
        known(sample.max_gap.as_ref()),
        quoted(sample.finish_reason.as_deref()),
        sample.bytes.to_string(),
        known(sample.reused.as_ref()),
        quoted(sample.protocol.as_deref()),
        quoted(sample.error.as_deref()),
    ];
    fields.join(",")
}

fn known(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A text from outside. Spreadsheets run what begins like a formula: an apostrophe in front makes
/// it a text.
fn quoted(text: Option<&str>) -> String {
    let Some(text) = text else {
        return String::new();
    };
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample;

    #[test]
    fn a_row_has_a_field_for_every_column() {
        let row = csv_row(&sample());
        assert_eq!(row.split(',').count(), CSV_HEADER.split(',').count());
        assert!(row.starts_with(
            "0,0,0,4000,10000,100000,110000,130000,200000,201000,200,ok,1,,3,10,,usage,"
        ));
    }

    #[test]
    fn what_a_server_says_cannot_break_the_table_or_run() {
        let row = csv_row(&Sample {
            error: Some("=cmd, \"x\"".to_owned()),
            ..sample()
        });
        assert!(row.ends_with(",\"'=cmd, \"\"x\"\"\""), "{row}");
    }
}
