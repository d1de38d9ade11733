#include "client/form/findings.h"
#include "client/form/textcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code_text {
	const char *name;                  /* stable: programs rely on it */
	const char *advice_sv, *advice_en; /* what to do */
};

static const struct code_text texts[FINDING_CODES] = {
	[FINDING_EMPTY_FILE] = { "empty-file", "Spara formuläret på nytt och försök igen.",
	    "Save the form again and retry." },
	[FINDING_TOO_LARGE_FILE] = { "too-large-file", "Kontrollera att rätt fil valdes.",
	    "Check that this is the right file." },
	[FINDING_ENCODING] = { "encoding", "Spara som CSV UTF-8, eller som xlsx eller ods.",
	    "Save as CSV UTF-8, or as xlsx or ods." },
	[FINDING_DOUBLE_ENCODED] = { "double-encoded",
	    "Öppna originalet och spara det på nytt som CSV UTF-8.",
	    "Open the original and save it again as CSV UTF-8." },
	[FINDING_STRUCTURE] = { "structure",
	    "Öppna filen i kalkylprogrammet och spara den på nytt, som xlsx eller ods.",
	    "Open the file in the spreadsheet program and save it again, as xlsx or ods." },
	[FINDING_NOT_THE_FORM] = { "not-the-form", "Hämta rätt blankett med cellveil template.",
	    "Get the right form with cellveil template." },
	[FINDING_SHEETS] = { "several-sheets", "Behåll ett blad, eller dölj de andra.",
	    "Keep one sheet, or hide the others." },
	[FINDING_PERIOD_UNREADABLE] = { "period-unreadable", "Skriv året med fyra siffror.",
	    "Write the year with four digits." },
	[FINDING_PERIOD_MISSING] = { "period-missing", "Fyll i året, eller ange det med --year.",
	    "Fill in the year, or give it with --year." },
	[FINDING_PERIOD_OTHER] = { "period-other", "Välj formuläret för rätt år.",
	    "Choose the form of the right year." },
	[FINDING_OFFICE] = { "office", "Ange verksamheten, eller lämna en fil med bara dess rader.",
	    "Name the office, or give a file with its lines only." },
	[FINDING_UNKNOWN_ROW] = { "unknown-row", "Ta bort raden, eller rätta dess text till blankettens.",
	    "Remove the row, or mend its label." },
	[FINDING_ROW_TWICE] = { "row-twice", "Ta bort den ena av de två raderna.",
	    "Remove one of the two rows." },
	[FINDING_ROW_MISSING] = { "row-missing", "Sätt tillbaka raden; en tom ruta får stå tom.",
	    "Put the row back; a box without figure stays empty." },
	[FINDING_SECTION_MISSING] = { "section-missing", "Sätt tillbaka avsnittet från blanketten.",
	    "Put the section back from the form." },
	[FINDING_COLUMN_UNKNOWN] = { "column-unknown", "Flytta värdet till en kolumn som har en rubrik.",
	    "Move the value under a heading." },
	[FINDING_COLUMN_MISSING] = { "column-missing", "Sätt tillbaka rubrikraden från blanketten.",
	    "Put the heading row back." },
	[FINDING_TEXT] = { "text", "Skriv ett tal med siffror.", "Write a number in digits." },
	[FINDING_NEGATIVE] = { "negative", "Skriv ett tal som är 0 eller större.",
	    "Write 0 or a larger number." },
	[FINDING_DECIMAL] = { "decimal", "Skriv ett heltal utan punkt och komma.",
	    "Write a whole number without point or comma." },
	[FINDING_TOO_MANY_DECIMALS] = { "too-many-decimals",
	    "Avrunda till det antal decimaler som frågan anger.",
	    "Round to the number of decimals asked for." },
	[FINDING_NUMBER_TOO_LARGE] = { "too-large", "Kontrollera talet.", "Check the number." },
	[FINDING_FORMULA] = { "formula", "Ersätt formeln med dess värde.",
	    "Replace the formula by its value." },
	[FINDING_DATE] = { "date", "Formatera rutan som tal och skriv talet igen.",
	    "Format the box as a number and type the number again." },
	[FINDING_BOTH_ANSWERS] = { "both-answers", "Kryssa i ett av svaren.", "Tick one of the answers." },
	[FINDING_NOT_A_TICK] = { "not-a-tick", "Skriv x i rutan som gäller.",
	    "Put an x in the box that applies." },
	[FINDING_DASH] = { "dash", "Skriv 0 om det är noll; lämna rutan tom om uppgiften inte lämnas.",
	    "Write 0 if it is nought; leave the box empty if it is not reported." },
	[FINDING_BLANK] = { "blank", "Fyll i 0 om det är noll. Ska rutan stå tom: --blanks not-reported.",
	    "Write 0 if it is nought. If the box is meant to be open: --blanks not-reported." },
	[FINDING_BLANK_UNDER_TOTAL] = { "blank-under-total",
	    "Skriv 0 om det är noll; annars lämnas rutan som ej lämnad uppgift.",
	    "Write 0 if it is nought; otherwise the box travels as not reported." },
	[FINDING_BLANK_TOTAL] = { "blank-total", "Fyll i totalen.", "Fill in the total." },
	[FINDING_BREAKDOWN] = { "incomplete-breakdown",
	    "Fyll i raderna under totalen. Ska de stå tomma: --blanks not-reported.",
	    "Fill in the rows under the total. If they are meant to be open: --blanks not-reported." },
	[FINDING_SUM] = { "sum", "Rätta totalen eller raderna under den.",
	    "Mend the total or the rows under it." },
	[FINDING_CHECK] = { "check", "Rätta det ena av de två talen.", "Mend one of the two numbers." },
	[FINDING_SOFT_CHECK] = { "plausibility", "Kontrollera de två talen; formuläret kan ändå skickas.",
	    "Check the two numbers; the form can be sent all the same." },
	[FINDING_DECIMAL_POINT] = { "decimal-point", "Skriv decimalkomma.", "Write a decimal comma." },
	[FINDING_WRITTEN_WITH_DECIMALS] = { "written-with-decimals", "Skriv heltalet utan decimaler.",
	    "Write the whole number without decimals." },
	[FINDING_CELL_TWICE] = { "cell-twice", "Ta bort den ena av de två raderna.",
	    "Remove one of the two lines." },
	[FINDING_NOT_ASKED] = { "not-asked", "Ta bort uppgiften: den ingår inte i årets blankett.",
	    "Remove the figure: this form does not ask for it." },
	[FINDING_DATED_EARLY] = { "dated-early", "Lämna en rättelse om siffrorna ändras före årets slut.",
	    "Send a correction if the figures change before the period ends." },
	[FINDING_CONTRADICTION] = { "contradiction",
	    "Kontrollera de två svaren; formuläret kan ändå skickas.",
	    "Check the two answers; the form can be sent all the same." },
	[FINDING_FLOW] = { "flow",
	    "Kontrollera mot förra periodens formulär; var det fel, lämna en rättelse av det.",
	    "Check against last period's form; if that was wrong, send a correction of it." },
	[FINDING_OPEN_TOP] = { "open-top",
	    "Ingen lämnar den åldersgruppen annat än genom att avslutas: saknas någon?",
	    "Nobody leaves that age group but by ending: is somebody missing?" },
	[FINDING_PATTERN] = { "pattern", "Kontrollera att bara de som frågan gäller räknats.",
	    "Check that only those were counted whom the question is about." },
	[FINDING_RATIO] = { "ratio", "Kontrollera de två talen; formuläret kan ändå skickas.",
	    "Check the two numbers; the form can be sent all the same." },
	[FINDING_REMARK] = { "remark", "Inget behöver göras: texten stannar på den här datorn.",
	    "Nothing to do: the text stays on this computer." },
	[FINDING_CHANGE] = { "change", "Kontrollera talet; formuläret kan ändå skickas.",
	    "Check the number; the form can be sent all the same." },
};

void findings_init(struct findings *f, const char *path)
{
	*f = (struct findings){ .at = NULL };
	snprintf(f->path, sizeof f->path, "%s", path);
}

void findings_free(struct findings *f)
{
	free(f->at);
	*f = (struct findings){ .at = NULL };
}

/* Place of the first finding on a later line: arrivals of one line keep their order. */
static uint32_t place_for(const struct findings *f, uint32_t line)
{
	uint32_t i = f->n;
	while (i > 0 && f->at[i - 1].line > line)
		i--;
	return i;
}

void findings_add(struct findings *f, const struct finding *finding)
{
	if (f->n == LIMIT_FINDINGS) {
		f->cut = true;
		return;
	}
	if (f->n == f->room) {
		uint32_t room = f->room == 0 ? 16 : 2 * f->room;
		struct finding *at = realloc(f->at, room * sizeof *at);
		if (at == NULL) {
			f->failed = true;
			return;
		}
		f->at = at;
		f->room = room;
	}
	uint32_t i = place_for(f, finding->line);
	memmove(&f->at[i + 1], &f->at[i], (f->n - i) * sizeof *f->at);
	f->at[i] = *finding;
	f->at[i].advice_sv = texts[finding->code].advice_sv;
	f->at[i].advice_en = texts[finding->code].advice_en;
	f->n++;
}

enum severity findings_worst(const struct findings *f)
{
	enum severity worst = f->failed || f->cut ? SEVERITY_ERROR : SEVERITY_NOTE;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->at[i].severity > worst)
			worst = f->at[i].severity;
	return worst;
}

uint32_t findings_count(const struct findings *f, enum severity severity)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->n; i++)
		n += f->at[i].severity == severity;
	return n;
}

bool findings_open(const struct findings *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->at[i].open)
			return true;
	return false;
}

/* Text of the office's file or disk: nothing in it moves a terminal's cursor, and what is no UTF-8 is shown so. */
static void put_clean(struct buf *out, const char *text)
{
	bool broken = !textcode_is_utf8(bytes_text(text));
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool high = c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0;
		if (broken && c >= 0x80) {
			buf_put_text(out, "\xef\xbf\xbd");
		} else if (c < 0x20 || c == 0x7f || high) {
			buf_put_byte(out, '?');
			text += high;
		} else {
			buf_put_byte(out, c);
		}
	}
}

static void print_one(const struct findings *f, const struct finding *at, struct buf *out, bool sv)
{
	static const char *const words_sv[] = { "ANMÄRKNING", "VARNING", "FEL" };
	static const char *const words_en[] = { "note", "warning", "error" };
	put_clean(out, f->path);
	if (at->cell[0] != '\0')
		buf_printf(out, ":%s", at->cell);
	else if (at->line > 0)
		buf_printf(out, ":%u", at->line);
	buf_put_text(out, ": ");
	put_clean(out, at->column);
	buf_put_text(out, at->column[0] != '\0' ? ": " : "");
	buf_printf(
	    out, "%s %s\n", sv ? words_sv[at->severity] : words_en[at->severity], sv ? at->sv : at->en);
	if (at->field[0] != '\0')
		buf_printf(out, "    %s\n", at->field);
	buf_printf(out, "    %s [%s]\n", sv ? at->advice_sv : at->advice_en, texts[at->code].name);
}

void findings_print(const struct findings *f, struct buf *out, enum language language)
{
	bool sv = language == LANGUAGE_SV;
	for (uint32_t i = 0; i < f->n; i++)
		print_one(f, &f->at[i], out, sv);
	if (f->cut)
		buf_printf(out,
		    sv ? "%s: fler än %u anmärkningar; resten visas inte\n"
		       : "%s: more than %u findings; the rest are not shown\n",
		    f->path, LIMIT_FINDINGS);
}

static void json_text(struct buf *out, const char *name, const char *text, const char *after)
{
	bool broken = !textcode_is_utf8(bytes_text(text)); /* a file's name in another encoding */
	buf_printf(out, "\"%s\":\"", name);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			buf_put_byte(out, '\\');
		if (broken && c >= 0x80)
			buf_put_text(out, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\u%04x", c);
		else
			buf_put_byte(out, c);
	}
	buf_printf(out, "\"%s", after);
}

void findings_json(const struct findings *f, struct buf *out)
{
	static const char *const words[] = { "note", "warning", "error" };
	buf_put_text(out, "{");
	json_text(out, "file", f->path, ",");
	buf_printf(out, "\"errors\":%u,\"warnings\":%u,\"notes\":%u,\"cut\":%s,\"findings\":[",
	    findings_count(f, SEVERITY_ERROR), findings_count(f, SEVERITY_WARNING),
	    findings_count(f, SEVERITY_NOTE), f->cut ? "true" : "false");
	for (uint32_t i = 0; i < f->n; i++) {
		const struct finding *at = &f->at[i];
		buf_printf(out, "%s{\"line\":%u,", i == 0 ? "" : ",", at->line);
		json_text(out, "cell", at->cell, ",");
		json_text(out, "column", at->column, ",");
		json_text(out, "field", at->field, ",");
		json_text(out, "code", texts[at->code].name, ",");
		json_text(out, "severity", words[at->severity], ",");
		buf_printf(out, "\"open\":%s,", at->open ? "true" : "false");
		json_text(out, "sv", at->sv, ",");
		json_text(out, "en", at->en, ",");
		json_text(out, "advice_sv", at->advice_sv, ",");
		json_text(out, "advice_en", at->advice_en, "}");
	}
	buf_put_text(out, "]}\n");
}
