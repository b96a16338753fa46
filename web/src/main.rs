//! The module's entry: see the library.

fn main() {
    // Elsewhere only its rules are of use, to be tested.
    #[cfg(target_arch = "wasm32")]
    kneepoint_web::start();
}
