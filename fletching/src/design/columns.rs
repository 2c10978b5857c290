//! Which columns an input takes, and which columns of the outside world they go to.

use dtsx::{InputColumn, LineageId, OutputColumn, UsageType, column_id};

use super::{DesignError, Pipeline};

impl Pipeline<'_> {
    /// The columns that arrive at an input, with their types (GetVirtualInput).
    ///
    /// # Errors
    /// A component or input that is not there.
    pub fn arriving(
        &self,
        component: &str,
        input: Option<&str>,
    ) -> Result<Vec<&OutputColumn>, DesignError> {
        let input = self.input(component, input)?;
        Ok(self.flow()?.arriving(&input.id))
    }

    /// Takes a column that arrives (SetUsageType); one that is taken already stays.
    ///
    /// # Errors
    /// A column that does not arrive.
    pub fn use_column(
        &mut self,
        component: &str,
        input: Option<&str>,
        column: &str,
        usage: UsageType,
    ) -> Result<&mut Self, DesignError> {
        let lineage = self.find(component, input, column)?;
        self.use_lineage(component, input, column, &lineage, usage)?;
        Ok(self)
    }

    /// Takes all columns that arrive.
    ///
    /// # Errors
    /// A component or input that is not there.
    pub fn use_all_columns(&mut self, component: &str) -> Result<&mut Self, DesignError> {
        let arriving = self.arriving(component, None)?;
        let all: Vec<(String, LineageId)> = arriving
            .iter()
            .map(|column| (column.name.clone(), column.lineage_id.clone()))
            .collect();
        for (name, lineage) in all {
            self.use_lineage(component, None, &name, &lineage, UsageType::ReadOnly)?;
        }
        Ok(self)
    }

    /// Sends a column that arrives to a column of the file or table (MapInputColumn).
    ///
    /// # Errors
    /// A column that does not arrive, or that the file or table does not have; metadata that was not read yet.
    pub fn map_column(
        &mut self,
        component: &str,
        column: &str,
        external: &str,
    ) -> Result<&mut Self, DesignError> {
        let input = self.input(component, None)?;
        let known = input.external_columns.iter();
        let found = known.clone().find(|one| one.name == external);
        let found = found.ok_or_else(|| {
            DesignError::missing(
                "external column",
                external,
                known.map(|one| one.name.as_str()),
            )
        })?;
        let external = found.id.clone();
        let lineage = self.find(component, None, column)?;
        let id = self.use_lineage(component, None, column, &lineage, UsageType::ReadOnly)?;
        let document = &mut self.package.document;
        document.set_pipeline_attribute(&self.task, &id, "externalMetadataColumnId", &external)?;
        Ok(self)
    }

    /// Sends each column that arrives to the column of the file or table with its name; how many there were.
    ///
    /// # Errors
    /// As [`map_column`](Self::map_column).
    pub fn map_by_name(&mut self, component: &str) -> Result<usize, DesignError> {
        let arriving = self.arriving(component, None)?;
        let externals = &self.input(component, None)?.external_columns;
        let pairs: Vec<(String, String)> = externals
            .iter()
            .filter_map(|external| {
                let mut arriving = arriving.iter().rev();
                let column =
                    arriving.find(|column| column.name.eq_ignore_ascii_case(&external.name))?;
                Some((column.name.clone(), external.name.clone()))
            })
            .collect();
        for (column, external) in &pairs {
            self.map_column(component, column, external)?;
        }
        Ok(pairs.len())
    }

    /// The lineage of a column that arrives; of several of one name the last.
    pub(super) fn find(
        &self,
        component: &str,
        input: Option<&str>,
        column: &str,
    ) -> Result<LineageId, DesignError> {
        let arriving = self.arriving(component, input)?;
        let found = arriving.iter().rev().find(|one| one.name == column);
        match found {
            Some(found) => Ok(found.lineage_id.clone()),
            None => {
                let known = arriving.iter().map(|one| one.name.as_str());
                Err(DesignError::missing("column", column, known))
            }
        }
    }

    /// Takes a column; the id that it has as an input column.
    pub(super) fn use_lineage(
        &mut self,
        component: &str,
        input: Option<&str>,
        name: &str,
        lineage: &LineageId,
        usage: UsageType,
    ) -> Result<String, DesignError> {
        let input = self.input(component, input)?;
        let mut columns = input.columns.iter();
        if let Some(known) = columns.find(|column| column.lineage_id == *lineage) {
            let id = known.id.clone();
            if known.usage != usage && usage == UsageType::ReadWrite {
                let document = &mut self.package.document;
                document.set_pipeline_attribute(&self.task, &id, "usageType", "readWrite")?;
            }
            return Ok(id);
        }
        let input = input.id.clone();
        let column = InputColumn {
            id: column_id(&input, name),
            name: name.to_owned(),
            lineage_id: lineage.clone(),
            usage,
            ..InputColumn::default()
        };
        let document = &mut self.package.document;
        document.add_input_column(&self.task, &input, &column)?;
        Ok(column.id)
    }
}
