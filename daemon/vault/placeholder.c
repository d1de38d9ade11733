/* placeholder until the folder has code */
extern int vault_placeholder;
int vault_placeholder;
