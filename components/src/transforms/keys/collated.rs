//! Distinct text or bytes together with the key that orders them and makes them equal.

use std::{hash::BuildHasher, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryViewArray, BinaryViewBuilder},
    compute::cast,
    datatypes::{DataType, Int16Type, TimestampMicrosecondType},
};
use datafusion_common::{DataFusionError, Result, exec_err};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{ByteStore, DistinctValues};
use fletching_expression::collation::Collation;

/// Values of one key column that is not coded: numbered, with a comparable key for each number.
pub(crate) struct CollatedValues {
    distinct: DistinctValues,
    kind: Kind,
    keys: ByteStore,
}

enum Kind {
    /// Bytes are their own key.
    Bytes,
    Text(Arc<Collation>),
    /// A point in time and an offset: the point in time is the key.
    Instant,
}

impl CollatedValues {
    /// For a key column of type `data_type`, compared under a locale and flags if it is text.
    pub(crate) fn try_new(
        data_type: &DataType,
        locale_id: u32,
        comparison_flags: u32,
    ) -> Result<Self> {
        let kind = match data_type {
            DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => Kind::Text(Arc::new(
                Collation::try_new(locale_id, comparison_flags)
                    .map_err(|error| DataFusionError::Configuration(error.to_string()))?,
            )),
            DataType::BinaryView | DataType::Binary | DataType::LargeBinary => Kind::Bytes,
            DataType::Struct(fields)
                if fields.len() == 2
                    && matches!(fields[0].data_type(), DataType::Timestamp(_, _))
                    && fields[1].data_type() == &DataType::Int16 =>
            {
                Kind::Instant
            }
            other => return exec_err!("a column of type {other} cannot be a key"),
        };
        Ok(Self {
            distinct: DistinctValues::default(),
            kind,
            keys: ByteStore::default(),
        })
    }

    /// An empty one for the same kind of column.
    pub(crate) fn emptied(&self) -> Self {
        let kind = match &self.kind {
            Kind::Bytes => Kind::Bytes,
            Kind::Text(collation) => Kind::Text(Arc::clone(collation)),
            Kind::Instant => Kind::Instant,
        };
        Self {
            distinct: DistinctValues::default(),
            kind,
            keys: ByteStore::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.distinct.values().len()
    }

    pub(crate) fn size(&self) -> usize {
        self.distinct.size() + self.keys.size()
    }

    /// The value as it came.
    pub(crate) fn value(&self, id: u32) -> &[u8] {
        self.distinct.values().get(id)
    }

    /// What orders the value: compare as bytes.
    pub(crate) fn key(&self, id: u32) -> &[u8] {
        match self.kind {
            Kind::Bytes => self.value(id),
            Kind::Text(_) => self.keys.get(id),
            Kind::Instant => self.value(id).get(..8).unwrap_or_default(),
        }
    }

    /// Appends the number of each value of `array` (0 for NULL); equal bytes get equal numbers.
    pub(crate) fn intern(&mut self, array: &ArrayRef, ids: &mut Vec<u32>) -> Result<()> {
        let known = self.len();
        self.distinct.intern(&binary_views(array)?, ids)?;
        if let Kind::Text(collation) = &self.kind {
            for id in known..self.distinct.values().len() {
                let value = self.distinct.values().get(id as u32);
                let Ok(text) = std::str::from_utf8(value) else {
                    return exec_err!("a text column holds bytes that are not UTF-8");
                };
                self.keys.push_with(|bytes| collation.sort_key(text, bytes));
            }
        }
        Ok(())
    }

    /// The array of the values with these numbers (`None` for NULL), as type `data_type`.
    pub(crate) fn array(
        &self,
        ids: impl Iterator<Item = Option<u32>>,
        data_type: &DataType,
    ) -> Result<ArrayRef> {
        let mut builder = BinaryViewBuilder::new();
        for id in ids {
            builder.append_option(id.map(|id| self.value(id)));
        }
        array_of_binary_views(builder.finish(), data_type)
    }
}

/// Values of a key column with the class of each: values whose keys are equal have the same class.
pub(crate) struct ClassedValues {
    values: CollatedValues,
    /// Class of each number: the lowest number with an equal key.
    classes: Vec<u32>,
    by_key: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
}

impl ClassedValues {
    pub(crate) fn new(values: CollatedValues) -> Self {
        Self {
            values,
            classes: Vec::new(),
            by_key: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// An empty one for the same kind of column.
    pub(crate) fn emptied(&self) -> Self {
        Self::new(self.values.emptied())
    }

    pub(crate) fn values(&self) -> &CollatedValues {
        &self.values
    }

    pub(crate) fn class(&self, id: u32) -> u32 {
        self.classes.get(id as usize).copied().unwrap_or(id)
    }

    pub(crate) fn size(&self) -> usize {
        self.values.size()
            + self.classes.capacity() * size_of::<u32>()
            + self.by_key.allocation_size()
    }

    /// Appends the number of each value (0 for NULL).
    pub(crate) fn intern(&mut self, array: &ArrayRef, ids: &mut Vec<u32>) -> Result<()> {
        self.values.intern(array, ids)?;
        if matches!(self.values.kind, Kind::Bytes) {
            return Ok(()); // Each value is its own class.
        }
        for id in self.classes.len()..self.values.len() {
            let id = id as u32;
            let (values, key) = (&self.values, self.values.key(id));
            let hash = self.hasher.hash_one(key);
            let known = self
                .by_key
                .find(hash, |entry| entry.0 == hash && values.key(entry.1) == key);
            match known {
                Some((_, class)) => self.classes.push(*class),
                None => {
                    self.by_key.insert_unique(hash, (hash, id), |entry| entry.0);
                    self.classes.push(id);
                }
            }
        }
        Ok(())
    }
}

/// Text, bytes and timestamps with offset as views of bytes: the form in which values are numbered and stored.
pub(crate) fn binary_views(array: &ArrayRef) -> Result<BinaryViewArray> {
    Ok(match array.data_type() {
        DataType::Utf8View => array.as_string_view().clone().to_binary_view(),
        DataType::BinaryView => array.as_binary_view().clone(),
        DataType::Struct(_) => {
            let columns = array.as_struct();
            let (instants, offsets) = (
                cast(
                    columns.column(0),
                    &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
                )?,
                columns.column(1).as_primitive::<Int16Type>(),
            );
            let instants = instants.as_primitive::<TimestampMicrosecondType>();
            let mut builder = BinaryViewBuilder::with_capacity(array.len());
            for row in 0..array.len() {
                if array.is_null(row) {
                    builder.append_null();
                    continue;
                }
                let mut bytes = [0; 10];
                bytes[..8].copy_from_slice(&(instants.value(row) as u64 ^ (1 << 63)).to_be_bytes());
                bytes[8..].copy_from_slice(&offsets.value(row).to_be_bytes());
                builder.append_value(bytes);
            }
            builder.finish()
        }
        _ => cast(
            &cast(array, &view_type(array.data_type()))?,
            &DataType::BinaryView,
        )?
        .as_binary_view()
        .clone(),
    })
}

fn view_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        _ => DataType::BinaryView,
    }
}

/// The inverse of [`binary_views`].
pub(crate) fn array_of_binary_views(
    views: BinaryViewArray,
    data_type: &DataType,
) -> Result<ArrayRef> {
    Ok(match data_type {
        DataType::BinaryView => Arc::new(views),
        DataType::Utf8View => Arc::new(views.to_string_view()?),
        DataType::Struct(fields) => {
            let (mut instants, mut offsets) = (
                Vec::with_capacity(views.len()),
                Vec::with_capacity(views.len()),
            );
            for value in views.iter() {
                let bytes = <[u8; 10]>::try_from(value.unwrap_or_default()).unwrap_or_default();
                let (instant, offset) = bytes.split_at(8);
                let instant =
                    u64::from_be_bytes(instant.try_into().unwrap_or_default()) ^ (1 << 63);
                instants.push(if value.is_some() { instant as i64 } else { 0 });
                offsets.push(i16::from_be_bytes(offset.try_into().unwrap_or_default()));
            }
            let instants: ArrayRef =
                Arc::new(arrow::array::TimestampMicrosecondArray::from(instants));
            let columns = vec![
                cast(&instants, fields[0].data_type())?,
                Arc::new(arrow::array::Int16Array::from(offsets)) as ArrayRef,
            ];
            Arc::new(arrow::array::StructArray::try_new(
                fields.clone(),
                columns,
                views.nulls().cloned(),
            )?)
        }
        DataType::Utf8 | DataType::LargeUtf8 => {
            cast(&(Arc::new(views.to_string_view()?) as ArrayRef), data_type)?
        }
        other => cast(&(Arc::new(views) as ArrayRef), other)?,
    })
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{Int16Array, StructArray, TimestampMicrosecondArray},
        buffer::NullBuffer,
    };

    use super::*;

    #[test]
    fn timestamps_with_offset_are_equal_by_instant_and_shown_as_they_came() {
        let field = fletching_expression::types::field(
            "at",
            &dtsx::DataType::DbTimeStampOffset { scale: 7 },
        );
        let DataType::Struct(fields) = field.data_type() else {
            panic!("a timestamp and an offset")
        };
        let instants = TimestampMicrosecondArray::from(vec![5, 5, -7, 0]).with_timezone("UTC");
        let offsets = Int16Array::from(vec![60, -120, 0, 0]);
        let nulls = NullBuffer::from(vec![true, true, true, false]);
        let columns: Vec<ArrayRef> = vec![Arc::new(instants), Arc::new(offsets)];
        let array: ArrayRef =
            Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls)).unwrap());
        let mut values =
            ClassedValues::new(CollatedValues::try_new(field.data_type(), 1033, 0).unwrap());
        let mut ids = Vec::new();
        values.intern(&array, &mut ids).unwrap();
        assert_ne!(ids[0], ids[1]);
        assert_eq!(values.class(ids[0]), values.class(ids[1]));
        assert!(values.values().key(ids[2]) < values.values().key(ids[0]));
        let shown = ids
            .iter()
            .enumerate()
            .map(|(row, id)| (row < 3).then_some(*id));
        assert_eq!(
            &values.values().array(shown, field.data_type()).unwrap(),
            &array
        );
        let views = binary_views(&array).unwrap();
        assert_eq!(
            &array_of_binary_views(views, field.data_type()).unwrap(),
            &array
        );
    }
}
