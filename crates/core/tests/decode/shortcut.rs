//! The fast lane says what the full parse says: streams of events that are alike but for a text, and
//! for whatever else may differ in the wild or by malice.

use proptest::prelude::*;

use crate::laws::stream::check;

/// The inside of a JSON string: mostly valid, with all that a scanner might trip over.
fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z ,.é👋\u{2028}]{0,8}",
        1 => r#"(\\n|\\"|\\\\|\\u00e9|\\ud83d\\ude00|\\ud83d|\\ude00|\\u0000|\\/){1,4}"#,
        1 => r#"(\\x|\\u12|\\|"|\t|\u{7f}|\},|\]|\{"content":"){1,3}"#,
    ]
}

/// Events of one shape, with holes for a text, a padding string and a number.
fn shape() -> impl Strategy<Value = (u8, &'static str)> {
    prop::sample::select(vec![
        (
            0,
            "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"TEXT\",\"reasoning\":\"always\"}}]}\n\n",
        ),
        (
            0,
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"TEXT\"},\"finish_reason\":null}],\"obfuscation\":\"PAD\",\"created\":NUMBER}\n\n",
        ),
        (
            0,
            "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"TEXT\",\"content\":\"\"}}]}\n\n",
        ),
        (
            0,
            "data: {\"choices\":[{\"delta\":{\"reasoning\":\"TEXT\",\"reasoning_content\":\"PAD\"}}]}\r\n\r\n",
        ),
        (
            0,
            "data:{\"choices\":[{\"delta\":{\"content\":\"TEXT\",\"reasoning\":\"PAD\"},\"index\":NUMBER}]}\r\r",
        ),
        (
            0,
            "data: {\"choices\":[{\"delta\":{\"content\":\"TEXT\",\"refusal\":\"PAD\"}}]}\n\n",
        ),
        (
            0,
            "id: NUMBER\ndata: {\"choices\":[{\"message\":{\"content\":\"TEXT\"}}]}\n\n",
        ),
        (
            0,
            ": PAD\ndata: {\"choices\":[{\"delta\":{\"content\":\"TEXT\"},\"text\":\"PAD\"}]}\n\n",
        ),
        (
            0,
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":NUMBER,\"function\":{\"arguments\":\"TEXT\"}}]}}]}\n\n",
        ),
        (
            0,
            "data: {\"choices\":[{\"delta\":{\"content\":\"TEXT\"}}],\"usage\":{\"prompt_tokens\":NUMBER}}\n\n",
        ),
        (
            1,
            "data: {\"choices\":[{\"text\":\"TEXT\",\"index\":0}],\"id\":\"PAD\"}\n\n",
        ),
        (
            2,
            "event: x\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":NUMBER,\"delta\":\"TEXT\",\"obfuscation\":\"PAD\"}\n\n",
        ),
        (
            2,
            "data: {\"delta\":\"TEXT\",\"sequence_number\":NUMBER,\"type\":\"response.reasoning_text.delta\"}\n\n",
        ),
        (
            2,
            "data: {\"delta\":\"TEXT\",\"sequence_number\":\"PAD\",\"type\":\"response.output_text.delta\"}\n\n",
        ),
        (
            3,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"TEXT\"}}\n\n",
        ),
        (
            3,
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"TEXT\",\"text\":\"PAD\"}}\n\n",
        ),
    ])
}

const ENDS: [&str; 4] = [
    "data: [DONE]\n\n",
    "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"type\":\"message_stop\"}\n\n",
    "data: {\"type\":\"response.completed\",\"response\":{}}\n\n",
];

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (0..2_u8).prop_map(|number| number.to_string()),
        2 => (0..20_000_u32).prop_map(|number| number.to_string()),
        1 => "(-1|00|01|1e5|1\\.0|99999999999999999999999|1e400|null|\\+1|)",
    ]
}

/// One stream: a shape with its holes filled anew for each event, now and then with a byte changed.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let filling = (body(), "[a-zA-Z0-9]{0,6}", number());
    let fillings = prop::collection::vec(filling, 1..12);
    let change = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (shape(), fillings, change, 0..ENDS.len(), any::<u8>()).prop_map(
        |((dialect, shape), fillings, change, end, seed)| {
            let mut text = String::new();
            for (body, padding, number) in fillings {
                let event = shape.replace("NUMBER", &number).replace("PAD", &padding);
                text.push_str(&event.replace("TEXT", &body));
            }
            text.push_str(ENDS[end]);
            let mut bytes = text.into_bytes();
            if let Some((at, byte)) = change {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            [vec![dialect, seed], bytes].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn the_fast_lane_and_the_full_parse_agree(input in stream()) {
        check(&input);
    }
}
