#include "client/form/workbook.h"
#include "client/form/filekind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* Unpacks one part. An absent part leaves out empty. */
static bool read_part(zip_t *zip, const char *name, struct buf *out, struct err *e)
{
	uint8_t part[16384];
	zip_int64_t n = 0;
	out->max = WORKBOOK_PART_BYTES;
	zip_int64_t place = zip_name_locate(zip, name, ZIP_FL_NOCASE);
	if (place < 0)
		return true;
	zip_file_t *f = zip_fopen_index(zip, (zip_uint64_t)place, 0);
	if (f == NULL)
		return err_set(e, ERR_MALFORMED, "a part of the workbook cannot be unpacked");
	for (n = zip_fread(f, part, sizeof part); n > 0 && !out->failed; n = zip_fread(f, part, sizeof part))
		buf_put(out, part, (size_t)n);
	zip_fclose(f);
	if (n < 0)
		return err_set(e, ERR_MALFORMED, "a part of the workbook cannot be unpacked");
	if (out->failed)
		return err_set(
		    e, ERR_LIMIT, "a part of the workbook is larger than %u bytes", WORKBOOK_PART_BYTES);
	return true;
}

static bool read_xlsx(zip_t *zip, unsigned n, struct sheet *out, struct err *e)
{
	struct buf workbook = { 0 };
	struct buf relations = { 0 };
	struct buf strings = { 0 };
	struct buf styles = { 0 };
	struct buf sheet = { 0 };
	char path[256];
	bool ok = read_part(zip, "xl/workbook.xml", &workbook, e) &&
		  read_part(zip, "xl/_rels/workbook.xml.rels", &relations, e) &&
		  xlsx_find_sheet(buf_bytes(&workbook), buf_bytes(&relations), n, path, e) &&
		  read_part(zip, "xl/sharedStrings.xml", &strings, e) &&
		  read_part(zip, "xl/styles.xml", &styles, e) && read_part(zip, path, &sheet, e) &&
		  xlsx_read(buf_bytes(&strings), buf_bytes(&styles), buf_bytes(&sheet), out, e);
	out->unpacked = workbook.size + relations.size + strings.size + styles.size + sheet.size;
	buf_free(&workbook);
	buf_free(&relations);
	buf_free(&strings);
	buf_free(&styles);
	buf_free(&sheet);
	return ok;
}

static bool read_ods(zip_t *zip, unsigned n, struct sheet *out, struct err *e)
{
	static const char locked[] = "encryption-data";
	struct buf content = { 0 };
	struct buf manifest = { 0 };
	bool ok = read_part(zip, "META-INF/manifest.xml", &manifest, e);
	if (ok && manifest.size > 0 &&
	    memmem(manifest.data, manifest.size, locked, sizeof locked - 1) != NULL)
		ok = err_set(e, ERR_CRYPTO, "the workbook has a password");
	ok = ok && read_part(zip, "content.xml", &content, e) && ods_read(buf_bytes(&content), n, out, e);
	out->unpacked = content.size + manifest.size;
	buf_free(&content);
	buf_free(&manifest);
	return ok;
}

static bool read_zip(struct bytes file, unsigned n, struct sheet *out, struct err *e)
{
	zip_error_t why;
	zip_error_init(&why);
	zip_source_t *source = zip_source_buffer_create(file.at, file.len, 0, &why);
	if (source == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	zip_t *zip = zip_open_from_source(source, ZIP_RDONLY, &why);
	zip_error_fini(&why);
	if (zip == NULL) {
		zip_source_free(source);
		return err_set(e, ERR_MALFORMED, "the workbook cannot be unpacked");
	}
	bool ok = false;
	if (zip_name_locate(zip, "xl/workbook.xml", 0) >= 0)
		ok = read_xlsx(zip, n, out, e);
	else if (zip_name_locate(zip, "content.xml", 0) >= 0)
		ok = read_ods(zip, n, out, e);
	else
		err_set(e, ERR_MALFORMED, "neither XLSX nor ODS");
	zip_discard(zip);
	return ok;
}

bool workbook_read(struct bytes file, unsigned n, struct sheet *out, struct err *e)
{
	out->is_workbook = true;
	out->unpacked = file.len;
	return filekind_of(file) == FILEKIND_FLAT ? ods_read(file, n, out, e) : read_zip(file, n, out, e);
}

/* ---- numbers ---- */

#define DIGITS_KEPT 15
#define DIGITS_MAX  40

struct decimal {
	char digit[DIGITS_MAX]; /* without leading zeros */
	int n;
	int point; /* place of the decimal point: value = 0.digits * 10^point */
	bool negative;
};

static bool read_exponent(const char *text, int *out)
{
	bool negative = *text == '-';
	int value = 0;
	text += *text == '-' || *text == '+';
	if (*text == '\0' || strlen(text) > 3)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = 10 * value + (*text - '0');
	}
	*out = negative ? -value : value;
	return true;
}

static bool read_decimal(const char *text, struct decimal *d)
{
	bool after = false;
	bool any = false;
	int exponent = 0;
	*d = (struct decimal){ .negative = *text == '-' };
	text += *text == '-';
	for (; *text != '\0' && *text != 'e' && *text != 'E'; text++) {
		if (*text == '.' && !after) {
			after = true;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		any = true;
		if (d->n == 0 && *text == '0') {
			d->point -= after;
			continue;
		}
		if (d->n < DIGITS_MAX)
			d->digit[d->n++] = *text;
		d->point += !after;
	}
	if (!any || (*text != '\0' && !read_exponent(text + 1, &exponent)))
		return false;
	d->point += exponent;
	return true;
}

/* Rounds to the digits a spreadsheet keeps, half away from zero, and drops zeros at the end. */
static void round_decimal(struct decimal *d)
{
	bool up = d->n > DIGITS_KEPT && d->digit[DIGITS_KEPT] >= '5';
	d->n = d->n > DIGITS_KEPT ? DIGITS_KEPT : d->n;
	for (int i = d->n - 1; up && i >= 0; i--) {
		up = d->digit[i] == '9';
		d->digit[i] = up ? '0' : (char)(d->digit[i] + 1);
	}
	if (up) { /* 999... became 1000... */
		d->digit[0] = '1';
		d->point++;
	}
	while (d->n > 0 && d->digit[d->n - 1] == '0')
		d->n--;
}

void workbook_plain_number(const char *text, char out[64])
{
	struct decimal d;
	size_t n = 0;
	out[0] = '\0';
	if (!read_decimal(text, &d))
		return;
	round_decimal(&d);
	if (d.point > DIGITS_MAX || d.point < -15)
		return;
	if (d.negative && d.n > 0)
		out[n++] = '-';
	if (d.n == 0 || d.point <= 0)
		out[n++] = '0';
	for (int i = 0; d.n > 0 && i < d.point; i++)
		out[n++] = i < d.n ? d.digit[i] : '0';
	if (d.n > 0 && d.n > d.point) {
		out[n++] = '.';
		for (int i = d.point; i < 0; i++)
			out[n++] = '0';
		for (int i = d.point < 0 ? 0 : d.point; i < d.n; i++)
			out[n++] = d.digit[i];
	}
	out[n] = '\0';
}

void workbook_percent(struct sheet_cell *cell, char plain[64])
{
	size_t len = strlen(plain);
	cell->kind = SHEET_TEXT;
	if (len + 1 < 64)
		memcpy(plain + len, "%", 2);
}

/* Howard Hinnant's days-to-date over eras of 400 years that begin on 1 March. */
void workbook_date(const char *plain, char out[16])
{
	unsigned long serial = strtoul(plain, NULL, 10);
	out[0] = '\0';
	if (serial < 1 || serial > 200000)
		return;
	unsigned day = (unsigned)serial + 693899; /* since 0000-03-01 */
	unsigned era = day / 146097;
	unsigned in_era = day % 146097;
	unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
	unsigned shifted = (5 * in_year + 2) / 153; /* 0: March */
	unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
	snprintf(out, 16, "%04u-%02u-%02u", year + 400 * era + (month <= 2), month,
	    in_year - (153 * shifted + 2) / 5 + 1);
}
