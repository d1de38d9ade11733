"""Odd workbooks, as people make them of the form: what says the same gives the same figures, and what cannot be told is a
finding in its cell. Written by openpyxl, and once more by LibreOffice as ODS."""
import datetime
import os
import shutil
import tempfile

import openpyxl
from openpyxl.comments import Comment

from harness import data, preset
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


def judge(folder, path, want, figures):
    findings, got = told(folder, path)
    found = [(f["code"], f["cell"]) for f in findings]
    if want is None:
        assert not any(f["severity"] == "error" for f in findings), (path, findings)
    else:
        assert found == want, (path, found, want)
    if not want or want[0][0] == "remark":
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
        saved_again(folder, [BOOK], ("xls", "xls:MS Excel 97", "xls"))
        findings, _ = told(folder, os.path.join(folder, "xls", os.path.basename(BOOK).replace("xlsx", "xls")))
        assert [f["code"] for f in findings] == ["structure"] and "xls" in findings[0]["en"], findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("ok")


if __name__ == "__main__":
    main()
