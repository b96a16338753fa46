//! A report's fields, in the order in which they stand in its JSON (`schema/v1.json`).

use super::{
    Answer, CacheMode, ClassCount, Connections, Environment, Estimate, Finding, Method, Moment,
    Report, Rung, Setup, Stability, Stop,
};

fields!(Report {
    schema,
    tool,
    version,
    engine,
    protocol,
    config,
    env,
    rungs,
    answer,
    method
});
by_serde!(Report);

fields!(Connections { http, opened, reused, cap, notes } or |_of| Self::default());
by_serde!(Connections);

fields!(Setup {
    host,
    path,
    model,
    stream,
    max_tokens,
    prompts,
    cache_mode,
    load,
    requests,
    duration_ms,
    warmup_requests,
    warmup_ms,
    slo,
    seed,
    retries_max,
});
by_serde!(Setup);

words!(CacheMode { Unique = "unique", SharedPrefix = "shared_prefix", Repeated = "repeated" });
by_serde!(CacheMode);

fields!(Environment {
    runtime, os, clock_step_us, started_unix_ms, browser,
} or |_of| Self::default());
by_serde!(Environment);

fields!(Estimate { value, low, high });
by_serde!(Estimate);

fields!(Rung {
    purpose,
    concurrency,
    start_s,
    duration_s,
    requests,
    ok,
    attempts,
    usage_refused,
    classes,
    requests_per_s,
    output_tokens_per_s,
    goodput_per_s,
    slo_share,
    input_tokens,
    output_tokens,
    cached_tokens,
    token_source,
    concurrency_mean,
    concurrency_peak,
    little_residual,
    buffered,
    reference,
    ttft,
    ttfv,
    tpot,
    icl,
    e2e,
    queue,
    e2e_sched,
    timeline,
    client,
});
by_serde!(Rung);

fields!(ClassCount {
    class,
    count,
    excerpt
});
by_serde!(ClassCount);

fields!(Moment {
    t_s,
    duration_s,
    in_flight,
    ok,
    refused,
    failed,
    tokens
});
by_serde!(Moment);

fields!(Answer {
    knee,
    peak,
    limit,
    slo,
    stop,
    stability
});
by_serde!(Answer);

fields!(Finding {
    value,
    low,
    high,
    reason
});
by_serde!(Finding);

fields!(Stop { value, reason });
by_serde!(Stop);

fields!(Stability {
    value,
    stable,
    low,
    high,
    reason
});
by_serde!(Stability);

fields!(Method {
    rule,
    confidence,
    retries,
    usage_asked,
    stopped_early,
    notes
});
by_serde!(Method);
