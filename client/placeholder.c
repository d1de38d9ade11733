/* placeholder until the folder has code */
extern int client_placeholder;
int client_placeholder;
