//! How is the Worker built, and how large is it? The same build serves wrangler, the tests and a person.

mod names;
mod tools;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    place,
    report::{Done, Result, Stop},
    shell,
};

use names::without_names;
pub(crate) use tools::{packages, select_toolchain};

/// What an upload may weigh. Cloudflare takes more; a small Worker starts sooner.
const GZIP_BYTES_MAX: u64 = 3 << 19;

/// Builds the Worker and says what it weighs; one that is too heavy fails.
pub(crate) fn wasm() -> Result {
    let folder = worker()?;
    let weight = Weight::of(&folder)?;
    if weight.gzip > GZIP_BYTES_MAX {
        let most = kibibytes(GZIP_BYTES_MAX);
        return Err(Stop::failed(format!("the Worker weighs {weight}, more than {most}")));
    }
    Ok(Done::noted(weight.to_string()))
}

/// Builds the Worker into `target/worker`, where wrangler.toml expects it; returns the folder. One build does for all
/// steps of a run: wasm-opt takes two minutes, whether anything changed or not. The folder of the pages is there as
/// well, though it may be empty: wrangler deploys nothing without it.
pub(crate) fn worker() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = BUILT.get() {
        return Ok(folder.clone());
    }
    let pages = place::root()?.join("dashboard/dist");
    fs::create_dir_all(&pages)
        .map_err(|error| Stop::failed(format!("{}: {error}", pages.display())))?;
    let folder = build("adapters/worker", "target/worker")?;
    Ok(BUILT.get_or_init(|| folder).clone())
}

/// Builds the Worker that runs the store cases, once for all steps of a run; returns the folder.
pub(crate) fn stores() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = BUILT.get() {
        return Ok(folder.clone());
    }
    let folder = build("tests/stores/worker", "target/stores-worker")?;
    Ok(BUILT.get_or_init(|| folder).clone())
}

/// Asks wrangler whether it would deploy this.
pub(crate) fn dry_run() -> Result {
    let wrangler = packages()?.join(".bin/wrangler");
    let mut command = shell::command(wrangler, &["deploy", "--dry-run", "--outdir"])?;
    command.arg(place::root()?.join("target/wrangler"));
    // It would ask for news, report the use of itself, and write its settings into the home folder.
    command.envs([
        ("CI", "1"),
        ("WRANGLER_SEND_METRICS", "false"),
        ("WRANGLER_HIDE_BANNER", "true"),
    ]);
    command.env("XDG_CONFIG_HOME", place::root()?.join("target/wrangler-settings"));
    shell::run(&mut command)
}

fn build(package: &str, folder: &str) -> Result<PathBuf> {
    let root = place::root()?;
    let folder = root.join(folder);
    let mut command = shell::command(tools::worker_build()?, &["--release", "--out-dir"])?;
    command.arg(&folder).current_dir(root.join(package));
    let packages = packages()?;
    command.env("WASM_BINDGEN_BIN", tools::wasm_bindgen()?);
    command.env("WASM_OPT_BIN", packages.join(".bin/wasm-opt"));
    command.env("ESBUILD_BIN", packages.join(".bin/esbuild"));
    // Profiles are shared by the workspace, and only this build must be small rather than fast.
    command.envs([
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z"),
        ("CARGO_PROFILE_RELEASE_LTO", "fat"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
        // wasm-bindgen reads the section that says which wasm features are on.
        ("CARGO_PROFILE_RELEASE_STRIP", "none"),
    ]);
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        command.env("CARGO_TARGET_DIR", root.join(target));
    }
    select_toolchain(&mut command)?;
    shell::run(&mut command)?;
    strip(&folder.join("index_bg.wasm"))?;
    Ok(folder)
}

/// Takes the names of functions out, which worker-build keeps for stack traces: a tenth of the weight. A panic says where
/// it was without them.
fn strip(module: &Path) -> Result {
    let broken = |why: String| Stop::failed(format!("{}: {why}", module.display()));
    let bytes = fs::read(module).map_err(|error| broken(error.to_string()))?;
    let lighter = without_names(&bytes).ok_or_else(|| broken("this is no module".to_owned()))?;
    fs::write(module, lighter).map_err(|error| broken(error.to_string()))?;
    Ok(Done::default())
}

/// What is uploaded, in bytes.
#[derive(Default)]
struct Weight {
    raw: u64,
    gzip: u64,
}

impl Weight {
    fn of(folder: &Path) -> Result<Self> {
        let mut sum = Self::default();
        for name in ["index_bg.wasm", "index.js"] {
            let file = folder.join(name);
            let raw = fs::metadata(&file)
                .map_err(|error| Stop::failed(format!("{}: {error}", file.display())))?
                .len();
            let mut gzip = shell::command("gzip", &["-9", "--stdout"])?;
            let packed = gzip.arg(&file).output();
            let packed = packed.map_err(|error| Stop::failed(format!("gzip: {error}")))?;
            let weight = Self { raw, gzip: packed.stdout.len() as u64 };
            println!("   {name}: {weight}");
            sum = Self { raw: sum.raw + weight.raw, gzip: sum.gzip + weight.gzip };
        }
        Ok(sum)
    }
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} gzip", kibibytes(self.raw), kibibytes(self.gzip))
    }
}

fn kibibytes(bytes: u64) -> String {
    format!("{}.{} KiB", bytes >> 10, ((bytes & 1023) * 10) >> 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cut_to_a_tenth() {
        assert_eq!(kibibytes(1 << 20), "1024.0 KiB");
        assert_eq!(kibibytes(1535), "1.4 KiB");
    }
}
