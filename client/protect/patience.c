#include "client/protect/patience.h"

#include <stdio.h>

static double left_of(const struct patience *p)
{
	double left = p->left(p->context);
	return left > 0.001 ? left : 0.001;
}

bool patience_over(const struct patience *p)
{
	return p != NULL && p->left != NULL && p->left(p->context) <= 0;
}

void patience_clp(const struct patience *p, Clp_Simplex *clp)
{
	if (p != NULL && p->left != NULL)
		Clp_setMaximumSeconds(clp, left_of(p));
}

void patience_cbc(const struct patience *p, Cbc_Model *cbc)
{
	char seconds[32];
	if (p == NULL || p->left == NULL)
		return;
	snprintf(seconds, sizeof seconds, "%.3f", left_of(p));
	Cbc_setParameter(cbc, "seconds", seconds);
}
