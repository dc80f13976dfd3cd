//! Would AWS accept the template? The linter looks at it twice: as it is, and as what it becomes.

use std::fs;

use super::{
    python::Tools,
    smoke::fresh_folder,
    static_build::{self, Arch},
};
use crate::{
    edition::Edition,
    place,
    report::{Done, Result, Stop},
    shell,
};

const LINTERS: Tools = Tools {
    name: "cfn-lint-1.58-translator-1.115",
    packages: &["cfn-lint==1.58.0", "aws-sam-translator==1.115.0"],
};
const TEMPLATE: &str = "template.yaml";
/// The folder of the function that it deploys.
const LIGHT_CODE: &str = "CodeUri: dist/aarch64/lambda\n";
/// The same, as the template beside the other function says it.
const ENTERPRISE_CODE: &str = "CodeUri: lambda\n";

/// The linter does not look into a function URL's settings, so the translation, whose schemas are complete, is linted too.
pub(crate) fn lint() -> Result {
    let linter = |file: &str| LINTERS.command("cfn-lint", &["--regions", "us-east-1", "--", file]);
    shell::run(&mut linter(TEMPLATE)?)?;
    let mut translator = LINTERS.command("python", &["xtask/src/packaging/sam2cfn.py"])?;
    let translated = shell::output(translator.arg(TEMPLATE))?;
    let file = fresh_folder("template")?.join("translated.json");
    fs::write(&file, &translated).map_err(|e| Stop::failed(format!("{}: {e}", file.display())))?;
    shell::run(&mut linter(&file.to_string_lossy())?)?;
    Ok(Done::noted("template and translation"))
}

/// Leaves the same template beside the enterprise function: what is deployed is a path in the text, which no parameter can
/// stand for.
pub(crate) fn for_enterprise() -> Result {
    let light = place::root()?.join(TEMPLATE);
    let text = fs::read_to_string(&light)
        .map_err(|e| Stop::failed(format!("{}: {e}", light.display())))?;
    if text.matches(LIGHT_CODE).count() != 1 {
        return Err(Stop::failed(format!("{TEMPLATE} does not say once `{}`", LIGHT_CODE.trim())));
    }
    let folder = static_build::folder(Edition::Enterprise, Arch::Arm)?;
    if !folder.is_dir() {
        return Err(Stop::skipped("there is no enterprise function"));
    }
    let beside = folder.join(TEMPLATE);
    fs::write(&beside, text.replace(LIGHT_CODE, ENTERPRISE_CODE))
        .map_err(|e| Stop::failed(format!("{}: {e}", beside.display())))?;
    Ok(Done::noted(beside.display().to_string()))
}
