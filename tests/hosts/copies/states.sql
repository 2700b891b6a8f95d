-- States that real servers are in. Each is made on a source, copied, and must come out as it says: `equal` (exit status 0,
-- and both servers are equal in every row, definition and account) or `refused` (8, and nothing was touched).
--
--   === NAME | mariadb, mysql, or both | equal or refused
--   SQL on the source
--   --- replica
--   SQL on the replica, before
--   --- shell NAME
--   a shell command on that host, before

=== float | both | equal
create table s.t (id int primary key, f float, d double, g float(7,3), h double(20,5), u float unsigned);
insert into s.t values (1, 8388609, 0.1, 3333.333, 123456789.12345, 1.1), (2, -0.0, -0.0, 0, 0, 0), (3, 3.4028234e38, 1.7976931348623157e308, -9999.999, 0.00001, 1e-38),
  (4, 1.17549435e-38, 2.2250738585072014e-308, null, null, null), (5, 0.1, 0.30000000000000004, 0.1, 0.1, 0.1), (6, 16777217, 9007199254740993, 1, 1, 16777216);
=== float-without-key | both | equal
create table s.t (f float, v varchar(5)); insert into s.t values (8388609, 'a'), (8388609, 'a'), (0.1, null), (null, null);
=== decimal | both | equal
create table s.t (id int primary key, a decimal(65,30), b decimal(65,0), c decimal(10,2) unsigned zerofill);
insert into s.t values (1, 12345678901234567890123456789012345.123456789012345678901234567890, 99999999999999999999999999999999999999999999999999999999999999999, 7), (2, -0.000000000000000000000000000001, -1, 0);
=== integers | both | equal
create table s.t (id bigint unsigned primary key, a bigint, b tinyint(1), c int(7) zerofill, y year, m mediumint, z bool);
insert into s.t values (18446744073709551615, -9223372036854775808, -128, 42, 0, -8388608, true), (0, 9223372036854775807, 127, 0, 1901, 8388607, false), (5, null, null, null, 2155, null, null);
=== bits | both | equal
create table s.t (id int primary key, a bit(1), b bit(64), c bit(13)); insert into s.t values (1, 1, b'1111111111111111111111111111111111111111111111111111111111111111', 5), (2, 0, 0, 0), (3, null, 39, 92);
=== zero-and-invalid-dates | both | equal
set session sql_mode='ALLOW_INVALID_DATES';
create table s.t (id int primary key, d date default '0000-00-00', dt datetime(6) not null default '0000-00-00', ts timestamp not null default '0000-00-00', t time(6));
insert into s.t values (1, '2026-02-31', '2026-04-31 10:00:00.123456', '0000-00-00', '-838:59:59.000000'), (2, '0000-00-00', '0000-00-00', '1970-01-01 00:00:01', '838:59:59'), (3, '2020-00-10', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '00:00:00.000001'), (4, '0000-01-01', '0001-01-01', now(), null);
=== times-and-zones | both | equal
set time_zone='+05:30'; create table s.t (id int primary key auto_increment, ts timestamp(6) null, at datetime default current_timestamp on update current_timestamp);
insert into s.t (ts) values ('2026-03-29 02:30:00.5'), ('2026-10-25 02:30:00'), (null);
--- replica
set global time_zone='-11:00';
=== json-with-types | mysql | refused
create table s.t (id int primary key, j json); insert into s.t values (1, '{"a": 1}'), (2, json_object('x', json_array(1, cast('2026-01-01' as date))));
=== json-decimal | mysql | refused
create table s.t (id int primary key, j json); insert into s.t values (1, json_array(cast(1.5 as decimal(10,2))));
=== json-binary | mysql | refused
create table s.t (id int primary key, j json); insert into s.t values (1, json_object('b', cast(x'00ff' as binary)));
=== json | both | equal
create table s.t (id int primary key, j json); insert into s.t values (1, '{"a": [1, 2.5, -0.0, 1e300, 18446744073709551615, true, null, "x\\"y\\\\z''ü😀\\u0000"], "": {"v": {}}}'), (2, null), (3, 'null'), (4, '"text"'), (5, '[]');
=== geometry | both | equal
create table s.t (id int primary key, g geometry not null, p point, spatial index (g)); insert into s.t values (1, st_geomfromtext('polygon((0 0,1 0,1 1,0 0))'), point(1.1, 2.2)), (2, st_geomfromtext('geometrycollection(point(1 1),linestring(0 0,2 2))'), null);
=== geometry-srid | mysql | equal
create table s.t (id int primary key, g geometry not null srid 4326, spatial index (g)); insert into s.t values (1, st_geomfromtext('point(10 20)', 4326));
=== vector | mysql | equal
create table s.t (id int primary key, v vector(4)); insert into s.t values (1, string_to_vector('[0.1,-2,3e10,4]')), (2, null);
=== texts-of-many-character-sets | both | equal
create table s.t (id int primary key, a varchar(40) character set latin1, b varchar(40) character set utf16, c text character set ucs2, d varchar(40) character set utf32, e varchar(40) character set sjis, f varchar(40) character set gbk, g varchar(40) character set big5, h varchar(40) character set koi8r, i text character set utf8mb3, j longtext character set utf8mb4, k varchar(40) character set cp932, l char(9) character set latin1 collate latin1_bin, m varchar(40) character set binary) character set utf8mb4;
insert into s.t values (1, 'äß\\''"', 'ä😀', 'ä''', 'x😀', '表ソ\\', '中文\\', '功許\\', 'привет', 'ä', '😀\\', '表', 'x ', x'00275c0a0d1a'), (2, '', '', '', '', '', '', '', '', '', '', '', '', ''), (3, null, null, null, null, null, null, null, null, null, null, null, null, null);
=== binary-strings | both | equal
create table s.t (id int primary key, a binary(5), b varbinary(300), c blob, d longblob); insert into s.t values (1, x'00', x'5c', x'27', x'5c27'), (2, 'a', repeat(x'5c', 300), repeat(x'27', 60000), repeat(x'00', 100000)), (3, '', '', '', '');
=== enum-and-set | both | equal
set session sql_mode=''; create table s.t (id int primary key, a enum('','x','1','0') , b set('a','b''','c'), c enum('ä','ö') character set latin1, d set('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'));
insert ignore into s.t values (1, '', '', 'ä', '1,64'), (2, 'nothing', 'a', 'ö', 9223372036854775809), (3, '1', 5, null, ''), (4, 1, null, 'ö', '64');
=== generated-columns | both | equal
create table s.t (id int primary key, a int, b int generated always as (a + 1) virtual, c int generated always as (a * 2) stored, d varchar(20) generated always as (concat('x', a)) virtual, key (b), unique key (c)); insert into s.t (id, a) values (1, 1), (2, 2), (3, null);
=== defaults-of-many-kinds | both | equal
create table s.t (id int primary key, a varchar(36) default (uuid()), b int default (1 + 2), c datetime(3) default current_timestamp(3) on update current_timestamp(3), d varchar(20) default 'it''s \\ ü', e text default ('long'), f bit(3) default b'101', g timestamp null, h varbinary(4) default 'ab'); insert into s.t (id) values (1), (2);
=== invisible-columns | both | equal
create table s.t (id int primary key, a int invisible default 5, b int); insert into s.t (id, a, b) values (1, 7, 2), (2, null, 3); insert into s.t (id, b) values (3, 4);
=== invisible-primary-key | mysql | equal
set session sql_generate_invisible_primary_key=1; create table s.t (a int, b varchar(10)); insert into s.t values (1, 'x'), (1, 'x'), (2, null); delete from s.t where a = 2;
=== compressed-columns | mariadb | equal
create table s.t (id int primary key, a text compressed, b blob compressed); insert into s.t values (1, repeat('z', 10000), repeat(x'00ff', 5000)), (2, '', null);
=== uuid-and-addresses | mariadb | equal
create table s.t (id uuid primary key, a inet6, b inet4, c inet6 default '::'); insert into s.t values ('00112233-4455-6677-8899-aabbccddeeff', '::1', '10.0.0.1', '2001:db8::ff'), (uuid(), null, null, null), ('00000000-0000-0000-0000-000000000000', '::', '0.0.0.0', '::ffff:1.2.3.4');
=== system-versioned | mariadb | equal
create table s.t (id int primary key, v int) with system versioning; insert into s.t values (1, 1), (2, 2); update s.t set v = v + 1; delete from s.t where id = 2;
create table s.u (id int primary key, v int, a timestamp(6) generated always as row start, b timestamp(6) generated always as row end, period for system_time (a, b)) with system versioning; insert into s.u (id, v) values (1, 1); update s.u set v = 2;
=== system-versioned-by-transactions | mariadb | refused
create table s.t (id int primary key, v int, a bigint unsigned generated always as row start, b bigint unsigned generated always as row end, period for system_time (a, b)) with system versioning; insert into s.t (id, v) values (1, 1); update s.t set v = 2;
=== periods | mariadb | equal
create table s.t (id int, a date, b date, period for p (a, b), unique (id, p without overlaps)); insert into s.t values (1, '2020-01-01', '2021-01-01'), (1, '2021-01-01', '2022-01-01');
=== sequences | mariadb | equal
create sequence s.a start with 5 minvalue 1 maxvalue 1000 increment by 5 cache 7 cycle; do nextval(s.a), nextval(s.a); create sequence s.b start with 9 minvalue 1 maxvalue 9 nocache; do nextval(s.b);
create sequence s.c increment by -3 start with 100 minvalue -50 maxvalue 100; do nextval(s.c); create sequence s.unused; create sequence s.m engine=MyISAM; do nextval(s.m);
create table s.t (id bigint default nextval(s.a) primary key, v int); insert into s.t (v) values (1), (2);
=== auto-increment-zero | both | equal
set session sql_mode='NO_AUTO_VALUE_ON_ZERO'; create table s.t (id int auto_increment primary key, v int) auto_increment=100; insert into s.t values (0, 1), (-5, 2), (7, 3); create table s.u (a int, id int auto_increment, key (id)); insert into s.u (a) values (1), (2);
=== names | both | equal
create database `a ``b.c-d`; create table `a ``b.c-d`.`select` (`from` int primary key, `a``b` int, `ä ö` int, `1` int, `x.y` varchar(5)); insert into `a ``b.c-d`.`select` values (1, 2, 3, 4, 'q'); create view `a ``b.c-d`.`view ``v` as select `a``b` from `a ``b.c-d`.`select`;
create table s.`a.b.c` (id int primary key); insert into s.`a.b.c` values (1); create table s.`%` (id int primary key); create table s.`tabelle_ü` (`ключ` int primary key); insert into s.`tabelle_ü` values (5); create table s.`CamelCase` (`Id` int primary key); create trigger s.`tri ``g` before insert on s.`%` for each row set new.id = new.id;
=== a-table-named-like-a-database-and-a-table | both | equal
create table s.`eu.orders` (id int primary key); insert into s.`eu.orders` values (1); create database `s.eu`; create table `s.eu`.orders (id int primary key) engine=MyISAM; insert into `s.eu`.orders values (2);
=== engines-without-transactions | both | equal
create table s.a (id int not null, v int, key (id)) engine=MyISAM; insert into s.a values (1, 1), (2, null); create table s.b (id int not null, v int not null) engine=CSV; insert into s.b values (1, 2), (1, 2); create table s.c (id int not null, v int, key (id)) engine=MyISAM; insert into s.c values (3, 3);
create table s.d (id int not null, v int, key (id)) engine=MERGE union=(s.a, s.c); create table s.i (id int primary key) engine=InnoDB; insert into s.i values (1);
=== memory-tables | both | equal
create table s.m (id int primary key, v varchar(10)) engine=MEMORY; insert into s.m values (1, 'x'), (2, null);
--- shell db-a
systemctl restart mariadb mysql 2>/dev/null; true
=== aria-tables | mariadb | equal
create table s.a (id int primary key, v int) engine=Aria transactional=1; create table s.b (id int primary key, v text) engine=Aria transactional=0 row_format=dynamic; insert into s.a values (1, 1); insert into s.b values (1, 'x');
=== an-engine-that-the-replica-lacks | mariadb | refused
install soname 'ha_archive'; create table s.t (id int not null) engine=archive; insert into s.t values (1);
=== foreign-keys | both | equal
create table s.a (id int primary key, b int, key (b)); create table s.b (id int primary key, a int, constraint ba foreign key (a) references s.a (id) on delete set null); alter table s.a add constraint ab foreign key (b) references s.b (id) on update cascade; insert into s.a values (1, null); insert into s.b values (1, 1); update s.a set b = 1;
create table s.tree (id int primary key, up int, foreign key (up) references s.tree (id)); insert into s.tree values (9, null), (1, 9); create database z; create table z.c (id int primary key, a int, foreign key (a) references s.a (id)); insert into z.c values (1, 1); set foreign_key_checks=0; insert into z.c values (2, 77);
=== checks-that-rows-break | mariadb | equal
create table s.t (id int primary key, v int check (v > 0), constraint c check (id < 100)); set check_constraint_checks=0; insert into s.t values (1, -1), (1000, 5);
=== checks | mysql | equal
create table s.t (id int primary key, v int, check (v > 0) not enforced, constraint c check (id < 100)); insert into s.t values (1, -1);
=== partitions | both | equal
create table s.r (id int, d date, primary key (id, d)) partition by range columns (d) (partition a values less than ('2020-01-01'), partition b values less than (maxvalue)); insert into s.r values (1, '2019-01-01'), (2, '2025-01-01'); create table s.l (a int) partition by list (a) (partition x values in (1, 2), partition y values in (null, 3)); insert into s.l values (1), (null), (3);
create table s.h (id int primary key) partition by linear hash (id) partitions 4; insert into s.h values (1), (2), (3); create table s.k (id varchar(10) primary key) partition by key () partitions 3; insert into s.k values ('a'), ('b');
=== indexes | both | equal
create table s.t (id int primary key, a varchar(100), b text, c int, d varbinary(50), fulltext key ft (b), key pre (a(10), c desc), unique key u (d), key hash (c) using hash comment 'x''y') comment 'table ''ü'' AUTO_INCREMENT=5'; insert into s.t values (1, 'a', 'some words', 1, x'00');
=== functional-and-invisible-indexes | mysql | equal
create table s.t (id int primary key, a int, j json, key f ((a + 1)), key m ((cast(j->'$[*]' as unsigned array))), key i (a) invisible); insert into s.t values (1, 1, '[1,2]');
=== ignored-indexes | mariadb | equal
create table s.t (id int primary key, a int, b varchar(2000), key i (a) ignored, unique key h (b) using hash); insert into s.t values (1, 1, 'x');
=== row-formats | both | equal
create table s.a (id int primary key, v text) row_format=compressed key_block_size=4; create table s.b (id int primary key, v varchar(200)) row_format=redundant; create table s.c (id int primary key, v varchar(200)) row_format=compact stats_persistent=0; insert into s.a values (1, repeat('x', 5000)); insert into s.b values (1, 'x'); insert into s.c values (1, 'x');
=== page-compression | mariadb | equal
create table s.a (id int primary key, v text) page_compressed=1 page_compression_level=3; insert into s.a values (1, repeat('x', 5000));
=== rows-that-strict-mode-refuses | both | equal
set session innodb_strict_mode=0, session group_concat_max_len=100000; set @c = (select group_concat('c', n, ' varchar(60) character set latin1 not null' separator ',') from (select a.n*20+b.n as n from (select 0 n union select 1 union select 2 union select 3 union select 4 union select 5 union select 6 union select 7 union select 8 union select 9) a join (select 0 n union select 1 union select 2 union select 3 union select 4 union select 5 union select 6 union select 7 union select 8 union select 9 union select 10 union select 11 union select 12 union select 13 union select 14 union select 15 union select 16 union select 17 union select 18 union select 19) b) x);
set @s = concat('create table s.t (id int primary key, ', @c, ') row_format=compact'); prepare p from @s; execute p; set session sql_mode=''; insert into s.t (id) values (1);
=== large-rows | both | equal
create table s.t (id int primary key, a longblob, b longtext); set @r = (select group_concat(sha2(n, 512) separator '') from (select a.n+10*b.n+100*c.n as n from (select 0 n union select 1 union select 2 union select 3 union select 4 union select 5 union select 6 union select 7 union select 8 union select 9) a, (select 0 n union select 1 union select 2 union select 3 union select 4 union select 5 union select 6 union select 7 union select 8 union select 9) b, (select 0 n union select 1) c) x);
insert into s.t values (1, repeat('\\', 12000000), 'small'), (2, repeat('''', 6000000), repeat('ü', 2000000)), (3, unhex(repeat('27', 5000000)), null), (4, 'x', 'y');
=== many-slices | both | equal
create table s.w (id int primary key, v varchar(500)); insert into s.w with recursive n as (select 1 as i union all select i + 1 from n where i < 900) select i * 1000, repeat(char(65 + i % 26), 400) from n; insert into s.w select id + 1, v from s.w; insert into s.w select id + 2, v from s.w; insert into s.w select id + 4, v from s.w; insert into s.w select id + 8, v from s.w; insert into s.w select id + 16, v from s.w; insert into s.w select id + 32, v from s.w; insert into s.w select id + 64, v from s.w;
create table s.x (a varchar(60) character set utf8mb4, b int, v varchar(500), primary key (a, b)); insert into s.x select concat('Ä', id % 97, 'key ', id div 5), id, v from s.w; delete from s.w where id between 300000 and 700000; analyze table s.w, s.x;
=== many-tables | both | equal
delimiter //
create procedure s.make() begin declare i int default 0; while i < 300 do set @q = concat('create table s.t', i, ' (id int primary key, v varchar(20))'); prepare p from @q; execute p; set @q = concat('insert into s.t', i, ' values (', i, ', ''x''), (-1, null)'); prepare p from @q; execute p; set i = i + 1; end while; end//
delimiter ;
call s.make();
=== no-primary-key | both | equal
create table s.t (a int, b varchar(10)); insert into s.t values (1, 'x'), (1, 'x'), (null, null), (null, null), (2, ''); create table s.u (a int not null, unique key (a)); insert into s.u values (1);
=== keys-of-many-types | both | equal
create table s.a (k decimal(10,3) primary key); insert into s.a values (1.5), (-1.5); create table s.b (k datetime(6) primary key); insert into s.b values ('2020-01-01 00:00:00.5'); create table s.c (k varbinary(20) primary key); insert into s.c values (''), (x'00'), (x'27'); create table s.d (k bit(9) primary key); insert into s.d values (5), (300); create table s.e (k double primary key); insert into s.e values (0.1), (-1e300);
create table s.f (k enum('z','a') primary key); insert into s.f values ('a'), ('z'); create table s.g (k text, v int, primary key (k(20))); insert into s.g values ('x', 1); create table s.h (k varchar(20) character set latin1 collate latin1_general_ci primary key); insert into s.h values ('Ä'), ('b');
=== a-broken-view | both | refused
create table s.t (id int primary key, v int); create view s.good as select * from s.t; create table s.gone (a int, b int); create view s.bad as select a, b + 1 as c from s.gone; create view s.worse as select c from s.bad; drop table s.gone; insert into s.t values (1, 1);
=== a-view-without-its-column | both | refused
create table s.t (id int primary key, v int, w int); create view s.bad as select id, w from s.t; alter table s.t drop column w; insert into s.t values (1, 1);
=== a-view-without-its-function | both | refused
create table s.t (id int primary key); create function s.f(x int) returns int deterministic return x + 1; create view s.bad as select s.f(id) as y from s.t; drop function s.f;
=== views-that-rest-on-each-other | both | equal
create table s.t (id int primary key, v int); create view s.z as select id, v from s.t; create view s.m as select id from s.z where v > 0; create view s.a as select m.id from s.m join s.z using (id); create algorithm=temptable sql security invoker view s.b as select count(*) as n from s.a; create algorithm=merge view s.c as select id, v from s.t where v < 5 with local check option; create database y; create view y.v as select * from s.a; create view s.yy as select * from y.v;
=== views-by-other-definers | both | equal
create user maker@'%' identified by 'Maker-1'; grant all on s.* to maker@'%'; create table s.t (id int primary key); create definer=maker@'%' function s.f(x int) returns int deterministic sql security definer return x + 1; create definer=maker@'%' view s.v as select s.f(id) as y from s.t; create definer=nobody@nowhere procedure s.p() select 1; create definer=nobody@nowhere view s.w as select 1 as one;
=== views-of-other-character-sets | both | equal
create table s.t (id int primary key, v varchar(20) character set latin1); set names latin1; create view s.v as select id, v, 'text' as a from s.t where v <> 'x'; set names utf8mb4; create view s.u as select 'ü😀' as a, _latin1 'abc' as b, _utf8mb4 'ü' collate utf8mb4_bin as c;
=== routines | both | equal
delimiter //
create procedure s.p(in a int, inout b varchar(10) character set latin1, out c decimal(5,2)) reads sql data sql security invoker comment 'it''s; CHANGE MASTER TO MASTER_LOG_FILE=''x.000001'', MASTER_LOG_POS=5' begin declare x int default 1; if a > 1 then set b = 'ü\\'; end if; /* -- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='y.000009' */ set c = x; end//
create function s.undetermined() returns varchar(100) reads sql data begin return uuid(); end//
delimiter ;
set session sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'; create procedure s.q() select "a" || 'b\' from (select 1 as "a") x; set session sql_mode=default;
set names latin1; create function s.l() returns varchar(10) character set latin1 deterministic return 'abc'; set names utf8mb4; alter database s character set latin1 collate latin1_swedish_ci; create procedure s.r(a varchar(10)) select a; alter database s character set utf8mb4 collate utf8mb4_unicode_ci;
=== a-function-that-no-binary-log-would-take | both | equal
set global log_bin_trust_function_creators=1; create function s.f() returns int modifies sql data return 1; create table s.t (id int primary key); create trigger s.g after insert on s.t for each row set @x = rand(); set global log_bin_trust_function_creators=0;
=== packages | mariadb | equal
delimiter //
set session sql_mode='ORACLE'//
create package s.pk as function f(x int) return int; procedure p; end//
create package body s.pk as n int := 1; function f(x int) return int as begin return x + n; end; procedure p as begin select 1; end; end//
create procedure s.o(a varchar2(10)) as b int := 1; begin select a || b; end//
delimiter ;
=== triggers | both | equal
create table s.t (id int primary key, v int, n int default 0); create trigger s.b1 before insert on s.t for each row set new.n = new.n + 1; create trigger s.a1 before insert on s.t for each row follows b1 set new.n = new.n * 10; create trigger s.c1 before insert on s.t for each row precedes b1 set new.n = 5; create definer=nobody@nowhere trigger s.d after delete on s.t for each row set @x = 1; insert into s.t (id, v) values (1, 1); delete from s.t where id = 99;
=== events | both | equal
create table s.t (id int primary key); create user maker@'%' identified by 'Maker-1'; grant all on s.* to maker@'%'; set session time_zone='+03:00', session sql_mode='ANSI_QUOTES'; set names latin1; create definer=maker@'%' event s.a on schedule every 2 hour starts '2030-01-01 00:00:00' ends '2031-01-01 00:00:00' on completion preserve comment 'e''' do delete from s.t where id < 0; set names utf8mb4; create event s.b on schedule at '2035-05-05 05:05:05' do set @x = "1"; create event s.c on schedule every 1 minute disable do set @y = 1; create event s.d on schedule every 1 month do set @z = 'ü';
=== accounts | both | equal
create user a@'%' identified by 'Right-1' require ssl with max_user_connections 3 password expire interval 90 day; create user b@localhost identified by 'Right-2' account lock; create user c@'10.%' identified by 'Right-3' require subject '/CN=obrien' and issuer '/CN=ca'; create table s.t (id int primary key, v int); grant select (id), update on s.t to a@'%' with grant option; grant all on `s\_x`.* to b@localhost; grant process, replication client on *.* to c@'10.%'; create role r; create role q; grant select on s.* to r; grant r to q; grant q to a@'%'; create procedure s.p() select 1; grant execute on procedure s.p to b@localhost;
=== a-subject-with-a-quote | mariadb | equal
create user c@'10.%' identified by 'Right-3' require subject '/CN=o''brien' and issuer '/CN=ca'; create table s.t (id int primary key);
=== accounts-that-the-replica-has | both | equal
create user a@'%' identified by 'Right-1'; grant select on s.* to a@'%'; create user b@'%' identified by 'Right-1' account lock;
--- replica
create user a@'%' identified by 'Wrong-1'; create user b@'%' identified by 'Wrong-1';
=== accounts-without-a-password | both | equal
create user a@'%'; create user b@'%' account lock; create user c@'%' account lock;
--- replica
create user a@'%' identified by 'Wrong-1'; create user b@'%';
=== accounts-that-may-do-more-on-the-replica | both | equal
create table s.t (id int primary key, v int); create procedure s.p() select 1; create role r; create role q;
create user a@'%' identified by 'Right-1'; grant select (id) on s.t to a@'%'; grant r to a@'%'; create user b@'%' identified by 'Right-1'; grant insert on s.* to q;
--- replica
set sql_log_bin=0; create role r; create role q;
create user a@'%' identified by 'Wrong-1'; grant all on *.* to a@'%' with grant option; grant r to a@'%' with admin option; grant q to a@'%'; grant select on *.* to q;
create user b@'%' identified by 'Wrong-1' require ssl with max_user_connections 2; grant all on `other`.* to b@'%'; grant proxy on a@'%' to b@'%' with grant option; grant delete on mysql.* to b@'%' with grant option;
=== default-roles | mysql | equal
create role r, q; create user a@'%' identified by 'Right-1' default role r; grant r, q to a@'%' with admin option; set default role all to a@'%'; grant backup_admin, connection_admin on *.* to a@'%';
=== an-expired-password | both | equal
create user a@'%' identified by 'Right-1' password expire; create user b@'%' identified by 'Right-1' password expire never;
=== grants-on-what-is-gone | both | refused
create user a@'%' identified by 'Right-1'; create table s.t (id int primary key); grant select, insert on s.t to a@'%'; drop table s.t; create table s.u (id int primary key, v int); grant select (v) on s.u to a@'%'; alter table s.u drop column v;
=== grants-to-public | mariadb | equal
create table s.t (id int primary key); grant select on s.* to public; create user a@'%' identified by 'x';
=== default-roles-of-the-replica | mysql | equal
create role r; create user a@'%' identified by 'Right-1'; create user b@'%' identified by 'Right-1'; grant r to b@'%';
--- replica
create role r; create user a@'%' identified by 'Right-1'; create user b@'%' identified by 'Right-1'; grant r to a@'%', b@'%'; set default role r to a@'%', b@'%';
=== partial-revokes-of-the-replica | mysql | equal
create user a@'%' identified by 'Right-1'; grant select, insert on *.* to a@'%';
--- replica
set global partial_revokes=on; create user a@'%' identified by 'Right-1'; grant select, insert on *.* to a@'%'; revoke insert on mysql.* from a@'%';
=== partial-revokes | mysql | equal
set global partial_revokes=on; create user a@'%' identified by 'Right-1'; grant select, insert on *.* to a@'%'; revoke insert on mysql.* from a@'%'; create table s.t (id int primary key);
--- replica
set global partial_revokes=on;
=== a-plugin-that-the-replica-lacks | mariadb | refused
install soname 'auth_ed25519'; create user a@'%' identified via ed25519 using password('x'); create table s.t (id int primary key);
=== the-environment-names-another-server | both | equal
create table s.t (id int primary key); insert into s.t values (1);
--- shell db-b
echo MYSQL_HOST=10.77.0.99 >>/etc/environment; printf '[client]\nhost=10.77.0.99\n[mysql]\nsql_log_bin=1\n' >/root/.my.cnf.d; mkdir -p /etc/mysql/conf.d; printf '[client]\nhost=10.77.0.99\n' >/etc/mysql/conf.d/other.cnf
--- shell db-a
printf '[mariadb-dump]\nwhere=1=0\n[mysqldump]\nwhere=1=0\n[client]\ncomment\n' >/root/.other.cnf
=== sql-modes-of-the-servers | both | equal
create table s.t (id int primary key, a varchar(20), b char(10), d date); insert into s.t values (1, 'a\\''"', 'x', '2020-01-01'); create view s.v as select concat(a, 'x') as y from s.t;
--- replica
set global sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,STRICT_ALL_TABLES,NO_ZERO_DATE';
=== limits-of-the-replica | both | equal
create table s.t (id int primary key, v int); insert into s.t with recursive n as (select 1 as i union all select i + 1 from n where i < 900) select i, i from n; create table s.nokey (id int);
--- replica
set global wait_timeout=2, global net_read_timeout=1, global net_write_timeout=1, global autocommit=0, global lock_wait_timeout=1, global default_storage_engine=MyISAM, global sql_safe_updates=1, global sql_select_limit=5;
=== limits-of-the-source | both | equal
create table s.t (id int primary key, v int); insert into s.t with recursive n as (select 1 as i union all select i + 1 from n where i < 900) select i, i from n; set global wait_timeout=2, global net_write_timeout=1, global autocommit=0, global sql_select_limit=5;
=== a-limit-of-time | mariadb | equal
create table s.t (id int primary key, v varchar(200)); insert into s.t select seq, repeat('x', 200) from seq_1_to_50000; set global max_statement_time=0.1;
--- replica
set global max_statement_time=0.05, global idle_transaction_timeout=1;
=== defaults-of-timestamps | both | equal
set session explicit_defaults_for_timestamp=1; create table s.t (id int primary key, a timestamp not null, b timestamp null, c timestamp not null default '2000-01-01 00:00:01'); insert into s.t values (1, now(), null, now());
--- replica
set global explicit_defaults_for_timestamp=0;
=== a-replica-that-wants-keys | mysql | equal
create table s.t (a int); insert into s.t values (1), (1);
--- replica
set global sql_require_primary_key=1, global sql_generate_invisible_primary_key=1;
=== a-replica-that-forces-keys | mariadb | refused
create table s.t (a int); insert into s.t values (1), (1);
--- replica
set global innodb_force_primary_key=1;
=== an-enforced-engine | mariadb | equal
create table s.t (id int primary key) engine=MyISAM; create table s.u (id int primary key) engine=InnoDB; insert into s.t values (1); insert into s.u values (1);
--- replica
set global enforce_storage_engine=Aria;
=== old-mode-and-utf8 | mariadb | equal
create table s.t (id int primary key, a varchar(20) character set utf8) character set utf8; insert into s.t values (1, 'ü'); create function s.f(a varchar(10) character set utf8) returns varchar(10) character set utf8 deterministic return a;
--- replica
set global old_mode='';
=== a-general-tablespace | mysql | refused
create tablespace ts1 add datafile 'ts1.ibd'; create table s.t (id int primary key) tablespace ts1;
=== lost-and-found | both | equal
create table s.t (id int primary key); insert into s.t values (1);
--- shell db-a
mkdir -p /var/lib/mysql/lost+found; chown mysql /var/lib/mysql/lost+found
=== an-open-transaction | both | equal
create table s.t (id int primary key, v int); insert into s.t values (1, 1);
--- shell db-a
client=$(command -v mariadb || command -v mysql); (echo "begin; update s.t set v=2; select sleep(4); rollback;" | $client >/dev/null 2>&1 &) ; sleep 0.5
