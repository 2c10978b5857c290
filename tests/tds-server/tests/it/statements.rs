//! Microsoft's Rust client: logins, batches, parameters, transactions, attention, TLS.

use std::time::{Duration, Instant};

use mssql_tds::connection::tds_client::ResultSet;
use mssql_tds::core::EncryptionSetting;
use mssql_tds::datatypes::sqltypes::SqlType;
use mssql_tds::message::parameters::rpc_parameters::{RpcParameter, StatusFlags};
use mssql_tds::message::transaction_management::TransactionIsolationLevel;
use tds_server::{Answer, Options, Procedure, Server, Value};

use crate::client::{connect, error, named, nvarchar, query, run, server, text, try_connect};

#[test]
fn a_wrong_login_is_18456() {
    let server = server();
    run(async {
        let error = try_connect(&server, "wrong", EncryptionSetting::PreferOff)
            .await
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("Login failed for user 'sa'"),
            "{error}"
        );
    });
}

#[test]
fn tls_with_a_certificate_made_at_start() {
    let server = Server::start(Options {
        tls: true,
        ..Options::default()
    })
    .unwrap();
    run(async {
        let mut client = try_connect(&server, "Passw0rd!", EncryptionSetting::On)
            .await
            .unwrap();
        assert_eq!(
            query(&mut client, "SELECT DB_NAME(), @@TRANCOUNT").await,
            "Sales|0"
        );
        let long = query(&mut client, "SELECT REPLICATE('x', 8000)").await;
        assert_eq!(long.len(), 8000);
    });
}

#[test]
fn every_type_comes_back_as_it_went_in() {
    let cases = [
        ("bit", "1", "true"),
        ("tinyint", "255", "TinyInt(255)"),
        ("smallint", "-32768", "SmallInt(-32768)"),
        ("int", "-2147483648", "-2147483648"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("float", "0.1", "0.1"),
        ("real", "0.5", "Real(0.5)"),
        ("nvarchar(20)", "N'Grüße 😀'", "Grüße 😀"),
        ("varchar(20)", "'Grüße €'", "Grüße €"),
        ("nvarchar(max)", "REPLICATE(N'ä', 5000)", ""),
        ("char(5)", "'ab'", "ab   "),
        ("nchar(3)", "N'ab'", "ab "),
        ("varbinary(4)", "0x0AFF", "Bytes([10, 255])"),
        ("binary(3)", "0x0A", "Bytes([10, 0, 0])"),
        ("text", "'long'", "long"),
        ("ntext", "N'läng'", "läng"),
        ("image", "0x01", "Bytes([1])"),
        ("xml", "'<a/>'", ""),
        (
            "decimal(38,10)",
            "1234567890123456789012345678.0123456789",
            "",
        ),
        ("decimal(9,2)", "-12.345", ""),
        ("money", "-922337203685477.5808", ""),
        ("smallmoney", "1.5", ""),
        ("date", "'9999-12-31'", ""),
        ("time(3)", "'23:59:59.1234'", ""),
        ("datetime", "'1753-01-01 00:00:00.007'", ""),
        ("smalldatetime", "'2020-02-29 12:34:31'", ""),
        ("datetime2(7)", "'0001-01-01 00:00:00.1234567'", ""),
        ("datetimeoffset(0)", "'2020-02-29 12:34:56 -03:30'", ""),
        (
            "uniqueidentifier",
            "'6F9619FF-8B86-D011-B42D-00C04FC964FF'",
            "",
        ),
    ];
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        for (ty, literal, expected) in cases {
            query(
                &mut client,
                &format!("CREATE TABLE t (v {ty}, n {ty}); INSERT INTO t VALUES ({literal}, NULL)"),
            )
            .await;
            let got = query(&mut client, "SELECT v, n FROM t").await;
            assert!(got.ends_with("|NULL"), "{ty}: {got}");
            if !expected.is_empty() {
                assert_eq!(got, format!("{expected}|NULL"), "{ty}");
            }
            // The kept form compares equal to the literal, and survives a copy.
            if !matches!(ty, "text" | "ntext" | "image" | "xml" | "nvarchar(max)") {
                let same = format!(
                    "SELECT COUNT(*) FROM t WHERE v = CAST({literal} AS {ty}); SELECT v, n INTO u FROM t; SELECT * FROM u; DROP TABLE u"
                );
                assert_eq!(
                    query(&mut client, &same).await,
                    format!("1\n--\n{got}"),
                    "{ty}"
                );
            }
            query(&mut client, "DROP TABLE t").await;
        }
        let wide = "SELECT CAST(1234567890123456789012345678.0123456789 AS decimal(38,10)), CAST('-922337203685477.5808' AS money)";
        let wide = query(&mut client, wide).await;
        assert!(
            wide.contains("1234567890123456789012345678.0123456789")
                && wide.contains("int_part_1: 0, int_part_2: -2147483648"),
            "{wide}"
        );
    });
}

#[test]
fn errors_have_the_numbers_of_sql_server() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        let table = "CREATE TABLE [dbo].[t] ([id] int NOT NULL, [name] nvarchar(3) NULL, [age] tinyint CHECK ([age] < 200), d decimal(4,2), \
                     CONSTRAINT [pk] PRIMARY KEY CLUSTERED ([id] ASC) WITH (PAD_INDEX = OFF) ON [PRIMARY]) ON [PRIMARY]; \
                     CREATE TABLE child (id int REFERENCES t(id)); INSERT t (id) VALUES (1)";
        query(&mut client, table).await;
        for (sql, expected) in [
            ("INSERT INTO t (id) VALUES (1)", 2627),
            ("INSERT INTO t (name) VALUES ('a')", 515),
            ("INSERT INTO t (id, name) VALUES (2, 'long')", 2628),
            ("INSERT INTO t (id, age) VALUES (2, 256)", 8115),
            ("INSERT INTO t (id, d) VALUES (2, 100)", 8115),
            ("INSERT INTO t (id, age) VALUES (2, 201)", 547),
            ("INSERT INTO child VALUES (7)", 547),
            ("INSERT INTO t (id) VALUES ('x')", 245),
            ("SELECT nope FROM t", 207),
            ("SELECT * FROM nope", 208),
            ("SELEC 1", 2812),
            ("SELECT 1 +", 102),
            ("SELECT @x", 137),
            ("EXEC nope", 2812),
            ("DROP TABLE nope", 3701),
            ("COMMIT", 3902),
            ("RAISERROR('no %s', 16, 1, 'way')", 50_000),
            ("THROW 51000, 'thrown', 1", 51_000),
            ("SELECT 1/0", 8134),
            ("CREATE LOGIN x", tds_server::NOT_SUPPORTED.into()),
        ] {
            assert_eq!(error(&mut client, sql).await, expected, "{sql}");
        }
        assert_eq!(query(&mut client, "SELECT COUNT(*) FROM t").await, "1");
    });
}

#[test]
fn batches_as_packages_send_them() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        let got = query(
            &mut client,
            "SET NOCOUNT ON
             IF OBJECT_ID(N'dbo.t', N'U') IS NOT NULL DROP TABLE dbo.t
             CREATE TABLE dbo.t (id int IDENTITY(10,5) PRIMARY KEY, name nvarchar(20), amount decimal(10,2), at datetime DEFAULT GETDATE())
             INSERT INTO dbo.t (name, amount) VALUES ('a', 1.10), ('b', 2.20)
             SELECT SCOPE_IDENTITY()
             DECLARE @n int; SELECT @n = COUNT(*) FROM t WITH (NOLOCK)
             IF @n = 2 BEGIN SELECT TOP 1 name + N'!' AS n, ISNULL(amount, 0) FROM [db].[dbo].[t] ORDER BY id DESC END ELSE SELECT 'no'
             SELECT id INTO #x FROM t; SELECT COUNT(*) FROM #x; TRUNCATE TABLE dbo.t; SELECT COUNT(*) FROM t",
        )
        .await;
        let lines: Vec<&str> = got.lines().collect();
        assert!(
            lines[0].contains("15") && lines[2].starts_with("b!|"),
            "{got}"
        );
        assert_eq!(&lines[3..], ["--", "2", "--", "0"]);
        let joined = query(
            &mut client,
            "CREATE TABLE s (id int, v int); CREATE TABLE g (id int, v int); INSERT s VALUES (1, 10), (2, 20); INSERT g VALUES (2, 5), (3, 6)
             UPDATE a SET a.v = a.v + b.v FROM s AS a INNER JOIN g AS b ON a.id = b.id
             DELETE a FROM g a JOIN s ON s.id = a.id
             SELECT * FROM s; SELECT * FROM g
             ;WITH c AS (SELECT id FROM s) INSERT INTO g (id) SELECT id FROM c
             INSERT INTO g (id, v) OUTPUT inserted.id VALUES (9, 9)
             SELECT YEAR('2024-02-29'), DATEDIFF(day, '2024-02-28', '2024-03-01'), CONVERT(varchar(10), DATEADD(month, 1, '2024-01-31'), 112)
             SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'dbo' ORDER BY 1",
        )
        .await;
        let merged = query(
            &mut client,
            "CREATE TABLE m (id int, v int, gone bit DEFAULT 0); INSERT m (id, v) VALUES (1, 1), (2, 2), (3, 3)
             DECLARE @s TABLE (id int, v int); INSERT @s VALUES (2, 20), (3, 3), (4, 40)
             MERGE dbo.m AS a USING (SELECT id, v FROM @s) AS b ON a.id = b.id
             WHEN MATCHED AND a.v <> b.v THEN UPDATE SET a.v = b.v WHEN MATCHED THEN DELETE
             WHEN NOT MATCHED BY TARGET THEN INSERT (id, v) VALUES (b.id, b.v)
             WHEN NOT MATCHED BY SOURCE THEN UPDATE SET gone = 1;
             SELECT @@ROWCOUNT; SELECT * FROM m ORDER BY id; DROP TABLE m
             SELECT name, system_type_name FROM sys.dm_exec_describe_first_result_set(N'SELECT v FROM s', NULL, 0)",
        )
        .await;
        assert_eq!(merged, "4\n--\n1|1|true\n2|20|false\n4|40|false\n--\nv|int");
        assert_eq!(
            joined,
            "1|10\n2|25\n--\n3|6\n--\n9\n--\n2024|2|20240229\n--\ng\ns\nt"
        );
    });
}

#[test]
fn parameters_prepared_statements_and_procedures() {
    let double = Procedure::new("dbo.twice", &["@in", "@out"], |values| {
        let Value::Integer(number) = values[0].1 else {
            return Err(tds_server::SqlError::new(50_001, "a number is wanted"));
        };
        Ok(Answer {
            status: 7,
            outputs: vec![("@out".to_owned(), Value::Integer(number * 2))],
            batch: Some("SELECT @in AS given".to_owned()),
        })
    });
    let server = Server::start(Options {
        procedures: vec![double],
        ..Options::default()
    })
    .unwrap();
    run(async {
        let mut client = connect(&server).await;
        query(&mut client, "CREATE TABLE t (id int, name nvarchar(20))").await;
        let insert = "INSERT INTO t VALUES (@id, @name)";
        let parameters = vec![
            named("@id", SqlType::Int(Some(1))),
            named("@name", nvarchar("Ännä")),
        ];
        Box::pin(client.execute_sp_executesql(insert.to_owned(), parameters, ()))
            .await
            .unwrap();
        Box::pin(client.close_query()).await.unwrap();
        assert_eq!(query(&mut client, "SELECT * FROM t").await, "1|Ännä");
        assert!(server.recorded().statements.contains(&insert.to_owned()));
        let output = RpcParameter::new(
            Some("@out".to_owned()),
            StatusFlags::BY_REF_VALUE,
            SqlType::Int(None),
        );
        let parameters = vec![named("@in", SqlType::Int(Some(21))), output];
        Box::pin(client.execute_stored_procedure(
            "dbo.twice".to_owned(),
            None,
            Some(parameters),
            (),
        ))
        .await
        .unwrap();
        while let Some(row) = Box::pin(client.next_row()).await.unwrap() {
            assert_eq!(text(&row[0]), "21");
        }
        while Box::pin(client.advance_to_rows()).await.unwrap() {}
        Box::pin(client.close_query()).await.unwrap();
        assert_eq!(client.get_return_status(), Some(7));
        assert_eq!(text(&client.get_return_values()[0].value), "42");
        let batch = "DECLARE @r int, @o int; EXEC @r = twice 4, @o OUTPUT; SELECT @r, @o";
        assert_eq!(query(&mut client, batch).await, "4\n--\n7|8");
        let described = "EXEC twice 4, 0 WITH RESULT SETS ((given nvarchar(10)))";
        assert_eq!(query(&mut client, described).await, "4");
        let two = "EXEC twice 4, 0 WITH RESULT SETS ((a int, b decimal(18,2)))";
        assert_eq!(error(&mut client, two).await, 11_537);
    });
}

#[test]
fn transactions_by_request_and_by_text() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        query(&mut client, "CREATE TABLE t (id int)").await;
        Box::pin(client.begin_transaction(TransactionIsolationLevel::ReadCommitted, None))
            .await
            .unwrap();
        query(&mut client, "INSERT INTO t VALUES (1)").await;
        assert_eq!(query(&mut client, "SELECT @@TRANCOUNT").await, "1");
        Box::pin(client.rollback_transaction(None, None))
            .await
            .unwrap();
        assert_eq!(
            query(&mut client, "SELECT COUNT(*), @@TRANCOUNT FROM t").await,
            "0|0"
        );
        query(&mut client, "BEGIN TRAN; INSERT INTO t VALUES (1); SAVE TRAN p; INSERT INTO t VALUES (2); ROLLBACK TRAN p; COMMIT").await;
        assert_eq!(query(&mut client, "SELECT * FROM t").await, "1");
        let mut other = connect(&server).await;
        query(&mut other, "BEGIN TRAN; INSERT INTO t VALUES (3)").await;
        assert_eq!(
            error(&mut client, "SET LOCK_TIMEOUT 50; INSERT INTO t VALUES (4)").await,
            1222
        );
    });
}

#[test]
fn attention_stops_rows_and_long_statements() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        query(
            &mut client,
            "CREATE TABLE n (i int); INSERT INTO n VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10)",
        )
        .await;
        let endless = "SELECT a.i, REPLICATE('x', 1000) FROM n a, n b, n c, n d, n e, n f, n g";
        Box::pin(client.execute(endless.to_owned(), ()))
            .await
            .unwrap();
        for _ in 0..10 {
            Box::pin(client.next_row()).await.unwrap().unwrap();
        }
        Box::pin(client.cancel_query(10)).await.unwrap();
        assert_eq!(query(&mut client, "SELECT 1").await, "1");
        let counted = "SELECT COUNT(*) FROM n a, n b, n c, n d, n e, n f, n g, n h, n i, n j";
        let options = mssql_tds::connection::tds_client::ExecuteOptions {
            timeout: Some(1),
            ..Default::default()
        };
        let started = Instant::now();
        assert!(
            Box::pin(client.execute(counted.to_owned(), options))
                .await
                .is_err()
        );
        assert!(started.elapsed() < Duration::from_secs(20));
        assert_eq!(
            query(&mut client, "WAITFOR DELAY '00:00:00.050'; SELECT 2").await,
            "2"
        );
    });
}

#[test]
fn scripts_that_warehouses_are_made_of() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        let table = "CREATE TABLE dbo.k (a int NOT NULL, b varchar(5) NULL CONSTRAINT PK_k PRIMARY KEY CLUSTERED (a ASC))";
        query(&mut client, table).await;
        query(
            &mut client,
            "ALTER TABLE k ADD c char(2) ALTER TABLE k ADD d tinyint",
        )
        .await;
        query(&mut client, "INSERT INTO k VALUES (1, 'x', 'y', 2)").await;
        assert_eq!(
            query(&mut client, "SELECT * FROM k").await,
            "1|x|y |TinyInt(2)"
        );
        assert_eq!(
            error(&mut client, "INSERT INTO k (a) VALUES (1)").await,
            2627
        );
        let moments = "SELECT FORMAT(CAST('2024-03-09 17:05:06' AS datetime), 'yyyyMMdd HH:mm:ss'), \
             CONVERT(varchar(30), CAST('2024-03-09 17:05:06.123' AS datetime), 113)";
        assert_eq!(
            query(&mut client, moments).await,
            "20240309 17:05:06|09 Mar 2024 17:05:06:123"
        );
        let next = "DECLARE @d date = '2024-02-28'; SELECT @d = DATEADD(dd, 1, @d); SELECT DAY(@d)";
        assert_eq!(query(&mut client, next).await, "29");
    });
}

#[test]
fn apply_gives_the_columns_of_one_row() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        query(
            &mut client,
            "CREATE TABLE o (id int); CREATE TABLE h (id int, status varchar(9), day date); \
             INSERT INTO o VALUES (1), (2); \
             INSERT INTO h VALUES (1, 'sent', '2024-01-02'), (1, 'paid', '2024-01-01')",
        )
        .await;
        let last = "APPLY (SELECT TOP 1 h.status, h.day AS d FROM h WHERE h.id = o.id ORDER BY h.day DESC) x";
        assert_eq!(
            query(
                &mut client,
                &format!("SELECT o.id, x.status FROM o OUTER {last} ORDER BY o.id")
            )
            .await,
            "1|sent\n2|NULL"
        );
        assert_eq!(
            query(
                &mut client,
                &format!("SELECT o.id, x.status FROM o CROSS {last} WHERE o.id > 0 OR x.d IS NULL")
            )
            .await,
            "1|sent"
        );
        let all = "SELECT o.id FROM o OUTER APPLY (SELECT status FROM h WHERE h.id = o.id) x";
        assert_eq!(error(&mut client, all).await, 102);
    });
}

#[test]
fn merge_says_what_it_did() {
    let server = server();
    run(async {
        let mut client = connect(&server).await;
        query(
            &mut client,
            "CREATE TABLE t (id int, v int); CREATE TABLE s (id int, v int); \
             INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO s VALUES (2, 5), (3, 7)",
        )
        .await;
        let merge = "DECLARE @done TABLE (what nvarchar(10)); \
             MERGE t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v \
             WHEN NOT MATCHED BY TARGET THEN INSERT (id, v) VALUES (s.id, s.v) \
             WHEN NOT MATCHED BY SOURCE THEN DELETE OUTPUT $action INTO @done (what); \
             SELECT @@ROWCOUNT; SELECT what FROM @done ORDER BY what; SELECT * FROM t ORDER BY id";
        assert_eq!(
            query(&mut client, merge).await,
            "--\n3\n--\nDELETE\nINSERT\nUPDATE\n--\n2|5\n3|7"
        );
        let shown = "MERGE t USING s ON t.id = s.id WHEN MATCHED THEN DELETE OUTPUT deleted.id;";
        assert_eq!(
            error(&mut client, shown).await,
            i64::from(tds_server::NOT_SUPPORTED)
        );
    });
}
