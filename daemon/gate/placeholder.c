/* placeholder until the folder has code */
extern int gate_placeholder;
int gate_placeholder;
