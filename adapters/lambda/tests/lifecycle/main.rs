//! Does what must happen after the response happen, whatever the platform does? A demonstration function on the real
//! runtime, its layers and all, inside the emulator. The function is this very program, started again.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a measured figure is printed")]

mod cases;
mod client;
mod function;

use libtest_mimic::Arguments;

fn main() {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return function::serve();
    }
    libtest_mimic::run(&Arguments::from_args(), cases::all()).exit();
}
