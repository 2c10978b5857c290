//! Objects of the control flow, added and removed.

use super::{
    check_name,
    collections::{add, append, insert, prefixed},
    connection_manager_id, missing, new_id, objects,
    tag::Tag,
};
use crate::{
    ConstraintValue, Error, EvalOp, FlatFileColumn, ForeachMapping, Package, Parameter,
    PrecedenceConstraint, Variable,
};

/// A precedence constraint to be made. The default: success, and all constraints into the executable must hold.
#[derive(Debug, Clone)]
pub struct NewConstraint {
    /// The outcome waited for.
    pub value: ConstraintValue,
    /// Whether outcome, expression or both count.
    pub eval_op: EvalOp,
    /// Whether all arrows into the executable must hold, or one.
    pub logical_and: bool,
    /// Text of the expression.
    pub expression: Option<String>,
}

impl Default for NewConstraint {
    fn default() -> Self {
        Self {
            value: ConstraintValue::Success,
            eval_op: EvalOp::Constraint,
            logical_and: true,
            expression: None,
        }
    }
}

impl Package {
    /// Adds a connection manager (`FLATFILE`, `OLEDB`, `FILE`, ...); its id.
    ///
    /// # Errors
    /// [`Error::Edit`] for a name that is taken or none.
    pub fn add_connection_manager(
        &mut self,
        creation_name: &str,
        name: &str,
    ) -> Result<String, Error> {
        check_name("connection manager", name)?;
        let mut managers = self.connection_managers().iter();
        if managers.any(|manager| manager.name.eq_ignore_ascii_case(name)) {
            return Err(taken("connection manager", name));
        }
        let ref_id = connection_manager_id(name);
        let tag = objects::connection_manager(&ref_id, creation_name, name, &new_id()?);
        self.edit(|package, edits| {
            add(edits, package.document().root(), "ConnectionManagers", tag);
            Ok(())
        })?;
        Ok(ref_id)
    }

    /// Adds a column behind those of a flat file connection manager.
    ///
    /// # Errors
    /// [`Error::Edit`] for a manager that is none of flat files, or a name that is taken.
    pub fn add_flat_file_column(
        &mut self,
        manager: &str,
        column: &FlatFileColumn,
    ) -> Result<(), Error> {
        let found = self.connection_manager(manager);
        let found = found.ok_or_else(|| missing("connection manager", manager))?;
        if found
            .flat_file_columns
            .iter()
            .any(|one| one.name == column.name)
        {
            return Err(taken("column", &column.name));
        }
        let name = found.name.clone();
        let tag = objects::flat_file_column(column, &new_id()?);
        self.edit(|package, edits| {
            let payload = package.manager_element(&name).and_then(|element| {
                let data = element.child("ObjectData")?;
                data.children().next()
            });
            let payload = payload.ok_or_else(|| missing("connection manager", &name))?;
            add(edits, payload, "FlatFileColumns", tag);
            Ok(())
        })
    }

    /// Adds a variable to the executable whose scope it is.
    ///
    /// # Errors
    /// [`Error::Edit`] for a name that is taken there, or none.
    pub fn add_variable(&mut self, container: &str, variable: &Variable) -> Result<(), Error> {
        check_name("variable", &variable.name)?;
        check_name("namespace", &variable.namespace)?;
        if variable.namespace.eq_ignore_ascii_case("System") {
            return Err(Error::Edit {
                what: format!("variable `{}`", variable.name),
                detail: "the namespace System is SSIS's own".to_owned(),
            });
        }
        let executable = self.found(container)?;
        let mut known = executable.variables.iter();
        if known.any(|one| one.namespace == variable.namespace && one.name == variable.name) {
            return Err(taken("variable", &variable.name));
        }
        let path = executable.path.clone();
        let tag = objects::variable(variable, &new_id()?);
        self.edit(|package, edits| {
            add(edits, package.element_at(&path)?, "Variables", tag);
            Ok(())
        })
    }

    /// Adds a parameter of the package.
    ///
    /// # Errors
    /// [`Error::Edit`] for a name that is taken, or none.
    pub fn add_parameter(&mut self, parameter: &Parameter) -> Result<(), Error> {
        check_name("parameter", &parameter.name)?;
        let mut known = self.parameters().iter();
        if known.any(|one| one.name.eq_ignore_ascii_case(&parameter.name)) {
            return Err(taken("parameter", &parameter.name));
        }
        let tag = objects::parameter(parameter, &new_id()?);
        self.edit(|package, edits| {
            add(edits, package.document().root(), "PackageParameters", tag);
            Ok(())
        })
    }

    /// Adds a task or container (`Microsoft.Pipeline`, `STOCK:SEQUENCE`, ...) to a container; its path.
    ///
    /// # Errors
    /// [`Error::Edit`] for a name that is taken or none, a class that cannot be made, a task where a container is wanted.
    pub fn add_executable(
        &mut self,
        container: &str,
        class: &str,
        name: &str,
    ) -> Result<String, Error> {
        check_name("executable", name)?;
        let owner = self.found(container)?;
        if matches!(owner.kind, crate::ExecutableKind::Task(_)) {
            return Err(Error::Edit {
                what: format!("task `{}`", owner.path),
                detail: "it holds no tasks; name a container".to_owned(),
            });
        }
        let mut known = owner.executables.iter();
        if known.any(|one| one.name.eq_ignore_ascii_case(name)) {
            return Err(taken("executable", name));
        }
        let owner = owner.path.clone();
        let path = format!("{owner}\\{name}");
        let tag = objects::executable(&path, class, name, &new_id()?)?;
        self.edit(|package, edits| {
            add(edits, package.element_at(&owner)?, "Executables", tag);
            Ok(())
        })?;
        Ok(path)
    }

    /// Adds a precedence constraint between two executables of one container.
    ///
    /// # Errors
    /// [`Error::Edit`] for executables of different containers.
    pub fn add_precedence_constraint(
        &mut self,
        from: &str,
        to: &str,
        constraint: &NewConstraint,
    ) -> Result<(), Error> {
        let (from, to) = (self.found(from)?.path.clone(), self.found(to)?.path.clone());
        let owner = self.executables().find(|owner| {
            let is_in = |path: &String| owner.executables.iter().any(|one| one.path == *path);
            is_in(&from) && is_in(&to)
        });
        let owner = owner.filter(|_| from != to).ok_or_else(|| Error::Edit {
            what: format!("constraint from `{from}` to `{to}`"),
            detail: "two executables of one container are wanted".to_owned(),
        })?;
        let taken = |name: &str| {
            let mut known = owner.precedence_constraints.iter();
            known.any(|one| one.name == name)
        };
        let names = (0..).map(|number| match number {
            0 => "Constraint".to_owned(),
            number => format!("Constraint {number}"),
        });
        let name = names.into_iter().find(|name| !taken(name));
        let name = name.unwrap_or_default();
        let ref_id = format!("{}.PrecedenceConstraints[{name}]", owner.path);
        let made = PrecedenceConstraint {
            name,
            from,
            to,
            value: constraint.value,
            eval_op: constraint.eval_op,
            logical_and: constraint.logical_and,
            expression: constraint.expression.clone(),
        };
        let owner = owner.path.clone();
        let tag = objects::constraint(&ref_id, &made, &new_id()?);
        self.edit(|package, edits| {
            add(
                edits,
                package.element_at(&owner)?,
                "PrecedenceConstraints",
                tag,
            );
            Ok(())
        })
    }

    /// Adds an event handler (`OnError`, ...) to an executable; its path.
    ///
    /// # Errors
    /// [`Error::Edit`] for an event that is handled there already.
    pub fn add_event_handler(&mut self, owner: &str, event: &str) -> Result<String, Error> {
        check_name("event", event)?;
        let owner = self.found(owner)?;
        let mut known = owner.event_handlers.iter();
        if known.any(|one| one.event_name.eq_ignore_ascii_case(event)) {
            return Err(taken("event handler", event));
        }
        let owner = owner.path.clone();
        let path = format!("{owner}.EventHandlers[{event}]");
        let tag = objects::event_handler(&path, event, &new_id()?);
        self.edit(|package, edits| {
            add(edits, package.element_at(&owner)?, "EventHandlers", tag);
            Ok(())
        })?;
        Ok(path)
    }

    /// Gives a Foreach loop its enumerator, in place of one that it has: the class (`Microsoft.ForEachFileEnumerator`), the
    /// element of its settings as XML, and what each round fills.
    ///
    /// # Errors
    /// [`Error::Edit`] for an executable that is no Foreach loop; errors of reading for XML that is none.
    pub fn set_enumerator(
        &mut self,
        path: &str,
        class: &str,
        settings: &str,
        mappings: &[ForeachMapping],
    ) -> Result<(), Error> {
        let executable = self.found(path)?;
        if executable.kind != crate::ExecutableKind::ForeachLoop {
            return Err(Error::Edit {
                what: format!("`{}`", executable.path),
                detail: "it is no Foreach loop".to_owned(),
            });
        }
        let path = executable.path.clone();
        let id = new_id()?;
        let mappings = mappings.iter().map(|mapping| {
            Tag::new("DTS:ForEachVariableMapping")
                .attribute("DTS:CreationName", "")
                .attribute("DTS:ValueIndex", mapping.value_index.to_string())
                .attribute("DTS:VariableName", &mapping.variable)
        });
        let mappings = Tag::new("DTS:ForEachVariableMappings").children(mappings);
        self.edit(|package, edits| {
            let element = package.element_at(&path)?;
            let old = element.children().filter(|child| {
                ["ForEachEnumerator", "ForEachVariableMappings"].contains(&child.local_name())
            });
            for old in old {
                edits.remove(old.id());
            }
            Ok(())
        })?;
        self.edit(|package, edits| {
            let element = package.element_at(&path)?;
            let enumerator = Tag::new("DTS:ForEachEnumerator")
                .attribute("DTS:CreationName", class)
                .attribute("DTS:DTSID", id)
                .attribute("DTS:ObjectName", "Enumerator")
                .child(Tag::new("DTS:ObjectData"));
            insert(edits, element, "ForEachEnumerator", &enumerator);
            Ok(())
        })?;
        self.edit(|package, edits| {
            let element = package.element_at(&path)?;
            insert(edits, element, "ForEachVariableMappings", &mappings);
            let enumerator = element.child("ForEachEnumerator");
            let data = enumerator.and_then(|enumerator| enumerator.child("ObjectData"));
            let data = data.ok_or_else(|| missing("enumerator", &path))?;
            edits.append_xml(data.id(), settings);
            Ok(())
        })
    }

    /// Sets or, with `None`, removes the expression on a property of an executable or a connection manager.
    ///
    /// # Errors
    /// [`Error::Edit`] for an object that is not there.
    pub fn set_property_expression(
        &mut self,
        object: &str,
        property: &str,
        expression: Option<&str>,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let element = match package.manager_element(object) {
                Some(element) => element,
                None => package.element_at(object)?,
            };
            let old = element.children().find(|child| {
                child.local_name() == "PropertyExpression"
                    && child.attribute("Name").as_deref() == Some(property)
            });
            match (old, expression) {
                (Some(old), Some(expression)) => {
                    edits.set_text(old.id(), expression);
                }
                (Some(old), None) => {
                    edits.remove(old.id());
                }
                (None, Some(expression)) => {
                    let tag = objects::property_expression(property, expression);
                    insert(edits, element, "PropertyExpression", &tag);
                }
                (None, None) => {}
            }
            Ok(())
        })
    }

    /// Removes an executable with all in it, and the constraints at it.
    ///
    /// # Errors
    /// [`Error::Edit`] for the package itself, or one that is not there.
    pub fn remove_executable(&mut self, path: &str) -> Result<(), Error> {
        let path = self.found(path)?.path.clone();
        if path == self.root().path {
            return Err(Error::Edit {
                what: format!("`{path}`"),
                detail: "it is the package itself".to_owned(),
            });
        }
        let ids = {
            let executable = self.found(&path)?;
            [executable.path.clone(), executable.dtsid.clone()]
        };
        self.edit(|package, edits| {
            let element = package.element_at(&path)?;
            let owner = element.parent().and_then(|group| match group.local_name() {
                "Executables" => group.parent(),
                _ => Some(group),
            });
            let constraints = owner.and_then(|owner| owner.child("PrecedenceConstraints"));
            for constraint in constraints.iter().flat_map(|group| group.children()) {
                let touches = |end: &str| {
                    let end = constraint.attribute(end).unwrap_or_default();
                    ids.iter().any(|id| !id.is_empty() && *id == end)
                };
                if touches("From") || touches("To") {
                    edits.remove(constraint.id());
                }
            }
            edits.remove(element.id());
            Ok(())
        })
    }

    /// Removes a connection manager.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn remove_connection_manager(&mut self, name: &str) -> Result<(), Error> {
        self.edit(|package, edits| {
            let element = package.manager_element(name);
            let element = element.ok_or_else(|| missing("connection manager", name))?;
            edits.remove(element.id());
            Ok(())
        })
    }

    /// Removes a variable from the executable whose scope it is.
    ///
    /// # Errors
    /// [`Error::Edit`] for one that is not there.
    pub fn remove_variable(
        &mut self,
        container: &str,
        namespace: &str,
        name: &str,
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let owner = package.element_at(container)?;
            let element = package.variable_element(owner, namespace, name);
            let element = element.ok_or_else(|| missing("variable", name))?;
            edits.remove(element.id());
            Ok(())
        })
    }

    /// Adds XML to the settings of a task: parameter and result bindings, items.
    ///
    /// # Errors
    /// [`Error::Edit`] for a task without settings; errors of reading for XML that is none.
    pub fn append_to_payload(&mut self, task: &str, xml: &str) -> Result<(), Error> {
        self.edit(|package, edits| {
            let payload = package.payload(package.found(task)?);
            let payload = payload.ok_or_else(|| missing("settings of task", task))?;
            edits.append_xml(payload.id(), xml);
            Ok(())
        })
    }

    /// Adds a binding to an Execute SQL task.
    ///
    /// # Errors
    /// As [`append_to_payload`](Self::append_to_payload).
    pub fn add_sql_binding(
        &mut self,
        task: &str,
        kind: &str,
        attributes: &[(&str, &str)],
    ) -> Result<(), Error> {
        self.edit(|package, edits| {
            let payload = package.payload(package.found(task)?);
            let payload = payload.ok_or_else(|| missing("settings of task", task))?;
            let mut tag = Tag::new(&prefixed(payload, kind));
            for (name, value) in attributes {
                tag = tag.attribute(&prefixed(payload, name), *value);
            }
            append(edits, payload, &tag);
            Ok(())
        })
    }
}

fn taken(what: &str, name: &str) -> Error {
    Error::Edit {
        what: format!("{what} `{name}`"),
        detail: "there is one of that name already".to_owned(),
    }
}
