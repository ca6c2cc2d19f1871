//! The `weaknet` command.

fn main() -> std::process::ExitCode {
    weaknet::main(weaknet::Registry::builtin())
}
