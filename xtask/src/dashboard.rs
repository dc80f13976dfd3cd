//! How does the dashboard become files that the programs carry?

use crate::{fetch, place, report::Result, shell};

/// Fetches its packages, checks it against the API's description, and builds it into `dashboard/dist`, from where the
/// next build of a program takes it.
pub(crate) fn dashboard() -> Result {
    fetch::need("node", "install Node.js 20 or later")?;
    let folder = place::root()?.join("dashboard");
    fetch::npm_beside(&folder)?;
    for script in ["types", "check"] {
        shell::run(shell::command("npm", &["run", "--silent", script])?.current_dir(&folder))?;
    }
    shell::run(shell::command("npm", &["run", "--silent", "build"])?.current_dir(&folder))
}
