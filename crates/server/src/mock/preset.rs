//! Specs with a name, each of them a story that the page can tell.

/// A spec that can be asked for by name.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) spec: &'static str,
    /// What one sees when driving it, in one sentence.
    pub(crate) story: &'static str,
}

/// All presets, in the order in which they are shown.
pub(crate) const ALL: &[Preset] = &[
    Preset {
        name: "default",
        spec: "ttft=ln:80:0.25,tpot=ln:6:0.15,tokens=64,slots=64,queue=4096",
        story: "A well-behaved deployment of 64 slots: latency grows only once they are full.",
    },
    Preset {
        name: "smallgpu",
        spec: "step=9:0.6:0.02:16,tokens=64",
        story: "One small GPU that batches 16 requests: each more slows all of them a little.",
    },
    Preset {
        name: "gpu32",
        spec: "ttft=ln:60:0.2,tpot=5,tokens=100,slots=32,queue=8192",
        story: "A scheduler of 32 slots: above 32 only the queue grows.",
    },
    Preset {
        name: "ratelimited",
        spec: "ttft=ln:150:0.3,tpot=ln:8:0.2,tokens=64,rps=50",
        story: "A hosted API that answers 429 beyond 50 requests a second and says when to return.",
    },
    Preset {
        name: "capacity",
        spec: "ttft=30,tpot=1,tokens=20,slots=64,retry_after=off",
        story: "64 slots and no queue: 429 beyond, without a hint.",
    },
    Preset {
        name: "flaky",
        spec: "ttft=ln:80:0.5,tpot=ln:6:0.3,tokens=64,slots=128,queue=4096,\
            fault=status_503:0.03,fault=reset_before_headers:0.02,fault=reset_mid@400:0.02,\
            fault=html_502:0.01,fault=sse_error_mid@5:0.01,fault=stall_mid@600:0.005",
        story: "One request in ten fails, each in another way: errors, resets, cut streams, stalls.",
    },
    Preset {
        name: "buffered",
        spec: "ttft=80,tpot=6,tokens=64,fault=one_burst:1",
        story: "A proxy in front holds the stream back and delivers it in one burst.",
    },
    Preset {
        name: "instant",
        spec: "tokens=16",
        story: "No latency and no limit: what is measured is the client.",
    },
];

/// The preset of this name.
pub(crate) fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}
