//! What transforms need beside properties: expressions, keys, joined and grouped columns, with the columns that they make.

use dtsx::{
    Component, DataType, Disposition, Input, Output, OutputColumn, Property, UsageType, input_id,
    output_id,
};
use fletching_components::Variables;
use fletching_engine::variables_of;
use fletching_expression::{ColumnReference, Scalar, Scope, compile};

use super::{
    DesignError, Pipeline, stored_expression,
    template::{column, property},
};

/// What an Aggregate transform makes of the values of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// The value itself: one row for each.
    GroupBy,
    /// How many are not NULL.
    Count,
    /// How many rows there are.
    CountAll,
    /// How many different ones.
    CountDistinct,
    /// Their sum.
    Sum,
    /// Their mean.
    Average,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
}

/// The rows of a Merge Join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinType {
    /// All rows of both sides.
    Full,
    /// All rows of the left side.
    Left,
    /// Rows that have a partner.
    Inner,
}

impl Pipeline<'_> {
    /// Adds a column to a Derived Column transform; its type is that of the expression. Columns are written `[Name]`.
    ///
    /// # Errors
    /// An expression that does not compile.
    pub fn derive(
        &mut self,
        component: &str,
        name: &str,
        expression: &str,
    ) -> Result<&mut Self, DesignError> {
        let (stored, data_type) = self.compiled(component, name, expression)?;
        let output = self.output(component, None)?.id.clone();
        let mut made = column(&output, name, data_type);
        made.error_row_disposition = Disposition::FailComponent;
        made.truncation_row_disposition = Disposition::FailComponent;
        for one in expressions(&stored, expression) {
            made.properties.push(one);
        }
        let document = &mut self.package.document;
        document.add_output_column(&self.task, &output, &made)?;
        Ok(self)
    }

    /// Replaces the values of a column by those of an expression, in a Derived Column transform.
    ///
    /// # Errors
    /// An expression that does not compile, a column that does not arrive.
    pub fn replace_column(
        &mut self,
        component: &str,
        name: &str,
        expression: &str,
    ) -> Result<&mut Self, DesignError> {
        let (stored, _) = self.compiled(component, name, expression)?;
        let lineage = self.find(component, None, name)?;
        let id = self.use_lineage(component, None, name, &lineage, UsageType::ReadWrite)?;
        for attribute in ["errorRowDisposition", "truncationRowDisposition"] {
            let document = &mut self.package.document;
            document.set_pipeline_attribute(&self.task, &id, attribute, "FailComponent")?;
        }
        for one in expressions(&stored, expression) {
            self.set_of(&id, &one)?;
        }
        Ok(self)
    }

    /// Adds an output to a Conditional Split, for the rows that meet a condition and none before it.
    ///
    /// # Errors
    /// A condition that does not compile or is not Boolean.
    pub fn split(
        &mut self,
        component: &str,
        output: &str,
        condition: &str,
    ) -> Result<&mut Self, DesignError> {
        let (stored, data_type) = self.compiled(component, output, condition)?;
        if data_type != DataType::Bool {
            let why = format!("the condition is of type {data_type}, DT_BOOL is wanted");
            return Err(DesignError::invalid("output", output, why));
        }
        let mut found = self.component(component)?.clone();
        let input = self.input(component, None)?.id.clone();
        let conditions = found.outputs.iter();
        let order = conditions
            .filter(|one| one.properties.get("EvaluationOrder").is_some())
            .count();
        let mut made = Output {
            id: output_id(&found.id, output),
            name: output.to_owned(),
            synchronous_input_id: Some(input),
            exclusion_group: 1,
            error_row_disposition: Disposition::FailComponent,
            truncation_row_disposition: Disposition::FailComponent,
            ..Output::default()
        };
        for one in expressions(&stored, condition) {
            made.properties.push(one);
        }
        made.properties.push(property(
            "EvaluationOrder",
            "System.Int32",
            &order.to_string(),
        ));
        // Before the default output, as the designer has it.
        found.outputs.insert(order, made);
        self.replace(&found)?;
        Ok(self)
    }

    /// Adds an output to a Multicast.
    ///
    /// # Errors
    /// A component that is not there.
    pub fn add_copy(&mut self, component: &str, output: &str) -> Result<&mut Self, DesignError> {
        let found = self.component(component)?;
        let made = Output {
            id: output_id(&found.id, output),
            name: output.to_owned(),
            synchronous_input_id: found.inputs.first().map(|input| input.id.clone()),
            ..Output::default()
        };
        let id = found.id.clone();
        let document = &mut self.package.document;
        document.add_output(&self.task, &id, &made)?;
        Ok(self)
    }

    /// Adds a column of another type to a Data Conversion.
    ///
    /// # Errors
    /// A column that does not arrive.
    pub fn convert(
        &mut self,
        component: &str,
        from: &str,
        name: &str,
        data_type: DataType,
    ) -> Result<&mut Self, DesignError> {
        self.use_column(component, None, from, UsageType::ReadOnly)?;
        let lineage = self.find(component, None, from)?;
        let output = self.output(component, None)?.id.clone();
        let mut made = column(&output, name, data_type);
        made.error_row_disposition = Disposition::FailComponent;
        made.truncation_row_disposition = Disposition::FailComponent;
        made.properties
            .push(reference("SourceInputColumnLineageID", &lineage.0));
        made.properties
            .push(property("FastParse", "System.Boolean", "false"));
        let document = &mut self.package.document;
        document.add_output_column(&self.task, &output, &made)?;
        Ok(self)
    }

    /// Sorts by columns, the first before the second; `true` for descending. All columns that arrive are passed on.
    ///
    /// # Errors
    /// A column that does not arrive.
    pub fn sort_by(
        &mut self,
        component: &str,
        keys: &[(&str, bool)],
    ) -> Result<&mut Self, DesignError> {
        for (key, _) in keys {
            self.find(component, None, key)?;
        }
        let arriving: Vec<OutputColumn> = self
            .arriving(component, None)?
            .into_iter()
            .cloned()
            .collect();
        let output = self.output(component, None)?.id.clone();
        for one in arriving {
            let rank = keys
                .iter()
                .zip(1_i32..)
                .find(|((key, _), _)| *key == one.name);
            let position = rank.map_or(0, |((_, down), rank)| if *down { -rank } else { rank });
            let id = self.use_lineage(
                component,
                None,
                &one.name,
                &one.lineage_id,
                UsageType::ReadOnly,
            )?;
            self.set_of(&id, &property("NewComparisonFlags", "System.Int32", "0"))?;
            self.set_of(
                &id,
                &property("NewSortKeyPosition", "System.Int32", &position.to_string()),
            )?;
            let mut made = column(&output, &one.name, one.data_type);
            made.sort_key_position = position;
            made.properties
                .push(reference("SortColumnId", &one.lineage_id.0));
            let document = &mut self.package.document;
            document.add_output_column(&self.task, &output, &made)?;
        }
        Ok(self)
    }

    /// Adds a column to an Aggregate transform; `from` is empty for [`Aggregation::CountAll`].
    ///
    /// # Errors
    /// A column that does not arrive, or that cannot be summed.
    pub fn aggregate(
        &mut self,
        component: &str,
        name: &str,
        aggregation: Aggregation,
        from: &str,
    ) -> Result<&mut Self, DesignError> {
        let (lineage, arriving) = match aggregation {
            Aggregation::CountAll => (None, DataType::UI8),
            _ => {
                self.use_column(component, None, from, UsageType::ReadOnly)?;
                let lineage = self.find(component, None, from)?;
                let arriving = self.arriving(component, None)?;
                let found = arriving.iter().find(|one| one.lineage_id == lineage);
                let data_type = found.map_or(DataType::Null, |one| one.data_type);
                (Some(lineage), data_type)
            }
        };
        let data_type = aggregated(aggregation, arriving)
            .map_err(|why| DesignError::invalid("column", from, why))?;
        let number = match aggregation {
            Aggregation::GroupBy => 0,
            Aggregation::Count => 1,
            Aggregation::CountAll => 2,
            Aggregation::CountDistinct => 3,
            Aggregation::Sum => 4,
            Aggregation::Average => 5,
            Aggregation::Minimum => 6,
            Aggregation::Maximum => 7,
        };
        let output = self.output(component, None)?.id.clone();
        let mut made = column(&output, name, data_type);
        made.properties.push(match &lineage {
            Some(lineage) => reference("AggregationColumnId", &lineage.0),
            None => property("AggregationColumnId", "System.Int32", "0"),
        });
        let is_big = i32::from((1..=5).contains(&number));
        for (name, value) in [
            ("AggregationType", number),
            ("IsBig", is_big),
            ("AggregationComparisonFlags", 0),
        ] {
            made.properties
                .push(property(name, "System.Int32", &value.to_string()));
        }
        let document = &mut self.package.document;
        document.add_output_column(&self.task, &output, &made)?;
        Ok(self)
    }

    /// The columns of a Merge Join: its type, and from each side (column, new name). Its keys are those that both sides are
    /// sorted by.
    ///
    /// # Errors
    /// A column that does not arrive, sides that are not sorted.
    pub fn join(
        &mut self,
        component: &str,
        join: JoinType,
        left: &[(&str, &str)],
        right: &[(&str, &str)],
    ) -> Result<&mut Self, DesignError> {
        let kind = match join {
            JoinType::Full => "0",
            JoinType::Left => "1",
            JoinType::Inner => "2",
        };
        let output = self.output(component, None)?.id.clone();
        let mut keys = usize::MAX;
        for (side, columns) in [
            ("Merge Join Left Input", left),
            ("Merge Join Right Input", right),
        ] {
            let arriving: Vec<OutputColumn> = self
                .arriving(component, Some(side))?
                .into_iter()
                .cloned()
                .collect();
            let sorted = arriving.iter().filter(|one| one.sort_key_position != 0);
            let sorted: Vec<&OutputColumn> = sorted.collect();
            keys = keys.min(sorted.len());
            for one in &sorted {
                let usage = UsageType::ReadOnly;
                self.use_lineage(component, Some(side), &one.name, &one.lineage_id, usage)?;
            }
            for (from, name) in columns {
                let usage = UsageType::ReadOnly;
                let lineage = self.find(component, Some(side), from)?;
                let id = self.use_lineage(component, Some(side), from, &lineage, usage)?;
                let found = arriving.iter().find(|one| one.lineage_id == lineage);
                let data_type = found.map_or(DataType::Null, |one| one.data_type);
                let mut made = column(&output, name, data_type);
                if side.ends_with("Left Input") {
                    made.sort_key_position = found.map_or(0, |one| one.sort_key_position);
                }
                made.properties.push(reference("InputColumnID", &id));
                let document = &mut self.package.document;
                document.add_output_column(&self.task, &output, &made)?;
            }
        }
        if keys == 0 || keys == usize::MAX {
            let why = "both sides must be sorted by the columns that are joined";
            return Err(DesignError::invalid("component", component, why));
        }
        self.set(component, "JoinType", kind)?;
        self.set(component, "NumKeyColumns", &keys.to_string())?;
        Ok(self)
    }

    /// What a component does when a path arrives: Union All and Merge take all columns, by name.
    pub(super) fn attached(&mut self, component: &str, input: &str) -> Result<(), DesignError> {
        let found = self.component(component)?.clone();
        if !matches!(found.class, Some("Microsoft.UnionAll" | "Microsoft.Merge")) {
            return Ok(());
        }
        let arriving: Vec<OutputColumn> =
            self.flow()?.arriving(input).into_iter().cloned().collect();
        let name = found.inputs.iter().find(|one| one.id == input);
        let name = name.map(|input| input.name.clone()).unwrap_or_default();
        let Some(output) = found.outputs.first() else {
            return Ok(());
        };
        let is_first = output.columns.is_empty();
        for one in arriving {
            let made = match is_first {
                true => {
                    let mut made = column(&output.id, &one.name, one.data_type);
                    made.sort_key_position = match output.is_sorted {
                        true => one.sort_key_position,
                        false => 0,
                    };
                    let document = &mut self.package.document;
                    document.add_output_column(&self.task, &output.id, &made)?;
                    made
                }
                // A column that the first side does not have is left out, as the designer does.
                false => match output.columns.iter().find(|known| known.name == one.name) {
                    Some(known) => known.clone(),
                    None => continue,
                },
            };
            let usage = UsageType::ReadOnly;
            let id = self.use_lineage(component, Some(&name), &one.name, &one.lineage_id, usage)?;
            self.set_of(&id, &reference("OutputColumnLineageID", &made.lineage_id.0))?;
        }
        Ok(())
    }

    pub(super) fn add_union_input(&mut self, component: &str) -> Result<String, DesignError> {
        let mut found: Component = self.component(component)?.clone();
        let name = format!("Union All Input {}", found.inputs.len() + 1);
        let id = input_id(&found.id, &name);
        found.inputs.push(Input {
            id: id.clone(),
            name,
            ..Input::default()
        });
        self.replace(&found)?;
        Ok(id)
    }

    /// The form in which a package stores an expression, and its type. The columns it names are taken.
    fn compiled(
        &mut self,
        component: &str,
        name: &str,
        expression: &str,
    ) -> Result<(String, DataType), DesignError> {
        let arriving: Vec<OutputColumn> = self
            .arriving(component, None)?
            .into_iter()
            .cloned()
            .collect();
        let package = &self.package;
        let scope = Columns {
            variables: Box::new(variables_of(
                &package.document,
                &package.shared_parameters,
                &self.task,
            )),
            columns: &arriving,
            used: parking_lot::Mutex::default(),
        };
        let compiled = compile(expression, &scope).map_err(|error| DesignError::Expression {
            name: name.to_owned(),
            error,
        })?;
        let data_type = compiled.data_type();
        let used = scope.used.into_inner();
        let named: Vec<&OutputColumn> = used.iter().filter_map(|at| arriving.get(*at)).collect();
        let stored = stored_expression::stored(expression, &|name| {
            let found = named.iter().find(|column| column.name == name);
            found.map(|column| column.lineage_id.0.clone())
        });
        for one in named {
            let usage = UsageType::ReadOnly;
            self.use_lineage(component, None, &one.name, &one.lineage_id, usage)?;
        }
        Ok((stored, data_type))
    }
}

/// The columns that arrive and the variables of the package, for expressions.
struct Columns<'a> {
    variables: Box<dyn Variables>,
    columns: &'a [OutputColumn],
    /// Places of those that were asked for.
    used: parking_lot::Mutex<Vec<usize>>,
}

impl Scope for Columns<'_> {
    fn column(&self, reference: &ColumnReference) -> Option<(usize, DataType)> {
        let ColumnReference::Name { source, name } = reference else {
            return None;
        };
        let is_meant = |one: &OutputColumn| {
            let path = one.lineage_id.0.split(".Outputs[").next();
            let maker = path.and_then(|path| path.rsplit('\\').next());
            one.name == *name && (source.is_none() || source.as_deref() == maker)
        };
        let at = self.columns.iter().rposition(is_meant)?;
        self.used.lock().push(at);
        Some((at, self.columns.get(at)?.data_type))
    }

    fn variable(&self, namespace: Option<&str>, name: &str) -> Option<Scalar> {
        self.variables.value(namespace, name)
    }

    fn variable_fault(&self, namespace: Option<&str>, name: &str) -> Option<String> {
        self.variables.fault(namespace, name)
    }

    fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|one| one.name.clone()).collect()
    }

    fn variable_names(&self) -> Vec<String> {
        self.variables.names()
    }
}

fn expressions(stored: &str, friendly: &str) -> [Property; 2] {
    let stored = Property {
        contains_id: true,
        ..property("Expression", "System.String", stored)
    };
    [
        stored,
        property("FriendlyExpression", "System.String", friendly),
    ]
}

/// A property whose text refers to a column.
fn reference(name: &str, id: &str) -> Property {
    Property {
        contains_id: true,
        ..property(name, "System.Int32", &format!("#{{{id}}}"))
    }
}

/// The type of an aggregate of values of a type, or why there is none (spec `ssis-matrix.md` section 3).
fn aggregated(aggregation: Aggregation, of: DataType) -> Result<DataType, &'static str> {
    let is_number = matches!(
        of,
        DataType::I1
            | DataType::I2
            | DataType::I4
            | DataType::I8
            | DataType::UI1
            | DataType::UI2
            | DataType::UI4
            | DataType::UI8
            | DataType::R4
            | DataType::R8
            | DataType::Cy
            | DataType::Decimal { .. }
            | DataType::Numeric { .. }
    );
    let sum = |of: DataType| match of {
        DataType::I1 | DataType::I2 | DataType::I4 | DataType::I8 => DataType::I8,
        DataType::UI1 | DataType::UI2 | DataType::UI4 | DataType::UI8 => DataType::UI8,
        DataType::R4 | DataType::R8 => DataType::R8,
        DataType::Numeric { scale, .. } => DataType::Numeric {
            precision: 38,
            scale,
        },
        other => other,
    };
    match aggregation {
        Aggregation::GroupBy | Aggregation::Minimum | Aggregation::Maximum => Ok(of),
        Aggregation::Count | Aggregation::CountAll | Aggregation::CountDistinct => {
            Ok(DataType::UI8)
        }
        Aggregation::Sum if is_number => Ok(sum(of)),
        Aggregation::Average if is_number => Ok(match of {
            DataType::Numeric { .. } | DataType::Decimal { .. } | DataType::Cy => sum(of),
            _ => DataType::R8,
        }),
        Aggregation::Sum | Aggregation::Average => Err("numbers are wanted"),
    }
}
