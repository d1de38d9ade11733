"""Odd workbooks, as people make them of the form: what says the same gives the same figures, and what cannot be told is a
finding in its cell. Written by openpyxl, and once more by LibreOffice as ODS."""
import datetime
import json
import os
import shutil
import subprocess
import tempfile

import openpyxl
from openpyxl.comments import Comment

from harness import BIN, data, environment, preset
from test_client_libreoffice import SAVED, saved_again, start_profile, told

BOOK = data("forms/po-redovisning-2024-exempel.xlsx")
CELLS = {"women": "B35", "men": "C35", "young": "B36", "posts": "B19"}  # as the example has them


def sheet_of(book):
    return book.active


def put(cell, value):
    return lambda book: sheet_of(book).__setitem__(cell, value)


def second_sheet(book):
    book.create_sheet("Läs mig", 0)["A1"] = "Så här fyller du i blanketten"
    book["Läs mig"]["A2"] = "2. Klienter"
    book.active = 1


def hidden_first(book):
    book.create_sheet("Lista", 0)["A1"] = "Val"
    book["Lista"].sheet_state = "hidden"
    book.active = 1


def two_forms(book):
    book.copy_worksheet(sheet_of(book)).title = "Förra året"


def two_forms_one_hidden(book):
    two_forms(book)
    book["Förra året"].sheet_state = "hidden"


def columns_before(book):
    sheet_of(book).insert_cols(1, 2)


def column_between(book):
    sheet_of(book).insert_cols(2)


def rows_between(book):
    sheet_of(book).insert_rows(34, 3)
    sheet_of(book).insert_rows(1)


def merged_headings(book):
    """Women over B and C, men over D and E, the figures in the right one of the two."""
    sheet = sheet_of(book)
    sheet.insert_cols(3)
    sheet.insert_cols(5)
    for row in sheet.iter_rows(min_row=30, max_row=55):
        n = row[0].row
        if row[1].value in ("Kvinnor",) and row[3].value == "Män":
            sheet.merge_cells("B%d:C%d" % (n, n))
            sheet.merge_cells("D%d:E%d" % (n, n))
        elif isinstance(row[1].value, (int, float)) and isinstance(row[3].value, (int, float)):
            row[2].value, row[1].value = row[1].value, None
            row[4].value, row[3].value = row[3].value, None
    assert len(sheet.merged_cells.ranges) >= 2


def texts_for_numbers(book):
    for row in sheet_of(book).iter_rows(min_row=35, max_row=50):
        for cell in row[1:]:
            if isinstance(cell.value, (int, float)):
                cell.value = " %d\u00a0" % cell.value


def worn_labels(book):
    sheet = sheet_of(book)
    sheet["A35"] = "  totalt  antal\nklienter "
    sheet["A36"] = "DÄRAV mellan 18\u00a0och 29 år:"
    sheet["B35"].comment = Comment("77 enligt Anna", "Anna")


def formula(book):
    sheet_of(book)["B35"] = "=SUM(B36:B39)"


def ticks(book):
    for row in sheet_of(book).iter_rows(min_row=20, max_row=30):
        for cell in row[1:]:
            if cell.value in ("x", "X"):
                cell.value = True


def number_format(book):
    for row in sheet_of(book).iter_rows(min_row=34, max_row=50):
        for cell in row[1:]:
            cell.number_format = '# ##0 "personer"'


def many_sheets(book):
    for n in range(12):
        book.create_sheet("Blad%d" % n, 0)
    book.active = 12


def percent(cell, value):
    def change_cell(book):
        sheet_of(book)[cell] = value
        sheet_of(book)[cell].number_format = "0%"
    return change_cell


# name, change, what is found: [] the same figures and not a word, else [(code, cell in the XLSX)]; None: anything that
# is not an error, and the same figures
ODD = [
    ("second-sheet", second_sheet, []),
    ("hidden-first", hidden_first, []),
    ("two-forms", two_forms, [("several-sheets", "")]),
    ("two-forms-one-hidden", two_forms_one_hidden, []),
    ("columns-before", columns_before, []),
    ("column-between", column_between, []),
    ("rows-between", rows_between, []),
    ("merged-headings", merged_headings, []),
    ("texts-for-numbers", texts_for_numbers, []),
    ("worn-labels", worn_labels, []),
    ("number-format", number_format, []),
    ("ticks", ticks, []),
    ("remark", put("F35", "stämmer med registret"), [("remark", "F35")]),
    ("note-above", lambda book: sheet_of(book).insert_rows(1) or put("A1", "Ifylld av oss")(book), [("remark", "A1")]),
    ("note-below", put("A140", "Obs! 2 svar kom sent"), [("remark", "A140")]),
    ("number-below", put("A140", "12"), [("unknown-row", "A140")]),
    ("many-sheets", many_sheets, []),
    ("percent", percent("B36", 6.0), [("text", "B36")]),
    ("percent-posts", percent("B19", 2.5), [("text", "B19")]),
    ("stray", put("F35", 12), [("column-unknown", "F35")]),
    ("stray-tick", put("F35", "x"), [("column-unknown", "F35")]),
    ("float", put("B35", 48.0), []),
    ("half", put("B35", 48.5), [("decimal", "B35")]),
    ("letters", put("B35", "fyrtioåtta"), [("text", "B35")]),
    ("letter-o", put("C36", "O"), [("text", "C36")]),
    ("negative", put("C35", -41), [("negative", "C35")]),
    ("thousands", put("B35", "1.234"), [("decimal", "B35")]),
    ("american", put("B35", "1,234.00"), [("text", "B35")]),
    ("apostrophe", put("B35", "1'234"), [("text", "B35")]),
    ("other-digits", put("B35", "\u0664\u0668"), [("text", "B35")]),
    ("date", put("B36", datetime.date(2024, 1, 6)), [("date", "B36")]),
    ("error", put("B36", "#REF!"), [("text", "B36")]),
    ("dash", put("C68", "\u2013"), [("dash", "C68")]),
    ("huge", put("C35", 10 ** 20), [("too-large", "C35")]),
]
IN_ODS = {"error": [("formula", "B36")]}  # there an error is what a formula came to


def change(folder, name, how):
    path = os.path.join(folder, name + ".xlsx")
    book = openpyxl.load_workbook(BOOK)
    how(book)
    book.save(path)
    return path


def test_other_kinds(folder):
    """What cannot be read is told by its kind, whatever it is called."""
    def save(filters, extension):
        saved_again(folder, [BOOK], (extension, filters, extension))
        return os.path.join(folder, extension, os.path.basename(BOOK).replace("xlsx", extension))
    pdf = os.path.join(folder, "form.pdf")
    with open(pdf, "wb") as f:
        f.write(b"%PDF-1.7\n")
    for path, words in ((save("xls:MS Excel 97", "xls"), "xls"), (save("html:HTML (StarCalc)", "html"), "web page"),
                        (pdf, "PDF")):
        named = shutil.copy(path, os.path.join(folder, "form-2024.xls"))
        findings, figures = told(folder, named)
        assert [f["code"] for f in findings] == ["structure"] and words in findings[0]["en"], findings
        assert "xlsx" in findings[0]["advice_en"] and not figures


def test_names(folder):
    """A form's name on disk and what stands in it for headings: no JSON is broken, no terminal steered by them."""
    with open(data("forms/po-redovisning-2024-exempel.csv"), "rb") as f:
        text = f.read().replace(b";Kvinnor;", b";Kvinnor \x1b]0\x07\xc2\x9b31m;", 1)
    path = os.path.join(os.fsencode(folder), b"bl\xe5 \x1b[31m-2024.csv")
    with open(path, "wb") as f:
        f.write(text)
    command = [os.path.join(BIN, "cellveil"), "check", "--config", os.path.join(folder, "2024.yaml"), path]
    told_json = json.loads(subprocess.run(command + ["--json"], stdout=subprocess.PIPE, check=False).stdout)
    assert told_json["file"].endswith("bl\ufffd \x1b[31m-2024.csv"), told_json["file"]
    p = subprocess.run(command, stderr=subprocess.PIPE, env=environment(), check=False)
    assert p.returncode == 3 and "bl\ufffd ?[31m" in p.stderr.decode("utf-8"), p.stderr
    assert not any(c in p.stderr.decode("utf-8") for c in "\x1b\x07\x9b"), p.stderr


def judge(folder, path, want, figures):
    findings, got = told(folder, path)
    found = [(f["code"], f["cell"]) for f in findings]
    if want is None:
        assert not any(f["severity"] == "error" for f in findings), (path, findings)
    else:
        assert found == want, (path, found, want)
    if all(code == "remark" for code, _ in want or []):
        assert got == figures, (path, {c: (v, got.get(c)) for c, v in figures.items() if got.get(c) != v})


def main():
    folder = tempfile.mkdtemp(prefix="cv-")
    try:
        with open(os.path.join(folder, "2024.yaml"), "w", encoding="utf-8") as f:
            f.write(preset("2024"))
        none, figures = told(folder, BOOK)
        assert none == [] and len(figures) == 79
        paths = [change(folder, name, how) for name, how, _ in ODD]
        for path, (name, how, want) in zip(paths, ODD):
            judge(folder, path, want, figures)
        empty = change(folder, "formula", formula)  # openpyxl writes no value: it cannot be known
        judge(folder, empty, [("formula", "B35")], figures)
        start_profile(folder)
        saved_again(folder, paths + [empty], SAVED[0])
        for name, how, want in ODD:
            judge(folder, os.path.join(folder, "ods", name + ".ods"), IN_ODS.get(name, want), figures)
        findings, got = told(folder, os.path.join(folder, "ods", "formula.ods"))  # LibreOffice worked it out
        assert got == figures and [(f["code"], f["cell"], f["severity"]) for f in findings] == [("formula", "B35", "note")]
        flat = [(name, want) for name, _, want in ODD if name in ("merged-headings", "hidden-first", "half", "percent")]
        saved_again(folder, [path for path, odd in zip(paths, ODD) if odd[0] in dict(flat)], ("fods", "fods", "fods"))
        for name, want in flat:
            judge(folder, os.path.join(folder, "fods", name + ".fods"), want, figures)
        test_other_kinds(folder)
        test_names(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("ok")


if __name__ == "__main__":
    main()
