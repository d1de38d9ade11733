/* The empty form as an XLSX workbook, by libxlsxwriter. */
#include "client/form/template.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xlsxwriter.h>

#define LABEL_CHARACTERS 70.0
#define BOX_CHARACTERS   14.0
#define CREATED          1577836800 /* no clock: the same form is the same file */
#define PAPER_A4         9

struct book {
	lxw_workbook *workbook;
	lxw_worksheet *sheet;
	lxw_format *title, *heading, *label, *box[TEMPLATE_DATE + 1];
	lxw_row_t row;
};

static lxw_format *box_format(lxw_workbook *workbook, const char *number)
{
	lxw_format *f = workbook_add_format(workbook);
	if (f == NULL)
		return NULL;
	format_set_border(f, LXW_BORDER_THIN);
	format_set_num_format(f, number);
	return f;
}

static bool make_formats(struct book *b, struct err *e)
{
	b->title = workbook_add_format(b->workbook);
	b->heading = workbook_add_format(b->workbook);
	b->label = workbook_add_format(b->workbook);
	b->box[TEMPLATE_PERIOD] = box_format(b->workbook, "@");
	b->box[TEMPLATE_NUMBERS] = box_format(b->workbook, "0");
	b->box[TEMPLATE_DECIMALS] = box_format(b->workbook, "0.00");
	b->box[TEMPLATE_TICKS] = box_format(b->workbook, "@");
	b->box[TEMPLATE_DATE] = box_format(b->workbook, "yyyy\\-mm\\-dd");
	if (b->title == NULL || b->heading == NULL || b->label == NULL || b->box[TEMPLATE_DATE] == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	format_set_bold(b->title);
	format_set_bold(b->heading);
	format_set_text_wrap(b->heading);
	format_set_text_wrap(b->label);
	return true;
}

/* Warns (and no more) where a count is typed that is none. */
static void add_validation(struct book *b, const struct template_row *row)
{
	bool whole = row->kind == TEMPLATE_NUMBERS;
	lxw_data_validation rule = {
		.validate = whole ? LXW_VALIDATION_TYPE_INTEGER : LXW_VALIDATION_TYPE_DECIMAL,
		.criteria = LXW_VALIDATION_CRITERIA_GREATER_THAN_OR_EQUAL_TO,
		.error_type = LXW_VALIDATION_ERROR_TYPE_WARNING,
		.ignore_blank = LXW_VALIDATION_ON,
	};
	worksheet_data_validation_range(b->sheet, b->row, 1, b->row, (lxw_col_t)row->n_boxes, &rule);
}

static lxw_error put_cells(struct book *b, const struct template_row *row)
{
	lxw_error wrong = LXW_NO_ERROR;
	for (uint16_t c = 0; c < row->width && wrong == LXW_NO_ERROR; c++) {
		const char *text = template_cell(row, c);
		lxw_format *format = row->kind == TEMPLATE_HEADINGS ? b->heading
				     : c < row->n_boxes             ? b->box[row->kind]
								    : NULL;
		if (text[0] != '\0')
			wrong = worksheet_write_string(b->sheet, b->row, (lxw_col_t)(c + 1), text, format);
		else if (format != NULL)
			wrong = worksheet_write_blank(b->sheet, b->row, (lxw_col_t)(c + 1), format);
	}
	return wrong;
}

static bool put_row(void *to, const struct template_row *row, struct err *e)
{
	struct book *b = to;
	lxw_format *format = row->kind == TEMPLATE_TITLE ? b->title : b->label;
	lxw_error wrong = LXW_NO_ERROR;
	if (row->label[0] != '\0')
		wrong = worksheet_write_string(b->sheet, b->row, 0, row->label, format);
	if (wrong == LXW_NO_ERROR)
		wrong = put_cells(b, row);
	if (row->kind == TEMPLATE_NUMBERS || row->kind == TEMPLATE_DECIMALS)
		add_validation(b, row);
	b->row++;
	return wrong == LXW_NO_ERROR ||
	       err_set(e, ERR_LIMIT, "the form does not fit a workbook (row %u)", (unsigned)b->row);
}

static bool make_sheet(struct book *b, const char *name, struct err *e)
{
	lxw_doc_properties properties = { .created = CREATED };
	b->sheet = workbook_add_worksheet(b->workbook, name);
	if (b->sheet == NULL || workbook_set_properties(b->workbook, &properties) != LXW_NO_ERROR)
		return err_set(e, ERR_MEMORY, "out of memory");
	worksheet_set_column(b->sheet, 0, 0, LABEL_CHARACTERS, NULL);
	worksheet_set_column(b->sheet, 1, LXW_COL_MAX > 20 ? 20 : 1, BOX_CHARACTERS, NULL);
	worksheet_set_paper(b->sheet, PAPER_A4);
	worksheet_fit_to_pages(b->sheet, 1, 0);
	return make_formats(b, e);
}

static bool read_all(int fd, struct buf *out, struct err *e)
{
	uint8_t part[16384];
	off_t at = 0;
	ssize_t n;
	while ((n = pread(fd, part, sizeof part, at)) > 0) {
		buf_put(out, part, (size_t)n);
		at += n;
	}
	return (n == 0 && !out->failed) || err_set(e, ERR_SYSTEM, "the workbook cannot be written");
}

bool template_xlsx(const struct config *config, const char *period, struct buf *out, struct err *e)
{
	struct book b = { .row = 0 };
	char path[64];
	bool ok = false;
	int fd = memfd_create("workbook", MFD_CLOEXEC); /* the library writes files only */
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "no memory file for the workbook");
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	b.workbook = workbook_new(path);
	if (b.workbook == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto done;
	}
	ok = make_sheet(&b, config->form_id, e) && template_rows(config, period, put_row, &b, e);
	if (workbook_close(b.workbook) != LXW_NO_ERROR && ok)
		ok = err_set(e, ERR_SYSTEM, "the workbook cannot be written");
	ok = ok && read_all(fd, out, e);
done:
	close(fd);
	return ok;
}
