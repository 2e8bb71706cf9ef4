//! `cargo bench-all`.

fn main() -> std::process::ExitCode {
    bench::cli::main()
}
