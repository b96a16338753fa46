//! What real-looking streams of each dialect say.

use kneepoint_core::decode::{
    Caps, Decoded, Delta, Dialect, FinishReason, StreamDecoder, Timings, Usage,
};

use crate::laws::stream::Said;
use crate::{chat_piece, fixture, said};

fn said_by(name: &str) -> Said {
    let (dialect, stream) = fixture(name);
    said(dialect, stream)
}

fn begin(id: &str, model: &str) -> Delta {
    Delta::Begin {
        id: Some(id.to_owned()),
        model: Some(model.to_owned()),
    }
}

fn finish(choice: u32, reason: FinishReason) -> Delta {
    Delta::Finish { choice, reason }
}

fn reasoning(text: &str) -> Delta {
    Delta::Reasoning {
        choice: 0,
        text: text.to_owned(),
    }
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> Delta {
    Delta::ToolCall {
        choice: 0,
        index,
        id: Some(id.to_owned()),
        name: Some(name.to_owned()),
        arguments: arguments.to_owned(),
        extra_content: None,
    }
}

fn usage(input: u64, output: u64) -> Usage {
    Usage {
        input: Some(input),
        output: Some(output),
        ..Usage::default()
    }
}

#[test]
fn a_chat_with_padding_and_usage() {
    let said = said_by("chat_openai");
    assert_eq!(said.text, "Hello! How\ncan \"I\" help – you 👋?");
    let usage = Usage {
        cached: Some(3),
        reasoning: Some(0),
        ..usage(19, 10)
    };
    let expected = [
        begin(
            "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
            "gpt-4o-2024-08-06",
        ),
        finish(0, FinishReason::Stop),
        Delta::Usage(usage),
    ];
    assert_eq!(said.deltas, expected);
    assert_eq!((said.events, said.content_events), (10, 7));
    assert!(said.ended);
    assert_eq!(said.outcome, Ok(()));
}

#[test]
fn a_chat_that_calls_two_tools() {
    let said = said_by("chat_tools");
    assert_eq!(said.text, "");
    assert_eq!(
        said.deltas[1..],
        [
            call(
                0,
                "call_DdmO9pD3xa9XTPNJ32zg2hcA",
                "get_weather",
                "{\"location\":\"Paris, Île-de-France\"}"
            ),
            call(1, "call_2", "get_time", "{}"),
            finish(0, FinishReason::ToolCalls),
        ]
    );
    assert_eq!(said.content_events, 9);
}

#[test]
fn a_chat_with_two_choices() {
    let said = said_by("chat_two_choices");
    assert_eq!(said.text, "One two");
    let other = Delta::Text {
        choice: 1,
        text: "Eins zwei".to_owned(),
    };
    let finishes = [
        finish(0, FinishReason::Stop),
        finish(1, FinishReason::Length),
    ];
    assert_eq!(said.deltas[1], other);
    assert_eq!(said.deltas[2..], finishes);
}

#[test]
fn a_chat_that_thinks_aloud_and_counts_in_each_event() {
    let said = said_by("chat_reasoning");
    assert_eq!(said.text, "Hi there");
    assert_eq!(said.deltas[1], reasoning("The user says hi.\n"));
    let last = Usage {
        reasoning: Some(3),
        ..usage(5, 5)
    };
    let expected = [
        Delta::Usage(usage(5, 4)),
        Delta::Usage(usage(5, 5)),
        finish(0, FinishReason::Stop),
        Delta::Usage(last),
    ];
    assert_eq!(said.deltas[2..], expected);
}

#[test]
fn a_chat_with_the_servers_own_stopwatch() {
    let said = said_by("chat_llamacpp");
    assert_eq!(said.text, "Hi you");
    let timings = Timings {
        prompt_ms: Some(81.25),
        predicted_ms: Some(40.5),
        prompt_n: Some(11.0),
        predicted_n: Some(2.0),
    };
    let expected = [
        finish(0, FinishReason::Length),
        Delta::Usage(usage(11, 2)),
        Delta::Timings(timings),
    ];
    assert_eq!(said.deltas[1..], expected);
}

#[test]
fn a_completion() {
    let said = said_by("completions");
    assert_eq!(said.text, "Once upon a time");
    assert_eq!(said.deltas[1..], [finish(0, FinishReason::Length)]);
    assert_eq!(said.content_events, 3);
}

#[test]
fn a_message_that_thinks_speaks_and_calls() {
    let said = said_by("messages_tools");
    assert_eq!(said.text, "Okay, let's check\nthe \"weather\".");
    let at_first = Usage {
        cached: Some(100),
        cache_written: Some(20),
        ..usage(472, 2)
    };
    let at_last = Usage {
        output: Some(89),
        ..at_first
    };
    let expected = [
        begin("msg_014p7gG3wDgGV9EUtLvnow3U", "claude-opus-4-20250514"),
        Delta::Usage(at_first),
        reasoning("Let me see. Fine."),
        call(
            2,
            "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
            "get_weather",
            "{\"location\": \"San Francisco, CA\"}",
        ),
        finish(0, FinishReason::ToolCalls),
        Delta::Usage(at_last),
    ];
    assert_eq!(said.deltas, expected);
    assert!(said.ended);
}

#[test]
fn a_response_that_speaks_and_calls() {
    let said = said_by("responses");
    assert_eq!(said.text, "Hi there!\n How can I assist you?");
    let usage = Usage {
        cached: Some(0),
        reasoning: Some(0),
        ..usage(37, 11)
    };
    let expected = [
        begin(
            "resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654",
            "gpt-4.1-2025-04-14",
        ),
        call(1, "call_1", "get_weather", "{\"city\":\"Bonn\"}"),
        finish(0, FinishReason::ToolCalls),
        Delta::Usage(usage),
    ];
    assert_eq!(said.deltas, expected);
}

#[test]
fn shapes_in_use_elsewhere() {
    #[rustfmt::skip]
    let cases = [
        // a chunk's choices, its text, its reasoning, why
        (r#"[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]}}]"#, "a", "hm", "Mistral's list of parts"),
        (r#"[{"delta":{"reasoning":"hm","content":""}}]"#, "", "hm", "OpenRouter's name"),
        (r#"[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]"#, "", "hm", "both names, said once"),
        (r#"[{"delta":{"thinking":"hm"}}]"#, "", "hm", "a third name"),
        (r#"[{"message":{"content":"a"}}]"#, "a", "", "a whole message in a stream"),
        (r#"[{"delta":{"content":0.50}}]"#, "0.50", "", "Cloudflare: a piece that looks like a number"),
        (r#"[{"delta":{"reasoning_content":6,"content":""}}]"#, "", "6", "a thought that looks like one"),
        (r#"[{"delta":{"content":true}}]"#, "true", "", "or like a word of JSON"),
        (r#"[{"text":7}]"#, "7", "", "in a completion too"),
        (r#"[{"delta":null,"text":"a"}]"#, "a", "", "null where an object belongs"),
        (r#"[{"delta":{"content":null,"tool_calls":null}}]"#, "", "", "null content"),
        (r#"[{"finish_reason":null,"delta":{"content":"a","role":"assistant"},"index":0}]"#, "a", "", "another order of keys"),
        (r#"[{"delta":{"cont\u0065nt":"a"}}]"#, "a", "", "escapes in keys"),
        (r#"[{"delta":{"content":"a","content_filter":{"content":"b"}}}]"#, "a", "", "a nested key of the same name"),
        (r#"[{"index":-1,"delta":{"content":"a"}}]"#, "a", "", "an index that cannot be"),
        ("null", "", "", "no choices"),
        ("[]", "", "", "empty choices"),
    ];
    for (choices, text, thoughts, why) in cases {
        let said = said(
            Dialect::Chat,
            &format!(
                "data: {{\"choices\":{choices}}}\n\ndata: {{\"choices\":[{{}}]}}\n\ndata: [DONE]\n\n"
            ),
        );
        assert_eq!(said.text, text, "{why}");
        let expected: Vec<Delta> = Some(reasoning(thoughts))
            .filter(|_| !thoughts.is_empty())
            .into_iter()
            .collect();
        assert_eq!(said.deltas, expected, "{why}");
        assert_eq!(said.outcome, Ok(()), "{why}");
    }
}

#[test]
fn arguments_may_come_as_an_object_and_calls_by_the_old_name() {
    let stream = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"1\",\"function\":\
        {\"name\":\"f\",\"arguments\":{\"a\":[1]}}}]}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"function_call\":{\"name\":\"g\",\"arguments\":\"{}\"}},\
        \"finish_reason\":\"function_call\"}]}\n\n";
    let said = said(Dialect::Chat, stream);
    assert_eq!(said.deltas[0], call(0, "1", "f", "{\"a\":[1]}"));
    assert_eq!(said.deltas[2], finish(0, FinishReason::ToolCalls));
}

#[test]
fn unknown_words_are_handed_on() {
    let said = said(
        Dialect::Chat,
        "data: {\"choices\":[{\"finish_reason\":\"insufficient_system_resource\"}]}\n\n",
    );
    let word = FinishReason::Other("insufficient_system_resource".to_owned());
    assert_eq!(said.deltas, [finish(0, word)]);
}

#[test]
fn events_that_only_keep_the_connection_alive_say_nothing() {
    let stream = format!(
        ": hi\n\nevent: ping\ndata: {{}}\n\ndata:\n\nevent: ping\ndata: not JSON\n\n{}data: [DONE]\n\n",
        chat_piece("\"a\"")
    );
    let said = said(Dialect::Chat, &stream);
    assert_eq!((said.text.as_str(), said.events), ("a", 1));
    assert_eq!(said.outcome, Ok(()));
}

#[test]
fn raw_data_is_one_json_list_per_chunk() {
    let mut decoder = StreamDecoder::raw(Dialect::Chat, Caps::default());
    let mut out = Decoded::default();
    let chunk = chat_piece("\"a\"") + ": hi\n\n" + &chat_piece("\"b\"") + "data: [DONE]\n\n";
    decoder
        .feed(chunk.as_bytes(), &mut out)
        .expect("a good stream");
    let list: Vec<serde_json::Value> =
        serde_json::from_str(&format!("[{}]", out.text)).expect("a list");
    let texts: Vec<_> = list
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["content"])
        .collect();
    assert_eq!(texts, ["a", "b"]);
    assert_eq!(out.data_ends.len(), 2);
    assert_eq!(out.content_events, 2);
    assert!(out.deltas.is_empty());
    assert!(decoder.ended());
}

#[test]
fn raw_events_of_assistants_keep_their_names() {
    let stream = format!(
        "event: thread.run.created\ndata: {{\"id\":\"r\"}}\n\n{}event: thread.\"x\ndata: {{\"x\":1}}\n\n\
         event: other\ndata: {{\"x\":2}}\n\nevent: done\ndata: [DONE]\n\n",
        chat_piece("\"a\"")
    );
    for dialect in [Dialect::Any, Dialect::Chat] {
        let mut out = Decoded::default();
        StreamDecoder::raw(dialect, Caps::default())
            .feed(stream.as_bytes(), &mut out)
            .expect("a good stream");
        let list: Vec<serde_json::Value> =
            serde_json::from_str(&format!("[{}]", out.text)).expect("a list");
        let bare = serde_json::json!({ "id": "r" });
        let first = match dialect {
            Dialect::Any => serde_json::json!({ "event": "thread.run.created", "data": bare }),
            _ => bare,
        };
        assert_eq!(list[0], first);
        assert!(list[1]["choices"].is_array());
        for (item, x) in list[2..].iter().zip([1, 2]) {
            assert_eq!(*item, serde_json::json!({ "x": x }));
        }
        assert_eq!(list.len(), 4);
    }
}

#[test]
fn events_and_items_of_unknown_types_say_nothing() {
    let stream = "data: {\"type\":\"new\",\"delta\":\"text\",\"content_block\":[1],\"message\":7}\n\n\
        data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"new_delta\",\"text\":{}}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";
    let said_then = said(Dialect::Messages, stream);
    assert_eq!((said_then.outcome, said_then.content_events), (Ok(()), 0));

    let stream = "data: {\"type\":\"response.new\",\"delta\":{},\"item\":\"x\",\"response\":[]}\n\n\
        data: {\"type\":\"response.completed\",\"response\":{\"output\":[7,{\"content\":\"x\",\"summary\":{}}]}}\n\n";
    let said_then = said(Dialect::Responses, stream);
    assert_eq!((said_then.outcome, said_then.content_events), (Ok(()), 0));
    assert_eq!(said_then.deltas, [finish(0, FinishReason::Stop)]);
}

#[test]
fn what_a_response_tells_of_its_server_s_tools_is_content() {
    let events = [
        (r#"{"type":"response.created","response":{"id":"r"}}"#, 0),
        (
            r#"{"type":"response.output_item.added","item":{"type":"reasoning"}}"#,
            0,
        ),
        (
            r#"{"type":"response.output_item.added","item":{"type":"web_search_call"}}"#,
            1,
        ),
        (r#"{"type":"response.web_search_call.searching"}"#, 1),
        (
            r#"{"type":"response.image_generation_call.partial_image"}"#,
            1,
        ),
        (
            r#"{"type":"response.custom_tool_call_input.delta","delta":"x"}"#,
            1,
        ),
        (
            r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#,
            1,
        ),
        (
            r#"{"type":"response.function_call_arguments.done","arguments":"{}"}"#,
            0,
        ),
        (
            r#"{"type":"response.output_item.done","item":{"type":"web_search_call"}}"#,
            0,
        ),
    ];
    let mut decoder = StreamDecoder::raw(Dialect::Responses, Caps::default());
    let mut out = Decoded::default();
    for (event, content) in events {
        out.clear();
        decoder
            .feed(format!("data: {event}\n\n").as_bytes(), &mut out)
            .unwrap();
        assert_eq!((out.events, out.content_events), (1, content), "{event}");
    }
}
