/* placeholder until the folder has code */
extern int proto_placeholder;
int proto_placeholder;
