//! `--ask`: what a package keeps closed is asked for on the terminal, where it is not shown and no list of processes has it.
//!
//! ```text
//! load ──closed by a password? ask for it──▶ load again ──secrets that stay closed? ask for each──▶ load again
//! ```

use std::path::Path;

use fletching::{Application, LoadError, LoadOptions, Package, dtsx::SsisCode};

use crate::exit::{Exit, Failure};

/// Loads a package, and asks for what is missing.
pub(crate) fn load(package: &Path, mut options: LoadOptions) -> Result<Package, Failure> {
    let name = package.display();
    let mut loaded = Application::load_with(package, &options);
    let wants_password = match &loaded {
        Ok(loaded) => loaded
            .sealed()
            .iter()
            .any(|one| one.by_password && !one.given),
        Err(error) => is_closed(error),
    };
    if wants_password && options.password.is_none() {
        // Without one, what else it keeps closed may be given by its names.
        let answer = ask(&format!("Password of {name}: "))?;
        options.password = Some(answer).filter(|answer| !answer.is_empty());
        loaded = Application::load_with(package, &options);
    }
    let loaded = loaded?;
    let mut asked = Vec::new();
    for closed in loaded.sealed() {
        let Some(secret) = closed.secret.filter(|_| !closed.given) else {
            continue;
        };
        // One name may open several properties of one object.
        if !asked.contains(&secret) {
            let value = ask(&format!("{} ({secret}): ", closed.place))?;
            options.secrets.insert(&secret, value);
            asked.push(secret);
        }
    }
    match asked.is_empty() {
        true => Ok(loaded),
        false => Ok(Application::load_with(package, &options)?),
    }
}

/// Whether a document does not load for want of a password.
fn is_closed(error: &LoadError) -> bool {
    error.code() == Some(SsisCode::PACKAGE_PASSWORD)
}

fn ask(prompt: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt).map_err(|error| {
        let message = format!(
            "--ask: there is no terminal to ask on ({error}); give secrets by environment or by --secrets"
        );
        Failure::new(Exit::BadCommandLine, message)
    })
}
