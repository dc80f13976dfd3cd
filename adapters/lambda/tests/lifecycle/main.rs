//! Does what must happen after the response happen, whatever the platform does? Inside the emulator run a demonstration
//! function, which can be told to hang, panic or die and is this very program, started again, and the gateway itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a measured figure is printed")]

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
    libtest_mimic::run(&Arguments::from_args(), cases).exit();
}
