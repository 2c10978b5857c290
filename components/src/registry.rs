//! THE list of components, in the order of the toolbox.

use crate::{ComponentClass, destinations, sources, transforms};

/// Every component that can run.
pub static COMPONENTS: &[&ComponentClass] = &[
    &sources::flat_file_source::CLASS,
    &sources::ole_db_source::CLASS,
    &sources::ado_net_source::CLASS,
    &sources::odbc_source::CLASS,
    &sources::raw_file_source::CLASS,
    &transforms::derived_column::CLASS,
    &transforms::conditional_split::CLASS,
    &transforms::data_conversion::CLASS,
    &transforms::multicast::CLASS,
    &transforms::row_count::CLASS,
    &transforms::copy_column::CLASS,
    &transforms::character_map::CLASS,
    &transforms::audit::CLASS,
    &transforms::ole_db_command::CLASS,
    &transforms::lookup::CLASS,
    &transforms::cache_transform::CLASS,
    &transforms::combine::UNION_ALL,
    &transforms::combine::MERGE,
    &transforms::combine::MERGE_JOIN,
    &transforms::aggregate::CLASS,
    &transforms::sort::CLASS,
    &transforms::slowly_changing_dimension::CLASS,
    &destinations::flat_file_destination::CLASS,
    &destinations::raw_file_destination::CLASS,
    &destinations::ole_db_destination::CLASS,
    &destinations::ado_net_destination::CLASS,
    &destinations::odbc_destination::CLASS,
    &destinations::sql_server_destination::CLASS,
    &destinations::data_reader::CLASS,
    &destinations::recordset::CLASS,
];

/// By canonical class name (`Microsoft.DerivedColumn`).
pub fn find(name: &str) -> Option<&'static ComponentClass> {
    COMPONENTS.iter().copied().find(|class| class.name == name)
}
