/* filekind - what a file is by its first bytes, whatever it is called. */
#ifndef CLIENT_FORM_FILEKIND_H
#define CLIENT_FORM_FILEKIND_H
#include "proto/bytes.h"

enum filekind {
	FILEKIND_TEXT,     /* none of the others: CSV in some encoding, or nothing of ours */
	FILEKIND_WORKBOOK, /* a zip archive: XLSX, ODS */
	FILEKIND_FLAT,     /* an ODS as one XML file (.fods) */
	FILEKIND_OLD,      /* .xls and other old documents */
	FILEKIND_LOCKED,   /* an XLSX with a password */
	FILEKIND_XML,      /* XML of another kind, often called .xls */
	FILEKIND_WEB,      /* HTML, often called .xls too */
	FILEKIND_PDF
};

enum filekind filekind_of(struct bytes file);

/* Why a file of this kind cannot be read, in both languages; false for those that can. */
bool filekind_trouble(enum filekind kind, const char **sv, const char **en);
#endif
