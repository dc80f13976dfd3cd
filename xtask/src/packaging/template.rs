//! Would AWS accept the template? The linter looks at it twice: as it is, and as what it becomes.

use super::{python::Tools, smoke::fresh_folder};
use crate::{
    report::{Done, Result, Stop},
    shell,
};

const LINTERS: Tools = Tools {
    name: "cfn-lint-1.58-translator-1.115",
    packages: &["cfn-lint==1.58.0", "aws-sam-translator==1.115.0"],
};

/// The linter does not look into a function URL's settings, so the translation, whose schemas are complete, is linted too.
pub(crate) fn lint() -> Result {
    let linter = |file: &str| LINTERS.command("cfn-lint", &["--regions", "us-east-1", "--", file]);
    shell::run(&mut linter("template.yaml")?)?;
    let mut translator = LINTERS.command("python", &["xtask/src/packaging/sam2cfn.py"])?;
    let translated = shell::output(translator.arg("template.yaml"))?;
    let file = fresh_folder("template")?.join("translated.json");
    std::fs::write(&file, &translated)
        .map_err(|e| Stop::failed(format!("{}: {e}", file.display())))?;
    shell::run(&mut linter(&file.to_string_lossy())?)?;
    Ok(Done::noted("template and translation"))
}
