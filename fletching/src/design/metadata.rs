//! What components know of the outside world, read from there (ReinitializeMetaData): the columns of flat files from their
//! connection manager, those of tables and queries from the database.

use std::ops::ControlFlow;

use arrow::{
    array::RecordBatch,
    datatypes::{DataType as ArrowType, Field, SchemaRef},
};
use dtsx::{
    Component, ConnectionManager, DataType, Disposition, ExternalColumn, OutputColumn, Properties,
    UsageType, external_column_id,
};
use fletching_connections::database::{self, ReadOptions, RowSink, Statement, TableName};
use fletching_engine::{Settings, connections_of};
use fletching_expression::types;

use super::{
    DesignError, Pipeline,
    template::{column, property},
};
use crate::Package;

/// A column as the outside world has it.
struct Outside {
    name: String,
    data_type: DataType,
}

impl Pipeline<'_> {
    /// Reads the columns of the file, table or query that a source or destination is set up for; blocks. A source makes an
    /// output column of each. What was there before is replaced; columns that an input takes stay.
    ///
    /// # Errors
    /// No connection or table, or the database fails; a component that reads nothing outside.
    pub fn read_metadata(
        &mut self,
        component: &str,
        settings: &Settings,
    ) -> Result<&mut Self, DesignError> {
        let mut found = self.component(component)?.clone();
        let outside = self.outside(&found, settings)?;
        let is_flat_file = found.class == Some("Microsoft.FlatFileSource");
        match found.inputs.first_mut() {
            Some(input) => {
                input.external_columns = externals(&input.id, &outside);
            }
            None => {
                let is_made = |output: &&mut dtsx::Output| !output.is_error;
                let Some(output) = found.outputs.iter_mut().find(is_made) else {
                    let why = "it has no output for rows";
                    return Err(DesignError::invalid("component", component, why));
                };
                output.external_columns = externals(&output.id, &outside);
                let made = outside
                    .iter()
                    .map(|one| made(&output.id, one, is_flat_file));
                output.columns = made.collect();
                add_error_columns(&mut found, &outside, is_flat_file);
            }
        }
        self.replace(&found)?;
        Ok(self)
    }

    /// Sets up a Lookup: (column that arrives, column of the reference) that are compared, and the columns of the reference
    /// that are added under their names. Its `SqlCommand` must be set; its reference is asked for its columns.
    ///
    /// # Errors
    /// A column that does not arrive or is not in the reference; the database fails.
    pub fn look_up(
        &mut self,
        component: &str,
        joined: &[(&str, &str)],
        copied: &[&str],
        settings: &Settings,
    ) -> Result<&mut Self, DesignError> {
        let found = self.component(component)?.clone();
        let reference = self.outside(&found, settings)?;
        let of_reference = |name: &str| {
            let found = reference.iter().find(|one| one.name == name);
            found.ok_or_else(|| {
                let known = reference.iter().map(|one| one.name.as_str());
                DesignError::missing("column of the reference", name, known)
            })
        };
        self.set(component, "ReferenceMetadataXml", &described(&reference))?;
        let mut map = String::new();
        let mut compared = Vec::new();
        for (arriving, column) in joined {
            of_reference(column)?;
            let lineage = self.find(component, None, arriving)?;
            let usage = UsageType::ReadOnly;
            let id = self.use_lineage(component, None, arriving, &lineage, usage)?;
            self.set_of(
                &id,
                &property("JoinToReferenceColumn", "System.String", column),
            )?;
            map.push_str(&format!("#{{{}}};", lineage.0));
            compared.push(format!("[refTable].[{column}] = ?"));
        }
        let query = found.properties.get("SqlCommand").unwrap_or_default();
        let by_row = format!(
            "select * from ({query}) [refTable]\nwhere {}",
            compared.join(" and ")
        );
        self.set(component, "SqlCommandParam", &by_row)?;
        let id = self.component(component)?.id.clone();
        self.set_of(
            &id,
            &dtsx::Property {
                contains_id: true,
                ..property("ParameterMap", "System.String", &map)
            },
        )?;
        let output = self.output(component, None)?.id.clone();
        for name in copied {
            let mut made = column(&output, name, of_reference(name)?.data_type);
            made.properties
                .push(property("CopyFromReferenceColumn", "System.String", name));
            let document = &mut self.package.document;
            document.add_output_column(&self.task, &output, &made)?;
        }
        Ok(self)
    }

    fn outside(
        &self,
        component: &Component,
        settings: &Settings,
    ) -> Result<Vec<Outside>, DesignError> {
        let invalid = |why: &str| DesignError::invalid("component", &component.name, why);
        let named = component.connections.first();
        let named = named
            .map(|one| one.connection_manager.as_str())
            .filter(|name| !name.is_empty())
            .ok_or_else(|| invalid("it names no connection manager"))?;
        let text = |name: &str| component.properties.get(name).unwrap_or_default();
        match component.class {
            Some("Microsoft.FlatFileSource" | "Microsoft.FlatFileDestination") => {
                let manager = self.package.manager(named);
                let manager =
                    manager.ok_or_else(|| invalid("its connection manager is not there"))?;
                let columns = manager.flat_file_columns.iter();
                Ok(columns
                    .map(|column| Outside {
                        name: column.name.clone(),
                        data_type: column.data_type,
                    })
                    .collect())
            }
            Some("Microsoft.OLEDBSource") => match text("AccessMode") {
                "0" | "" => self.table(named, text("OpenRowset"), settings, &invalid),
                "2" => self.query(named, text("SqlCommand"), settings),
                _ => Err(invalid(
                    "its table or statement is in a variable: name it for the design",
                )),
            },
            Some("Microsoft.DataReaderSourceAdapter") => match text("AccessMode") {
                "0" => self.table(named, text("TableOrViewName"), settings, &invalid),
                _ => self.query(named, text("SqlCommand"), settings),
            },
            Some("Microsoft.Lookup") => self.query(named, text("SqlCommand"), settings),
            Some("Microsoft.OLEDBDestination") => {
                self.table(named, text("OpenRowset"), settings, &invalid)
            }
            Some("Microsoft.ADONETDestination") => {
                self.table(named, text("TableOrViewName"), settings, &invalid)
            }
            _ => Err(invalid("its columns are not read from outside")),
        }
    }

    fn connection(
        &self,
        manager: &str,
        settings: &Settings,
    ) -> Result<database::DatabaseConnection, DesignError> {
        let package = &self.package;
        let (_, connections) = connections_of(
            &package.document,
            &package.shared_parameters,
            &package.shared_managers,
            &package.extended(settings.clone()),
        )?;
        connections
            .database(manager)
            .map_err(|error| DesignError::invalid("connection manager", manager, error.to_string()))
    }

    fn table(
        &self,
        manager: &str,
        table: &str,
        settings: &Settings,
        invalid: &dyn Fn(&str) -> DesignError,
    ) -> Result<Vec<Outside>, DesignError> {
        let table = TableName::parse(table).ok_or_else(|| invalid("it names no table"))?;
        let mut session = database::open(&self.connection(manager, settings)?.target)?;
        let columns = session.describe(&table)?.into_iter();
        Ok(columns
            .map(|column| Outside {
                data_type: of_database(&column.data_type, &column.declared),
                name: column.name,
            })
            .collect())
    }

    fn query(
        &self,
        manager: &str,
        text: &str,
        settings: &Settings,
    ) -> Result<Vec<Outside>, DesignError> {
        let connection = self.connection(manager, settings)?;
        let mut session = database::open(&connection.target)?;
        let adapted = connection
            .adapt(session.dialect(), text, &[])
            .map_err(|error| DesignError::invalid("statement", text, error.to_string()))?;
        let mut asked = Asked::default();
        for one in &adapted {
            let statement = Statement::new(&one.text);
            match one.is_query {
                Some(false) => drop(session.execute(&statement)?),
                _ => session.query(&statement, &ReadOptions::default(), &mut asked)?,
            }
        }
        let schema = asked.schema.ok_or_else(|| {
            DesignError::invalid(
                "statement",
                text,
                "it yields no rows, and a source needs some",
            )
        })?;
        Ok(schema
            .fields()
            .iter()
            .map(|field| of_field(field))
            .collect())
    }
}

impl Package {
    fn manager(&self, reference: &str) -> Option<&ConnectionManager> {
        let mut shared = self.shared_managers.iter();
        self.document.connection_manager(reference).or_else(|| {
            shared.find(|one| {
                [&one.ref_id, &one.dtsid, &one.name]
                    .iter()
                    .any(|id| **id == reference)
            })
        })
    }
}

/// Takes the schema of a query, and no row.
#[derive(Default)]
struct Asked {
    schema: Option<SchemaRef>,
}

impl RowSink for Asked {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        self.schema = Some(SchemaRef::clone(schema));
        ControlFlow::Break(())
    }

    fn batch(&mut self, _batch: RecordBatch) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// The columns of a reference as Lookup keeps them.
fn described(reference: &[Outside]) -> String {
    let columns = reference.iter().map(|one| {
        let shape = one.data_type.shape();
        format!(
            "<referenceColumn name=\"{}\" dataType=\"{}\" length=\"{}\" precision=\"{}\" scale=\"{}\" codePage=\"{}\"/>",
            dtsx::escape_attribute(&one.name),
            one.data_type.name(),
            shape.length,
            shape.precision,
            shape.scale,
            shape.code_page
        )
    });
    format!(
        "<referenceMetadata><referenceColumns>{}</referenceColumns></referenceMetadata>",
        columns.collect::<String>()
    )
}

fn of_field(field: &Field) -> Outside {
    Outside {
        name: field.name().clone(),
        data_type: types::data_type(field).unwrap_or_else(|| of_database(field.data_type(), "")),
    }
}

/// Characters of a text whose database does not say how long it may be.
const TEXT_LENGTH: u32 = 4000;

/// The type of a column for values of an Arrow type, with the length that a declaration like `nvarchar(50)` has.
fn of_database(natural: &ArrowType, declared: &str) -> DataType {
    let length = declared
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once([')', ',']))
        .and_then(|(digits, _)| digits.trim().parse::<u32>().ok())
        .filter(|length| *length > 0);
    let scale = |scale: i8| u8::try_from(scale).unwrap_or(0);
    match natural {
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::I1,
        ArrowType::Int16 => DataType::I2,
        ArrowType::Int32 => DataType::I4,
        ArrowType::Int64 => DataType::I8,
        ArrowType::UInt8 => DataType::UI1,
        ArrowType::UInt16 => DataType::UI2,
        ArrowType::UInt32 => DataType::UI4,
        ArrowType::UInt64 => DataType::UI8,
        ArrowType::Float16 | ArrowType::Float32 => DataType::R4,
        ArrowType::Float64 => DataType::R8,
        ArrowType::Decimal128(precision, digits) => DataType::Numeric {
            precision: *precision,
            scale: scale(*digits),
        },
        ArrowType::Date32 | ArrowType::Date64 => DataType::DbDate,
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::DbTime2 { scale: 7 },
        ArrowType::Timestamp(_, Some(_)) => DataType::DbTimeStampOffset { scale: 7 },
        ArrowType::Timestamp(_, None) => DataType::DbTimeStamp2 { scale: 7 },
        ArrowType::FixedSizeBinary(16) => DataType::Guid,
        ArrowType::Binary
        | ArrowType::LargeBinary
        | ArrowType::BinaryView
        | ArrowType::FixedSizeBinary(_) => match length {
            Some(length) if length <= 8000 => DataType::Bytes { length },
            _ => DataType::Image,
        },
        ArrowType::LargeUtf8 => DataType::NText,
        _ => match length {
            Some(length) if length > TEXT_LENGTH => DataType::NText,
            Some(length) => DataType::WStr { length },
            None => DataType::WStr {
                length: TEXT_LENGTH,
            },
        },
    }
}

fn externals(owner: &str, outside: &[Outside]) -> Vec<ExternalColumn> {
    let outside = outside.iter();
    outside
        .map(|one| ExternalColumn {
            id: external_column_id(owner, &one.name),
            name: one.name.clone(),
            data_type: one.data_type,
            properties: Properties::default(),
        })
        .collect()
}

/// The column of a source for one of the outside.
fn made(output: &str, outside: &Outside, is_flat_file: bool) -> OutputColumn {
    let mut made = column(output, &outside.name, outside.data_type);
    made.external_column_id = Some(external_column_id(output, &outside.name));
    made.error_row_disposition = Disposition::FailComponent;
    made.truncation_row_disposition = Disposition::FailComponent;
    if is_flat_file {
        for name in ["FastParse", "UseBinaryFormat"] {
            made.properties
                .push(property(name, "System.Boolean", "false"));
        }
    }
    made
}

/// What the error output of a source has beside code and column: the line of a file, the columns of a table.
fn add_error_columns(component: &mut Component, outside: &[Outside], is_flat_file: bool) {
    let Some(output) = component.outputs.iter_mut().find(|output| output.is_error) else {
        return;
    };
    output.columns.retain(|column| column.special_flags != 0);
    let added: Vec<OutputColumn> = match is_flat_file {
        true => {
            let name = "Flat File Source Error Output Column";
            vec![column(&output.id, name, DataType::Text { code_page: 1252 })]
        }
        false => {
            let outside = outside.iter();
            outside
                .map(|one| column(&output.id, &one.name, one.data_type))
                .collect()
        }
    };
    output.columns.splice(0..0, added);
}
