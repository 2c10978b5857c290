//! Microsoft's Rust client: bulk copy, and what goes wrong on purpose.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use mssql_tds::connection::bulk_copy::{BulkCopy, BulkLoadRow};
use mssql_tds::connection::tds_client::ResultSet;
use mssql_tds::core::TdsResult;
use mssql_tds::datatypes::column_values::ColumnValues;
use mssql_tds::datatypes::sql_string::SqlString;
use mssql_tds::message::bulk_load::StreamingBulkLoadWriter;
use tds_server::Faults;

use crate::client::{connect, error, query, run, server, try_query};

struct Person(i32, Option<String>);

#[async_trait]
impl BulkLoadRow for Person {
    async fn write_to_packet(
        &self,
        writer: &mut StreamingBulkLoadWriter<'_>,
        column_index: &mut usize,
    ) -> TdsResult<()> {
        writer
            .write_column_value(*column_index, &ColumnValues::Int(self.0))
            .await?;
        let name = self.1.clone().map_or(ColumnValues::Null, |name| {
            ColumnValues::String(SqlString::from_utf8_string(name))
        });
        writer.write_column_value(*column_index + 1, &name).await?;
        *column_index += 2;
        Ok(())
    }
}

fn people(count: i32) -> Vec<Person> {
    (0..count)
        .map(|id| Person(id, (id % 10 != 0).then(|| format!("name {id} ä"))))
        .collect()
}

#[test]
fn bulk_copy_in_batches_with_options() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        query(
            &mut client,
            "CREATE TABLE people (id int PRIMARY KEY, name nvarchar(20) DEFAULT 'none')",
        )
        .await;
        let mut copy = BulkCopy::new(&mut client, "people")
            .batch_size(400)
            .table_lock(true)
            .check_constraints(true)
            .keep_nulls(true);
        let result = Box::pin(copy.write_to_server_zerocopy(people(1000)))
            .await
            .unwrap();
        drop(copy);
        assert_eq!(result.rows_affected, 1000);
        assert_eq!(
            query(
                &mut client,
                "SELECT COUNT(*), COUNT(name), MAX(name) FROM people"
            )
            .await,
            "1000|900|name 999 ä"
        );
        let bulk = server.recorded().bulk;
        assert_eq!(
            bulk.iter().map(|bulk| bulk.rows).collect::<Vec<_>>(),
            [400, 400, 200]
        );
        assert_eq!(bulk[0].columns, ["id", "name"]);
        assert!(
            ["KEEP_NULLS", "TABLOCK", "CHECK_CONSTRAINTS"]
                .iter()
                .all(|option| bulk[0].options.contains(&(*option).to_owned()))
        );
        let error =
            Box::pin(BulkCopy::new(&mut client, "people").write_to_server_zerocopy(people(10)))
                .await
                .unwrap_err();
        assert!(
            error.to_string().contains("Violation of UNIQUE KEY"),
            "{error}"
        );
        query(&mut client, "TRUNCATE TABLE people").await;
        Box::pin(BulkCopy::new(&mut client, "people").write_to_server_zerocopy(people(10)))
            .await
            .unwrap();
        assert_eq!(
            query(
                &mut client,
                "SELECT COUNT(*) FROM people WHERE name = 'NONE'"
            )
            .await,
            "1"
        );
    });
}

struct Row(Vec<ColumnValues>);

#[async_trait]
impl BulkLoadRow for Row {
    async fn write_to_packet(
        &self,
        writer: &mut StreamingBulkLoadWriter<'_>,
        column_index: &mut usize,
    ) -> TdsResult<()> {
        for value in &self.0 {
            writer.write_column_value(*column_index, value).await?;
            *column_index += 1;
        }
        Ok(())
    }
}

#[test]
fn bulk_copy_of_every_type() {
    let columns = "a bit, b tinyint, c smallint, d int, e bigint, f real, g float, h decimal(28,6), i money, j smallmoney, k date, \
        l time(7), m datetime, n smalldatetime, o datetime2(3), p datetimeoffset(7), q uniqueidentifier, r char(3), s varchar(9), t nchar(3), \
        u nvarchar(9), v nvarchar(max), w varbinary(9), x varbinary(max), y binary(3), z varchar(max)";
    let row = "1, 2, -3, 4, 5, 0.5, 0.1, 1234567890123456789.123456, 12345.6789, -1.5, '2024-02-29', '12:34:56.1234567', \
        '2024-02-29 12:34:56.123', '2024-02-29 12:34', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.1234567 +05:30', \
        '6F9619FF-8B86-D011-B42D-00C04FC964FF', 'a', 'ä', 'ö', N'ü😀', REPLICATE(N'x', 4000), 0x01, 0x0203, 0x04, 'long'";
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        let empty = "NULL, ".repeat(25) + "NULL";
        let fill = format!(
            "CREATE TABLE s ({columns}); CREATE TABLE t ({columns}); INSERT s VALUES ({row}), ({empty})"
        );
        query(&mut client, &fill).await;
        Box::pin(client.execute("SELECT * FROM s".to_owned(), ()))
            .await
            .unwrap();
        let mut rows = Vec::new();
        while let Some(row) = Box::pin(client.next_row()).await.unwrap() {
            rows.push(Row(row));
        }
        Box::pin(client.close_query()).await.unwrap();
        Box::pin(BulkCopy::new(&mut client, "t").write_to_server_zerocopy(rows))
            .await
            .unwrap();
        let (old, new) = (
            query(&mut client, "SELECT * FROM s").await,
            query(&mut client, "SELECT * FROM t").await,
        );
        assert_eq!(new, old);
        assert!(old.contains("1234567890123456789.123456"), "{old}");
        assert_eq!(
            query(
                &mut client,
                "SELECT COUNT(*) FROM s JOIN t ON s.h = t.h AND s.p = t.p AND s.m = t.m"
            )
            .await,
            "1"
        );
    });
}

#[test]
fn faults_close_delay_and_fail() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        query(
            &mut client,
            "CREATE TABLE people (id int, name nvarchar(20))",
        )
        .await;
        Box::pin(BulkCopy::new(&mut client, "people").write_to_server_zerocopy(people(50)))
            .await
            .unwrap();
        server.set_faults(Faults {
            fail: vec![("people".to_owned(), 1205)],
            ..Faults::default()
        });
        assert_eq!(error(&mut client, "SELECT * FROM people").await, 1205);
        server.set_faults(Faults {
            delay: Some(Duration::from_millis(100)),
            ..Faults::default()
        });
        let started = Instant::now();
        assert_eq!(
            query(&mut client, "SELECT COUNT(*) FROM people").await,
            "50"
        );
        assert!(started.elapsed() >= Duration::from_millis(100));
        server.set_faults(Faults {
            close_after_bulk_batches: Some(1),
            ..Faults::default()
        });
        let mut client = connect(&server).await;
        let mut copy = BulkCopy::new(&mut client, "people").batch_size(10);
        assert!(
            Box::pin(copy.write_to_server_zerocopy(people(20)))
                .await
                .is_err()
        );
        server.set_faults(Faults {
            close_after_rows: Some(10),
            ..Faults::default()
        });
        let mut client = connect(&server).await;
        assert!(
            try_query(&mut client, "SELECT * FROM people")
                .await
                .is_err()
        );
        server.set_faults(Faults::default());
        let mut client = connect(&server).await;
        assert_eq!(
            query(&mut client, "SELECT COUNT(*) FROM people").await,
            "60"
        );
    });
}
