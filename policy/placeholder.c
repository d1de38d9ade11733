/* placeholder until the folder has code */
extern int policy_placeholder;
int policy_placeholder;
