use std::{env, error::Error, fs, path::PathBuf};

/// Makes the stubs of both contracts, whose messages have the same names, in modules of their own.
fn main() -> Result<(), Box<dyn Error>> {
    make_stubs("contract", "../../../proto")?;
    make_stubs("platform", "../../../proto-platform")
}

fn make_stubs(name: &str, protos: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={protos}");
    let folder = PathBuf::from(env::var("OUT_DIR")?).join(name);
    fs::create_dir_all(&folder)?;
    let contract = protox::compile(["payment/v1/payment.proto"], [protos])?;
    tonic_prost_build::configure()
        .build_server(false)
        .out_dir(folder)
        .include_file("mod.rs")
        .compile_fds(contract)?;
    Ok(())
}
