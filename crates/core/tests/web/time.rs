//! Sleeps, turns of the event loop, clocks and dice.

use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};
use js_sys::Function;
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::web::Web;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{js, value};

#[wasm_bindgen_test]
async fn a_sleep_is_never_early() {
    let web = Web::new().unwrap();
    for micros in [0, 1, 999, 1500, 7300, 20_000] {
        let (before, pause) = (web.now(), Duration::from_micros(micros));
        web.sleep(pause).await;
        // Browsers round their clock, by a millisecond at most.
        let passed = web.now() - before;
        assert!(
            passed + Duration::from_millis(1) >= pause,
            "{passed:?} of {pause:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn a_sleep_longer_than_timers_can_hold_does_not_fire_at_once() {
    let web = Web::new().unwrap();
    let (long, short) = (
        web.sleep(Duration::from_secs(3_000_000)),
        web.sleep(Duration::from_millis(30)),
    );
    let first = select(Box::pin(long), Box::pin(short)).await;
    assert!(matches!(first, Either::Right(_)));
}

#[wasm_bindgen_test]
async fn a_turn_lets_the_event_loop_go_round() {
    let web = Web::new().unwrap();
    value("(globalThis.rounds = 0, setTimeout(() => { globalThis.rounds += 1 }, 0))");
    for _ in 0..200 {
        web.turn().await;
        web.sleep(Duration::ZERO).await;
        if value("globalThis.rounds").as_f64() == Some(1.0) {
            return;
        }
    }
    panic!("a timer never fired between turns");
}

#[wasm_bindgen_test]
fn dice_and_clocks_are_sane() {
    let web = Web::new().unwrap();
    let draws: Vec<f64> = (0..100).map(|_| web.random()).collect();
    assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
    assert!(draws.windows(2).any(|pair| pair[0] < pair[1]));
    assert!(web.unix_time() > Duration::from_secs(1_700_000_000));
    let instants: Vec<_> = (0..1000).map(|_| web.now()).collect();
    assert!(instants.is_sorted());
}

#[wasm_bindgen_test]
async fn sleepers_wake_in_the_order_of_their_times() {
    let web = Web::new().unwrap();
    let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    for millis in [40, 90, 20] {
        let (sleep, order) = (web.sleep(Duration::from_millis(millis)), order.clone());
        web.spawn(sleep.map(move |()| order.borrow_mut().push(millis)));
    }
    let last = web.sleep(Duration::from_millis(120));
    // Whoever gives up must not take the timer of the others along.
    assert_eq!(web.sleep(Duration::from_millis(5)).now_or_never(), None);
    last.await;
    assert_eq!(*order.borrow(), [20, 40, 90]);
}

/// Makes properties of the global object throw; the function puts back what was there.
fn break_globals(replacements: &str) -> Function {
    js(
        "",
        &format!(
            "const broken = {replacements};
             const kept = Object.keys(broken).map((name) =>
               [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
             for (const [name, value] of Object.entries(broken))
               Object.defineProperty(globalThis, name, {{ value, configurable: true, writable: true }});
             return () => {{ for (const [name, was] of kept)
               if (was) Object.defineProperty(globalThis, name, was); else delete globalThis[name] }}"
        ),
    )
    .call0(&JsValue::UNDEFINED)
    .unwrap()
    .into()
}

#[wasm_bindgen_test]
async fn a_turn_ends_though_the_ways_to_wait_throw() {
    let web = Web::new().unwrap();
    let immediate = "setImmediate() { globalThis.tried.push('immediate'); throw new Error('no') }";
    let message = "MessageChannel: class extends MessageChannel { constructor() { super();
           this.port2.postMessage = () => { globalThis.tried.push('message'); throw new Error('no') } } }";
    let none = "MessageChannel: function () { throw new Error('no') }";
    for (broken, tried) in [
        (format!("{{ {immediate} }}"), "immediate"),
        (
            format!("{{ {immediate}, {message} }}"),
            "immediate, message",
        ),
        (format!("{{ {immediate}, {none} }}"), "immediate"),
    ] {
        value("(globalThis.tried = [])");
        let restore = break_globals(&broken);
        let limit = web.sleep(Duration::from_secs(5));
        let first = select(Box::pin(web.turn()), Box::pin(limit)).await;
        restore.call0(&JsValue::UNDEFINED).unwrap();
        assert!(matches!(first, Either::Left(_)), "{broken} hangs");
        let seen = value("globalThis.tried.join(', ')").as_string();
        assert_eq!(seen.as_deref(), Some(tried));
    }
}
