//! Command line -> configuration -> logs -> work; nothing else.
mod cli;
mod demo;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[actix_web::main]
async fn main() -> std::process::ExitCode {
    match cli::Cli::parse().run().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            // The message chain, one cause a line; never a backtrace.
            eprintln!("casebridge: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
