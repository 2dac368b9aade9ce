// Joins the names and addresses of a log of Zeek DNS in JSON with a list, with five levels of parents: node duckdb.mjs LIST LOG.
// Needs @duckdb/node-api in NODE_PATH or beside. One thread; tells the processor time of the join, and how many lines match.
import { createRequire } from 'node:module';
const require = createRequire(process.cwd() + '/');
const { DuckDBInstance } = require('@duckdb/node-api');
const [list, log] = process.argv.slice(2);
const db = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
await db.run(`create table bad as select column0 as v from read_csv('${list}', header=false, columns={'column0':'VARCHAR'}, delim='\\t', quote='')`);
const start = process.cpuUsage();
const r = await db.runAndReadAll(`
with l as (select row_number() over () as n, lower(rtrim(query,'.')) as q, "id.orig_h" as a, "id.resp_h" as b from read_ndjson('${log}', columns={query:'VARCHAR','id.orig_h':'VARCHAR','id.resp_h':'VARCHAR'})),
s as (select n, string_split(q,'.') as p, q, a, b from l),
k as (
  select n, q as v from s union all select n, a from s union all select n, b from s
  union all select n, array_to_string(p[2:],'.') from s where len(p) > 2
  union all select n, array_to_string(p[3:],'.') from s where len(p) > 3
  union all select n, array_to_string(p[4:],'.') from s where len(p) > 4
  union all select n, array_to_string(p[5:],'.') from s where len(p) > 5)
select count(distinct n) from k join bad using (v)`);
const used = process.cpuUsage(start);
console.log(JSON.stringify({ scan: (used.user + used.system) / 1e6, lines: Number(r.getRows()[0][0]) }));
