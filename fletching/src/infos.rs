//! What packages can be made of here: components, tasks, connection managers, log providers, Foreach enumerators
//! (PipelineComponentInfos, TaskInfos, ConnectionInfos, ... of SSIS's Application). What runs is asked of those who run it.

use fletching_components::{ComponentKind, registry};
use fletching_connections::MANAGER_KINDS;
use fletching_engine::{enumerator_names, log_provider_names, task_names};

use crate::Application;

/// A class that packages name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassInfo {
    /// As packages of format 8 name it: `Microsoft.DerivedColumn`.
    pub name: &'static str,
    /// As the designer shows it; the name where that is not known.
    pub title: &'static str,
    /// Whether it runs here. One that does not is named by `check` before anything runs.
    pub runs: bool,
    /// Of a component that runs: what it is in a data flow.
    pub kind: Option<ComponentKind>,
}

impl Application {
    /// The components of data flows.
    pub fn component_infos() -> Vec<ClassInfo> {
        let classes = dtsx::component_classes();
        classes
            .map(|(name, title)| {
                let found = registry::find(name);
                ClassInfo {
                    name,
                    title,
                    runs: found.is_some(),
                    kind: found.map(|class| class.kind),
                }
            })
            .collect()
    }

    /// The tasks and containers.
    pub fn task_infos() -> Vec<ClassInfo> {
        let supported: Vec<&str> = task_names().collect();
        let containers = ["STOCK:SEQUENCE", "STOCK:FORLOOP", "STOCK:FOREACHLOOP"];
        let classes = dtsx::task_classes().filter(|name| *name != "Microsoft.Package");
        classes
            .map(|name| ClassInfo {
                name,
                title: name,
                runs: supported.contains(&name) || containers.contains(&name),
                kind: None,
            })
            .collect()
    }

    /// The kinds of connection managers, by their CreationName. One that runs can be opened as it stands in packages;
    /// another of a database (EXCEL) still can be pointed to a database that is reached from here.
    pub fn connection_infos() -> Vec<ClassInfo> {
        let infos = MANAGER_KINDS.iter().map(|kind| ClassInfo {
            name: kind.name,
            title: kind.title,
            runs: kind.opens(),
            kind: None,
        });
        infos.collect()
    }

    /// The log providers.
    pub fn log_provider_infos() -> Vec<ClassInfo> {
        let supported: Vec<&str> = log_provider_names().collect();
        let infos = dtsx::log_provider_classes().map(|name| ClassInfo {
            name,
            title: name,
            runs: supported.contains(&name),
            kind: None,
        });
        infos.collect()
    }

    /// The enumerators of Foreach loops that run.
    pub fn enumerator_infos() -> Vec<ClassInfo> {
        enumerator_names()
            .map(|name| ClassInfo {
                name,
                title: name,
                runs: true,
                kind: None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_what_the_registries_have() {
        let components = Application::component_infos();
        let run = components.iter().filter(|one| one.runs).count();
        assert_eq!(run, registry::COMPONENTS.len());
        let derived = components
            .iter()
            .find(|one| one.name == "Microsoft.DerivedColumn");
        assert_eq!(derived.map(|one| one.title), Some("Derived Column"));
        let tasks = Application::task_infos();
        let runs = |name: &str| {
            let found = tasks.iter().find(|one| one.name == name);
            found.map(|one| one.runs)
        };
        assert_eq!(runs("Microsoft.Pipeline"), Some(true));
        assert_eq!(runs("Microsoft.ScriptTask"), Some(false));
        assert_eq!(runs("STOCK:SEQUENCE"), Some(true));
        assert_eq!(
            task_names().count() + 3,
            tasks.iter().filter(|one| one.runs).count()
        );
        assert_eq!(Application::enumerator_infos().len(), 6);
        let runs = |infos: Vec<ClassInfo>| {
            let run = infos.iter().filter(|one| one.runs);
            run.map(|one| one.name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            runs(Application::connection_infos()),
            "ADO ADO.NET CACHE FILE FLATFILE FTP HTTP ODBC OLEDB SMTP"
        );
        assert_eq!(
            runs(Application::log_provider_infos()),
            "Microsoft.LogProviderTextFile Microsoft.LogProviderXMLFile Microsoft.LogProviderSQLServer"
        );
        assert_eq!(Application::log_provider_infos().len(), 5);
    }
}
