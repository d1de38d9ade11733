"""The binding of the store's rows, written from docs/protocol.md "Storage": what a test needs to change a store as its vault
would, or to show that nobody else can."""
import base64
import hashlib
import os
import re
import struct


class Binding:
    def __init__(self, home):
        with open(os.path.join(home, "keys/master"), encoding="ascii") as f:
            master = base64.b64decode(re.search(r"cellveil-secret-master:(\S+)", f.read()).group(1))
        self.rows, self.tables = (
            hashlib.blake2b(b"", digest_size=32, key=master, salt=struct.pack("<QQ", n, 0),
                            person=b"CVrows__".ljust(16, b"\0")).digest() for n in (1, 2))

    def digest(self, table, row):
        """The 32 bytes that join the sum, and the tag."""
        text = table.encode() + b"\0"
        for value in row:
            if value is None:
                text += b"n"
            elif isinstance(value, int):
                text += b"i" + struct.pack("<q", value)
            else:
                data = value.encode() if isinstance(value, str) else bytes(value)
                text += (b"t" if isinstance(value, str) else b"b") + struct.pack("<Q", len(data)) + data
        out = hashlib.blake2b(text, digest_size=40, key=self.rows).digest()
        return int.from_bytes(out[:32], "little"), out[32:]

    def code(self, data):
        return hashlib.blake2b(data, digest_size=32, key=self.tables).digest()

    @staticmethod
    def all_tables(db):
        return [n for (n,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]

    def bind(self, db):
        """Writes tags and entries anew, for the rows as they are; the caller commits."""
        db.execute("DELETE FROM tag")
        db.execute("DELETE FROM bound")
        whole = b"\0store\0"
        for table in self.all_tables(db):
            if table in ("tag", "bound"):
                continue
            total, rows = 0, db.execute('SELECT * FROM "%s"' % table).fetchall()
            names = [row_name(db, table, row) for row in rows]
            for name, row in zip(names, rows):
                number, tag = self.digest(table, row)
                total = (total + number) % 2**256
                db.execute("INSERT INTO tag VALUES(?, ?, ?)", (table, name, tag))
            code = self.code(table.encode() + b"\0" + struct.pack("<Q", len(rows)) + total.to_bytes(32, "little"))
            whole += code if rows else b""
            db.execute("INSERT INTO bound VALUES(?, ?, ?)", (table, len(rows), code))
        db.execute("INSERT INTO bound VALUES('/store', 0, ?)", (self.code(whole),))
        db.execute("INSERT INTO bound VALUES('/key', 0, ?)", (self.code(b"\0key\0"),))


def columns(db, table):
    """(name, declared type, whether it is of the primary key) of each."""
    return [(c[1], c[2], c[5] > 0) for c in db.execute('PRAGMA table_info("%s")' % table)]


def row_name(db, table, row):
    """As in column `row` of table tag."""
    parts, office = [], ""
    for (name, _, key), value in zip(columns(db, table), row):
        if not key:
            continue
        if name == "office" or table == "office":
            office = " of " + value
        else:
            parts.append(value.hex() if isinstance(value, bytes) else str(value))
    return "/".join(parts) + office


def row_told(db, table, row):
    """The same in a message, where an office's name does not stand."""
    name = row_name(db, table, row)
    if not name.startswith(" of "):
        return name.split(" of ")[0]
    (place,) = db.execute("SELECT count(*) FROM tag WHERE tbl = ? AND row <= ?", (table, name)).fetchone()
    return "%d by name" % place
