/** What an event or a job may have; NATS itself takes 1 MiB with the headers. */
export const mostBytes = 512 * 1024;
