//! Does what must happen after the response happen, whatever the platform does? Inside the emulator run a demonstration
//! function, which can be told to hang, panic or die and is this very program, started again, and the gateway itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a measured figure is printed")]

mod cases;
mod client;
mod function;
mod gateway;

use libtest_mimic::Arguments;

fn main() {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        return function::serve();
    }
    let cases = cases::all().into_iter().chain(gateway::all()).collect();
    // Figures are measured, and a case beside them would show in them.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, cases).exit();
}
