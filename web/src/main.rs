//! The module's entry: see the library.

fn main() {
    kneepoint_web::start();
}
