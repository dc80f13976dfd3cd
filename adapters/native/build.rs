//! Which files does the built dashboard consist of? They become a table of bytes, which is empty without Node.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let built = package.join("../../dashboard/dist");
    // Cargo runs this again and again while what it watches is missing. A folder that cannot be made is watched in vain.
    let _ = fs::create_dir_all(&built);
    println!("cargo::rerun-if-changed={}", built.display());

    let mut files = Vec::new();
    collect(&built, &mut files)?;
    files.sort();
    let rows: String = files.iter().map(|file| row(&built, file)).collect();
    let table = PathBuf::from(variable("OUT_DIR")?).join("dashboard.rs");
    fs::write(table, format!("static FILES: &[File] = &[\n{rows}];\n"))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// What is meant for hosts that serve the files by themselves.
const HEADERS: &str = "_headers";

/// Every file under `folder` but hidden ones, and those that only repeat another one compressed.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name() == HEADERS || entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_none_or(|ending| ending != "gz") {
            found.push(path);
        }
    }
    Ok(())
}

fn row(built: &Path, file: &Path) -> String {
    let place = file.strip_prefix(built).unwrap_or(file);
    let parts: Vec<_> = place.iter().map(|part| part.to_string_lossy()).collect();
    let path = format!("/{}", parts.join("/"));
    let bytes = |file: &Path| format!("include_bytes!({:?})", file.display().to_string());
    let mut packed = file.as_os_str().to_owned();
    packed.push(".gz");
    let packed = PathBuf::from(packed);
    let gzip =
        if packed.is_file() { format!("Some({})", bytes(&packed)) } else { "None".to_owned() };
    format!("    File {{ path: {path:?}, plain: {}, gzip: {gzip} }},\n", bytes(file))
}
