//! What was declared? The command line, the environment, `.env` and the file, in this order.

use std::{
    collections::HashMap,
    env,
    fs::read_to_string,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use tidegate_core::config::{Config, Mistake};

use crate::{cli::Cli, env as dotenv};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "tidegate.toml";

/// Beside the file, or else in the working directory.
const DOTENV: &str = ".env";

/// Reads everything. All mistakes come back at once, one a line, each with its file and its line.
pub(crate) fn read(cli: &Cli) -> Result<Config, Vec<String>> {
    let named = cli.place.config.as_ref().filter(|path| !path.as_os_str().is_empty());
    let path = named.cloned().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let named = named.is_some();
    let from_env = !named && env::var("TIDEGATE_CONFIG").is_ok_and(|text| !text.is_empty());
    let file = if from_env { None } else { read_file(&path, named)? };

    let beside = path.with_file_name(DOTENV);
    let (dotenv, wrong) = read_dotenv(if beside.exists() { &beside } else { Path::new(DOTENV) });
    let variable = |name: &str| {
        cli.variable(name).or_else(|| env::var(name).ok()).or_else(|| dotenv.get(name).cloned())
    };
    let name = if file.is_some() { path.display().to_string() } else { "TIDEGATE_CONFIG".into() };
    match Config::read(file.as_deref(), &variable) {
        Ok(config) if wrong.is_empty() => Ok(config),
        Ok(_) => Err(wrong),
        Err(mistakes) => Err([say(&name, &mistakes), wrong].concat()),
    }
}

/// A file that was not asked for may be missing.
fn read_file(path: &Path, named: bool) -> Result<Option<String>, Vec<String>> {
    match read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound && !named => Ok(None),
        Err(error) => Err(vec![format!("{}: {error}", path.display())]),
    }
}

fn read_dotenv(path: &Path) -> (HashMap<String, String>, Vec<String>) {
    let text = match read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Default::default(),
        Err(error) => return (HashMap::new(), vec![format!("{}: {error}", path.display())]),
    };
    match dotenv::read(&text) {
        Ok(variables) => (variables, Vec::new()),
        Err(mistakes) => (HashMap::new(), say(&path.display().to_string(), &mistakes)),
    }
}

fn say(file: &str, mistakes: &[Mistake]) -> Vec<String> {
    mistakes
        .iter()
        .map(|Mistake { line, message }| match line {
            Some(line) => format!("{file}:{line}: {message}"),
            None => message.clone(),
        })
        .collect()
}
