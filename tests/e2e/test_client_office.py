"""An office's year: the empty form as XLSX, ODS and CSV, filled in, checked, previewed, pushed; a new form version
that is a YAML file and nothing else; and nothing but figures leaves the machine.

The workbooks are filled in by other people's libraries (openpyxl, odfpy), not by ours."""
import csv
import io
import json
import os
import re
import shutil

import openpyxl
import yaml
from odf import opendocument
from odf.table import Table, TableCell, TableRow
from odf.text import P

from harness import Deployment, data, environment, preset, run

EXAMPLE = data("forms/po-redovisning-2024-exempel.csv")
MARK = "QZ7MARK"  # with a number behind it, in every field of free text, every name, telephone and address
NUMBERED = re.compile(r"^\d+[.,]?\d*$")


def words(label):
    label = re.sub(r"^\d+\.\s*|under 2024", "", label.strip().lower())
    return re.sub(r"[^a-zåäö0-9]", "", re.sub(r"\([^)]*\)", "", label))


def example_rows():
    with open(EXAMPLE, encoding="utf-8-sig") as f:
        return [row for row in csv.reader(f, delimiter=";")]


def text_labels(config):
    """Labels of the layout behind which an office writes what it likes."""
    found = set()

    def walk(row):
        if "text" in row:
            found.update(words(t) for t in (row["text"] if isinstance(row["text"], list) else [row["text"]]))
        for below in row.get("rows", []):
            walk(below)
    for section in yaml.safe_load(config)["layout"]["sections"]:
        for row in section["rows"]:
            walk(row)
    return found


def answers(template, config, more=()):
    """{(row, column): value} for the template's empty boxes: the example's figures by label and order, and a mark
    beside every text. more: {label: [values]} for rows that the example lacks."""
    example, used, out, marks = example_rows(), 0, {}, 0
    texts, more = text_labels(config), dict(more)
    for r, row in enumerate(template):
        label = words(row[0]) if row else ""
        if label in more:
            for c, value in enumerate(more.pop(label)):
                out[r, c + 1] = value
            continue
        at = next((i for i in range(used, len(example)) if example[i] and label and words(example[i][0]) == label), None)
        if at is not None:
            used = at + 1
            for c, value in enumerate(example[at][1:], 1):
                if value.strip() and not (c < len(row) and row[c]):
                    out[r, c] = value.strip()
        if label in texts and not any((r, c) in out for c in range(1, 4)):
            out[r, 1] = "%s%03d anna.exempel@example.org 08-123 45 67" % (MARK, marks)
            marks += 1
    assert not more, more
    assert marks > 20, marks
    return out


def fill_csv(path, config, more=()):
    with open(path, encoding="utf-8-sig") as f:
        rows = list(csv.reader(f, delimiter=";"))
    for (r, c), value in answers(rows, config, more).items():
        rows[r] += [""] * (c + 1 - len(rows[r]))
        rows[r][c] = value
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    with open(path, "w", encoding="utf-8-sig", newline="") as f:
        f.write(text.getvalue())


def typed(value):
    """A number where a person would have typed one."""
    return float(value.replace(",", ".")) if NUMBERED.match(value) else value


def fill_xlsx(path, config):
    book = openpyxl.load_workbook(path)
    sheet = book.active
    rows = [["" if c is None else str(c) for c in row] for row in sheet.iter_rows(values_only=True)]
    for (r, c), value in answers(rows, config).items():
        sheet.cell(row=r + 1, column=c + 1).value = typed(value)
    book.save(path)


def fill_ods(path, config):
    doc = opendocument.load(path)
    table = doc.getElementsByType(Table)[0]
    lines = table.getElementsByType(TableRow)
    rows = [["".join(str(p) for p in cell.getElementsByType(P)) for cell in line.getElementsByType(TableCell)]
            for line in lines]
    for (r, c), value in answers(rows, config).items():
        cell = lines[r].getElementsByType(TableCell)[c]
        if isinstance(typed(value), float):
            cell.setAttribute("valuetype", "float")
            cell.setAttribute("value", repr(typed(value)))
        else:
            cell.setAttribute("valuetype", "string")
        cell.addElement(P(text=value))
    doc.save(path)


def test_templates(d, office):
    """The same figures from all three, so the same submission: one revision, one receipt."""
    config, received = preset("2024"), []
    for format, fill in (("csv", fill_csv), ("xlsx", fill_xlsx), ("ods", fill_ods)):
        path = os.path.join(d.folder, "form." + format)
        office.run("template", "--year", "2024", "-o", path)
        empty = json.loads(office.run("check", path, "--json", want=3).stdout)
        assert {f["code"] for f in empty["findings"]} == {"blank"}, empty["findings"][:3]
        fill(path, config)
        p = office.run("check", path, "--json", want=None)
        told = json.loads(p.stdout)
        assert p.returncode == 0 and told["errors"] == 0 and told["warnings"] == 0, told["findings"][:5]
        received.append(office.push(path))
    assert received[0] == received[1] == received[2], received
    assert office.push(EXAMPLE) == received[0], "the figures are the example's"
    office.run("template", "--year", "2024", "--format", "doc", want=2)
    office.run("template", "--year", "1999", want=6)


def test_preview(d, office):
    p = office.run("preview", os.path.join(d.folder, "form.xlsx"))
    assert "▒▒▒" in p.stdout and "depends on what all offices report" in p.stdout and "Grant used" in p.stdout
    sv = office.run("preview", os.path.join(d.folder, "form.ods"), env=dict(environment(), LC_ALL="sv_SE.UTF-8"))
    assert "Vem som skulle se vad" in sv.stdout and "Kvinnor" in sv.stdout
    listed = office.run("preview", EXAMPLE, "--format", "list").stdout
    told = json.loads(office.run("preview", EXAMPLE, "--json").stdout)
    assert len(told["figures"]) > 60 and told["shown"] + told["hidden"] > 60 and not told["refused"], told
    seen = {f["cell"]: f["seen_by"] for f in told["figures"]}
    assert seen["clients|F|_T"] == "everybody" and seen["clients|F|Y18-29"] == "nobody", seen
    assert seen["grant_used_sek"] == "nobody" and listed.count("  everybody\n") == list(seen.values()).count("everybody")
    assert "\x1b" not in p.stdout + listed, "colours are for terminals"
    rows = office.run("preview", EXAMPLE, "--format", "csv").stdout.splitlines()
    assert len(rows) > 50 and any(r.endswith(",suppressed") or ",suppressed" in r for r in rows), rows[:5]
    assert len(office.outbox()) == 1, "a preview sends nothing"


def next_form():
    """The form of 2025: a changed label, a new reason, a new question. Text, no code."""
    return preset("2024", changes=[
        (r'version: "2024", valid: "2024\.\."', 'version: "2025", valid: "2025.."'),
        (r"label: Totalt antal klienter\n", "label: Antal klienter under hela året\n"),
        (r"(?m)^    - \{code: other, of: \[_T\]", "    - {code: digital, of: [_T], sv: Digitalt stöd, en: Digital "
         "support}\n    - {code: other, of: [_T]"),
        (r"healthcare_contact,other\"", 'healthcare_contact,digital,other"'),
        (r"(?m)^  - \{id: queue_yes,", "  - {id: clients_interpreter, dims: [sex], max: 100000, unit: person, about: client, "
         "within: clients,\n     sv: Klienter med tolk, en: Clients with an interpreter}\n  - {id: queue_yes,"),
        (r"(?m)^  - queue_yes$", '  - "clients_interpreter|F,M"\n  - queue_yes'),
        (r"(?m)^(        - \{figure: \"contact_reasons\|\*\|other\")", '        - {figure: "contact_reasons|*|digital", '
         'label: Digitalt utanförskap}\n\\1'),
        (r"(?m)^(    - title: Kontakt med verksamheten)", "        - {columns: sexes, label: Tolk}\n        - {figure: "
         "\"clients_interpreter|*\", label: Antal klienter som fått tolk}\n\\1"),
    ])


def test_next_year(d, office):
    """Read, checked against last year's form from the outbox, pushed, by a definition nobody compiled."""
    config = next_form()
    d.add_config(config)
    d.open_period("2025")
    path = os.path.join(d.folder, "form-2025.csv")
    office.run("template", "--year", "2025", "-o", path)
    with open(path, encoding="utf-8-sig") as f:
        text = f.read()
    assert "Antal klienter som fått tolk" in text and "Digitalt utanförskap" in text and "Totalt antal klienter" not in text
    fill_csv(path, config, {words("Antal klienter under hela året"): ["48", "41"],
                            words("Antal klienter som fått tolk"): ["7", "6"],
                            words("Digitalt utanförskap"): ["8", "9"]})
    told = json.loads(office.run("check", path, "--json", want=0).stdout)
    flows = [f for f in told["findings"] if f["code"] == "flow"]
    assert told["errors"] == 0 and len(flows) == 2, told["findings"][:5]  # 48 - 17 + 23 is not 48
    assert office.push(path)["state"] == "received"
    # last year's paper is not this year's form
    old = json.loads(office.run("check", EXAMPLE, "--json", "--year", "2025", want=3).stdout)
    assert "period-other" in {f["code"] for f in old["findings"]}
    tidy = data("seeds/exempel-2024.csv")  # by names: labels may have changed
    sums = json.loads(office.run("check", path, "--json", "--last-year", tidy, want=0).stdout)
    assert [f["line"] for f in sums["findings"] if f["code"] == "flow"] == [f["line"] for f in flows]
    office.run("check", path, "--last-year", path, want=2)


def places(folder, skip):
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and path not in skip:
                yield path


WATCHED = "trace=write,writev,pwrite64,sendto,sendmsg,sendmmsg"
SECRETS = (MARK, "anna.exempel", "08-123")


def traced(d, command, **kwargs):
    """Everything the command hands to the system to write or send; None where nobody may trace."""
    if not shutil.which("strace"):
        return None
    wire = os.path.join(d.folder, "wire.trace")
    run(["strace", "-f", "-qq", "-s", "4000000", "-o", wire, "-e", WATCHED] + command, want=None, **kwargs)
    with open(wire, "rb") as f:
        text = f.read()
    os.unlink(wire)
    return text if b"sendto" in text or b"write(" in text else None


def found_in(held):
    return [s for s in SECRETS if s.encode() in held or s.encode("utf-16-le") in held]


def leaks(d, forms):
    """Files of deployment and clients, other than the forms, that hold a mark; and how many were looked at."""
    found, n = [], 0
    for path in places(d.folder, set(forms)):
        try:
            with open(path, "rb") as f:
                found += [(path, s) for s in found_in(f.read())]
            n += 1
        except FileNotFoundError:  # daemons go on while we look
            pass
    return found, n


def test_nothing_else_leaves(d, office):
    """The marks typed beside every text of the forms are in the forms, and nowhere else."""
    forms = [os.path.join(d.folder, n) for n in ("form.csv", "form.xlsx", "form.ods", "form-2025.csv")]
    with open(forms[0], "rb") as f:
        typed_marks = f.read().count(MARK.encode())
    assert typed_marks > 20
    office.run("withdraw", "--period", "2024", "--yes", "--wait", "30")
    trace = traced(d, office.command("push", forms[0], "--yes", "--wait", "30"))
    if trace is None:
        print("strace may not trace here: calls were not watched")
    else:
        assert not found_in(trace), "a mark was written to a file, a socket or the terminal"
    found, n = leaks(d, forms)
    assert not found, found
    assert n > 30, "looked at %d files only" % n


def test_leaks_are_found(d, office):
    """The watch above sees what it watches for: a program that writes the form's text, a mark behind the figures in the
    outbox's plain payload, one in the vault's folder."""
    form = os.path.join(d.folder, "form.csv")
    trace = traced(d, ["cat", form])
    assert trace is None or MARK in found_in(trace), "a program that copies the form is not seen"
    item = next(p for p in places(d.folder, set()) if "/outbox/" in p and not p.endswith((".receipt", ".lock")))
    for path in (item, os.path.join(d.state, "planted")):
        kept = None
        if os.path.exists(path):
            with open(path, "rb") as f:
                kept = f.read()
        with open(path, "ab") as f:
            f.write((MARK + "007").encode("utf-16-le" if kept is None else "utf-8"))
        found, _ = leaks(d, [form, *(os.path.join(d.folder, n) for n in ("form.xlsx", "form.ods", "form-2025.csv"))])
        assert [p for p, _ in found] == [path], found
        if kept is None:
            os.unlink(path)
        else:
            with open(path, "wb") as f:
                f.write(kept)


def test_strange_fields(d, office):
    """A figure that the definition does not know is refused, not dropped in silence."""
    path = os.path.join(d.folder, "strange.csv")
    with open(EXAMPLE, "rb") as f:
        text = f.read()
    with open(path, "wb") as f:
        f.write(text.replace("Annan orsak".encode(), "Personnummer".encode(), 1))
    before = len(office.outbox())
    told = json.loads(office.run("check", path, "--json", want=3).stdout)
    assert "unknown-row" in {f["code"] for f in told["findings"]}, told
    office.run("push", path, "--yes", want=3)
    assert len(office.outbox()) == before


def main():
    with Deployment(offices=["efh"]) as d:
        d.open_period("2024")
        office = d.office("efh")
        test_templates(d, office)
        test_preview(d, office)
        test_next_year(d, office)
        test_nothing_else_leaves(d, office)
        test_leaks_are_found(d, office)
        test_strange_fields(d, office)
    print("ok")


if __name__ == "__main__":
    main()
