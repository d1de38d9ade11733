"""Every table and every column of a store with everything in it: one value changed, one row deleted, one added, two
swapped, and put back as they were before, is found by `cellveild --check`, which names table and row and no value.

The tables are those of the live schema: a new table or column that nothing binds fails here. UNPROTECTED is what is
left out, with its reason in daemon/README.md: nothing."""
import concurrent.futures
import contextlib
import os
import random
import re
import shutil
import sqlite3

from harness import BIN, Deployment, random_seed, run
from rowbind import Binding, columns, row_name, row_told
from test_client_read import CONFIG, COUNTS, release

UNPROTECTED = set()  # (table, column)
# one row, or rows in all combinations of their keys: nothing to swap
SAME = {"cosigned", "dataset", "intake_key", "keyset", "principal_dataset", "witnessed"}


class Bench:
    """Copies of the state in which one thing is spoiled; one for each worker."""

    def __init__(self, d, folder):
        self.d, self.folder = d, folder
        self.state = os.path.join(folder, "state")
        shutil.copytree(d.state, self.state)
        self.store = os.path.join(self.state, "vault/store")
        self.good = os.path.join(folder, "good")
        shutil.copy(self.store, self.good)
        self.conf = os.path.join(folder, "conf")
        with open(d.conf, encoding="utf-8") as f, open(self.conf, "w", encoding="utf-8") as out:
            out.write(f.read().replace(d.state, self.state))

    def check(self, change=None, options=("--check",), data=None):
        """The store as it was, changed, or these bytes, and what the vault says: exit code and text."""
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.store + suffix):
                os.unlink(self.store + suffix)
        shutil.copy(self.good, self.store)
        if data is not None:
            with open(self.store, "wb") as f:
                f.write(data)
        if change is not None:
            with contextlib.closing(sqlite3.connect(self.store)) as db:
                db.execute("PRAGMA foreign_keys = OFF")
                change(db)
                db.commit()
        p = run([os.path.join(BIN, "cellveild"), "--config", self.conf, *options], want=None)
        return p.returncode, p.stdout + p.stderr


def other(value, kind, unique=False):
    """Another value of a column's type."""
    if kind == "INTEGER":
        return 1 if value is None else value + (1000003 if unique else 1)
    if kind == "TEXT":
        return "zzqx" + (value or "")
    return b"\xa5\x5a" * 16 if not value else bytes([value[0] ^ 1]) + value[1:]


def where(db, table, row):
    """A condition for this very row, and its parameters."""
    names = [n for n, _, _ in columns(db, table)]
    return " AND ".join('"%s" IS ?' % n for n in names), tuple(row)


def rows_of(db, table):
    key = ", ".join('"%s"' % n for n, _, k in columns(db, table) if k)
    return db.execute('SELECT * FROM "%s" ORDER BY %s' % (table, key)).fetchall()


def change_column(table, at):
    def change(db):
        rows = rows_of(db, table)
        row = rows[at % len(rows)]
        name, kind, _ = columns(db, table)[at]
        condition, values = where(db, table, row)
        new = other(row[at], kind, name in unique_columns(db, table))
        assert db.execute('UPDATE "%s" SET "%s" = ? WHERE %s' % (table, name, condition), (new,) + values).rowcount == 1
    return change


def delete(table, tag_too=False):
    def change(db):
        row = rows_of(db, table)[-1]
        condition, values = where(db, table, row)
        if tag_too:
            name = row_name(db, table, row)
            assert db.execute("DELETE FROM tag WHERE tbl = ? AND row = ?", (table, name)).rowcount == 1
        assert db.execute('DELETE FROM "%s" WHERE %s' % (table, condition), values).rowcount == 1
    return change


def unique_columns(db, table):
    found = {n for n, _, key in columns(db, table) if key}
    for index in db.execute('PRAGMA index_list("%s")' % table).fetchall():
        if index[2]:
            found |= {c[2] for c in db.execute('PRAGMA index_info("%s")' % index[1])}
    return found


def copied(db, table):
    """The first row again, with another key where it must have one."""
    row, unique = rows_of(db, table)[0], unique_columns(db, table)
    return tuple(other(v, k, True) if n in unique else v
                 for v, (n, k, _) in zip(row, columns(db, table)))


def insert(table, tag_too=False):
    def change(db):
        first, row = rows_of(db, table)[0], copied(db, table)
        db.execute('INSERT INTO "%s" VALUES(%s)' % (table, ", ".join("?" * len(row))), row)
        if tag_too:
            (tag,) = db.execute("SELECT tag FROM tag WHERE tbl = ? AND row = ?",
                                (table, row_name(db, table, first))).fetchone()
            db.execute("INSERT INTO tag VALUES(?, ?, ?)", (table, row_name(db, table, row), tag))
    return change


def swapped(db, table):
    """Two rows, and the same two with what they say under each other's key; where all is key, with its first column
    changed over. None where that would change nothing."""
    rows, cols = rows_of(db, table), columns(db, table)
    keys = [i for i, c in enumerate(cols) if c[2]]
    cut = keys if len(keys) < len(cols) else keys[:1]
    for a in rows:
        for b in rows:
            new = [tuple(x[i] if i in cut else y[i] for i in range(len(cols))) for x, y in ((a, b), (b, a))]
            if not set(new) & set(rows):
                return (a, b), new
    return None


def swap(table):
    def change(db):
        old, new = swapped(db, table)
        for row in old:
            condition, values = where(db, table, row)
            db.execute('DELETE FROM "%s" WHERE %s' % (table, condition), values)
        for row in new:
            db.execute('INSERT INTO "%s" VALUES(%s)' % (table, ", ".join("?" * len(row))), row)
    return change


def told_row(db, table, row):
    if table == "tag":
        return re.escape("table %s, row " % row[0])
    if table == "bound":
        return "table bound, row %s|table %s" % (re.escape(row[0]), re.escape(row[0]))
    return re.escape("table %s, row %s: " % (table, row_told(db, table, row)))


def cases(store):
    """(what, change, pattern of the message, a value it must not hold)."""
    with contextlib.closing(sqlite3.connect(store)) as db:
        for table in Binding.all_tables(db):
            rows, cols = rows_of(db, table), columns(db, table)
            assert rows, "the store is to hold everything: nothing in " + table
            for at, (name, kind, key) in enumerate(cols):
                if (table, name) in UNPROTECTED:
                    continue
                row = rows[at % len(rows)]
                pattern = told_row(db, table, row) if not key else "table "
                value = other(row[at], kind)
                secret = None if key or isinstance(value, int) else value.hex()[:16] if isinstance(value, bytes) else value
                yield "%s.%s" % (table, name), change_column(table, at), pattern, secret
            yield table + " deleted", delete(table), told_row(db, table, rows[-1]), None
            new = "table tag, row |table [a-z_]+, row " if table == "tag" else "table %s, row " % table
            yield table + " added", insert(table), new, None
            if table not in ("tag", "bound"):
                yield table + " deleted with tag", delete(table, tag_too=True), "table %s[:,] " % table, None
                yield table + " added with tag", insert(table, tag_too=True), "table %s, row " % table, None
            if swapped(db, table) is not None:
                yield table + " swapped", swap(table), "table [a-z_]+, row ", None
            else:
                assert table in SAME, "two rows of %s are to differ, so that they can be swapped" % table


def hold(bench, case):
    what, change, pattern, secret = case
    code, text = bench.check(change)
    assert code == 78 and re.search(pattern, text), (what, pattern, code, text)
    assert secret is None or secret not in text, (what, "a value in the message", text)


def walk(d):
    """All cases, on two workers."""
    benches = [Bench(d, os.path.join(d.folder, "bench-%d" % i)) for i in range(2)]
    for bench in benches:
        code, text = bench.check()
        assert code == 0 and re.search(r"holds: \d+ leaves of the log, and every row of the store", text), text
    todo = list(cases(benches[0].good))
    assert len(todo) > 200, len(todo)

    def work(i):
        for case in todo[i::2]:
            hold(benches[i], case)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    return benches, len(todo)


def dump(path):
    """What is in the file, or None where SQLite cannot say or finds it damaged."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.text_factory = bytes
        try:
            if db.execute("PRAGMA integrity_check(1)").fetchone() != (b"ok",):
                return None
            tables = [n for (n,) in db.execute("SELECT sql FROM sqlite_schema")]
            names = [n.decode() for (n,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
            return tables, [db.execute('SELECT * FROM "%s"' % n).fetchall() for n in names]
        except (sqlite3.Error, UnicodeDecodeError):
            return None


def test_bytes(benches):
    """One bit of each page of the file, rows and indices alike: found, unless it is in a byte that nobody reads."""
    seed = random_seed()
    good = dump(benches[0].good)
    size = os.path.getsize(benches[0].good)

    def work(i):
        rng, found = random.Random(seed + i), 0
        for page in range(i, size // 4096, 2):
            with open(benches[i].good, "rb") as f:
                data = bytearray(f.read())
            used = [k for k in range(page * 4096, (page + 1) * 4096) if data[k] != 0] or [page * 4096]
            at, bit = rng.choice(used), 1 << rng.randrange(8)
            data[at] ^= bit
            code, text = benches[i].check(data=data)
            same = os.path.join(benches[i].folder, "flipped")
            with open(same, "wb") as f:
                f.write(data)
            assert code in (74, 78) or (code == 0 and dump(same) == good), ("seed %d" % seed, at, bit, code, text)
            assert code == 0 or "store: " in text, (at, bit, text)
            found += code != 0
        return found
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = sum(pool.map(work, range(2)))
    assert found > size // 4096 // 3, (found, size // 4096)
    return found, size // 4096


def put_back(table, old, entry):
    """A table as it was in an older store, its tags and, if asked, its entry with it."""
    def change(db):
        db.execute("ATTACH ? AS old", (old,))
        db.execute("DELETE FROM main.%s" % table)
        db.execute("INSERT INTO main.%s SELECT * FROM old.%s" % (table, table))
        db.execute("DELETE FROM main.tag WHERE tbl = ?", (table,))
        db.execute("INSERT INTO main.tag SELECT * FROM old.tag WHERE tbl = ?", (table,))
        if entry:
            db.execute("DELETE FROM main.bound WHERE tbl = ?", (table,))
            db.execute("INSERT INTO main.bound SELECT * FROM old.bound WHERE tbl = ?", (table,))
        if entry == "all":
            db.execute("DELETE FROM main.bound WHERE tbl = '/store'")
            db.execute("INSERT INTO main.bound SELECT * FROM old.bound WHERE tbl = '/store'")
        db.commit()
        db.execute("DETACH old")
    return change


def test_old_rows(bench, old):
    """One who keeps an older store, and knows all of the above but no key, brings back an office that was disabled."""
    for table in ("office", "office_key"):
        for entry, pattern in ((False, "table %s: " % table), (True, "table bound, row /store: "),
                               ("all", "table bound, row /store: ")):
            code, text = bench.check(put_back(table, old, entry))
            assert code == 78 and re.search(pattern, text), (table, entry, code, text)


def test_schema(bench):
    """What would change rows behind the vault's back."""
    for sql, named in (
            ("CREATE TRIGGER quiet AFTER INSERT ON office BEGIN UPDATE office SET disabled_s = 0; END", "trigger quiet"),
            ("CREATE TABLE more(a INTEGER) STRICT", "table more"),
            ("CREATE VIEW seen AS SELECT * FROM office", "view seen"),
            ("DROP INDEX submission_period", "index submission_period"),
            ("ALTER TABLE office ADD COLUMN note TEXT", "table office")):
        code, text = bench.check(lambda db, sql=sql: db.execute(sql))
        assert code == 78 and named in text, (sql, code, text)


def test_unbound(bench, older_program):
    """An older program's store: refused with the way out, bound once, and from then on held; who empties the tables that
    bind is refused too, and cannot have it bound again."""
    def empty(db):
        db.execute("DELETE FROM tag")
        db.execute("DELETE FROM bound")
    code, text = bench.check(older_program)
    assert code == 78 and "not bound" in text and "--bind-rows" in text, text
    shutil.copy(bench.store, bench.good)
    code, text = bench.check(options=["--bind-rows"])
    assert code == 0 and "bound: " in text, text
    shutil.copy(bench.store, bench.good)
    code, text = bench.check(options=["--bind-rows"])
    assert code == 78 and "bound already" in text, text
    code, text = bench.check()
    assert code == 0, text
    code, text = bench.check(change_column("office", 2))
    assert code == 78 and "table office, row " in text, text
    code, text = bench.check(empty)
    assert code == 78 and "not bound" in text, text
    code, text = bench.check(empty, options=["--bind-rows"])
    assert code == 78 and re.search(r"leaf \d+ says that its rows were bound, and they are not", text), text


def older_program(db):
    """As a version left it that knew nothing of binding: its migrations end before."""
    db.execute("DROP TABLE tag")
    db.execute("DROP TABLE bound")
    db.execute("DELETE FROM migration WHERE number = 6")


def test_other_implementation(d, bench):
    """The tags and codes are those of the specification: bound again by the other implementation, the store holds; with
    another key it does not."""
    binding = Binding(d.home)

    def again(db):
        db.execute("UPDATE office SET added_s = added_s + 1")
        binding.bind(db)
    code, text = bench.check(again)
    assert code == 0, text
    binding.tables = bytes(32)
    code, text = bench.check(again)
    assert code == 78 and "right master key" in text, text
    binding = Binding(d.home)
    binding.rows = bytes(32)
    code, text = bench.check(again)
    assert code == 78 and "it was changed" in text, text


def test_while_it_runs(d):
    p = run([os.path.join(BIN, "cellveild"), "--config", d.conf, "--check"], want=74)
    assert "another vault" in p.stderr, p.stderr
    run([os.path.join(BIN, "cellveild"), "--config", d.conf, "--check", "--bind-rows"], want=64)


def fill(d):
    """Something in every table; answers an older store, from before an office was disabled."""
    anna, bo = (d.reader(name, "auditor") for name in ("anna", "bo"))
    for period, more in (("2023", 0), ("2024", 7)):
        release(d, period, more)
        anna.run("audit", "cosign")
        bo.run("audit", "cosign")
    test_while_it_runs(d)
    d.vault.stop()
    old = os.path.join(d.folder, "older")
    shutil.copy(os.path.join(d.state, "vault/store"), old)
    d.vault.start()
    d.ctl("office", "disable", "harbour")
    d.add_config(CONFIG.replace("publish: P0D", "publish: P1D"))
    d.vault.stop()
    return old


def main():
    with Deployment(config=CONFIG.replace("late: hold", "late: hold\n  witnesses: 2"), offices=list(COUNTS)) as d:
        old = fill(d)
        benches, n = walk(d)
        bench, (flipped, pages) = benches[0], test_bytes(benches)
        test_old_rows(bench, old)
        test_schema(bench)
        test_other_implementation(d, bench)
        test_unbound(bench, older_program)
        d.vault.start()
    print("ok: %d changes of rows found, and %d of bytes in %d pages" % (n, flipped, pages))


if __name__ == "__main__":
    main()
