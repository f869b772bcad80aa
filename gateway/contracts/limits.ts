/** Beyond any platform of ours, and little enough to hold. */
export const mostServices = 200;
