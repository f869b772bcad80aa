/** As for a laptop: few processes, little memory when idle; but what is committed is on disk. */
export function postgresSettings(port: number, fsync: boolean): string[] {
  const settings: Record<string, string | number> = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    timezone: "UTC",
    log_timezone: "UTC",
    fsync: fsync ? "on" : "off",

    shared_buffers: "64MB",
    max_wal_size: "256MB",
    huge_pages: "off",
    jit: "off",

    // Nobody replicates from a laptop: no senders, no launcher, shorter log.
    wal_level: "minimal",
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    // No I/O worker processes, and no parallel ones: the latter want more /dev/shm than containers give.
    io_method: "sync",
    max_parallel_workers_per_gather: 0,
    autovacuum_max_workers: 1,

    log_min_messages: "warning",
    log_checkpoints: "off",
    log_line_prefix: "%m [%p] ",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
