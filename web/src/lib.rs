//! The benchmark page.
//!
//! One module, two roles: in the window it is the page, in a worker the engine that measures. They
//! share nothing but the values of [`message`], so neither waits for the other.

pub mod advice;
#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod desk;
#[cfg(target_arch = "wasm32")]
pub mod engine;
pub mod example;
pub mod form;
pub mod history;
pub mod message;
pub mod running;
#[cfg(target_arch = "wasm32")]
mod server;
#[cfg(target_arch = "wasm32")]
mod session;
pub mod share;
#[cfg(target_arch = "wasm32")]
mod state;
#[cfg(target_arch = "wasm32")]
pub mod view;

#[cfg(target_arch = "wasm32")]
pub use self::role::start;

#[cfg(target_arch = "wasm32")]
mod role {
    use wasm_bindgen::JsCast;
    use web_sys::DedicatedWorkerGlobalScope;

    /// Takes the role that the place asks for.
    pub fn start() {
        // What stops the module is thrown as what it is, rather than as "unreachable".
        std::panic::set_hook(Box::new(|panic| {
            wasm_bindgen::throw_str(&panic.to_string());
        }));
        match js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
            Ok(scope) => super::engine::start(&scope),
            Err(_) => leptos::mount::mount_to_body(super::app::page),
        }
    }
}
