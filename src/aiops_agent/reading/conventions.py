"""What the name of a metric says it measures: a table of conventions, the most telling first.

A phrase is words of a name in a row, as `tokens` splits them; "~" before it finds it inside words
(names of JMX beans are written without breaks). Sources of the words: the naming practices of
Prometheus (prometheus.io/docs/practices/naming, /instrumenting/writing_exporters), the metric
lists of kube-state-metrics, node_exporter, cAdvisor, the documented health codes of Ceph
(docs.ceph.com/en/latest/rados/operations/health-checks), the conditions of Kubernetes objects.
"""

# limit: one table, read top down; its order is what it says.

from collections.abc import Iterable
from dataclasses import dataclass

from aiops_agent.domain.meaning import AlertClaim as Claim


@dataclass(frozen=True)
class Convention:
    """These phrases in a name mean this claim; `when` names a test of the expression, or is "".

    A phrase stands here as it does in a text of `tokens`: "_out_of_memory_". The tests are those of
    `reading/claim.py`. With `words` it counts in prose too.
    """

    claim: Claim
    phrases: tuple[str, ...]
    when: str = ""
    words: bool = True


def _row(claim: Claim, phrases: str, when: str = "", *, words: bool = True) -> Convention:
    written = (one.strip().replace(" ", "_") for one in phrases.split(","))
    found = tuple(one[1:] if one.startswith("~") else f"_{one}_" for one in written)
    return Convention(claim, found, when, words)


CONVENTIONS: tuple[Convention, ...] = (
    # Events and states with names of their own, wherever they stand in an expression.
    _row(Claim.MEMORY, "oom, oom killed, out of memory, ~outofmemory, memory pressure"),
    _row(Claim.RESTARTS, "crash loop back off, crash loop, crashlooping, recent crash"),
    _row(Claim.COST, "spend, cost, costs, billing, underutilized, under utilized"),
    # What expires.
    _row(
        Claim.CERTIFICATE,
        "cert, certs, certificate, certificates, ~certificate, not after, ocsp, license expiry, "
        "expiry days, ssl expiry, tls expiry, acme, license expire, licence expires, x 509",
    ),
    _row(Claim.CLOCK, "timex, ntp, clock, time offset, clock skew, time skew, chrony"),
    # Limits that somebody set.
    _row(
        Claim.QUOTA,
        "quota, resourcequota, quotas, ratelimit, rate limit, rate limits, rate limited, "
        "rate limiting, rate limit throttling, instance limits, nodepools limit, droplet limit, "
        "nova limits, limits backup, limits hit, series limit, allowed users, max nodes count, "
        "namespace limit, limit reached, limited, over quota, ip availabilities, ipam ips",
        "not_container",
    ),
    # Monitoring speaks of itself.
    _row(
        Claim.CONFIG,
        "config hash, config last reload, config reload, config error, config errors, "
        "bad config, runtime config, deprecated config, invalid config, misconfigured, "
        "build info, uname info, generation, deprecated, sync status, version, versions, "
        "overrides, xds rejects, conflict, duplicate entry, validation failed, "
        "alertmanager integrations, not configured, different configurations, plugins, "
        "build timestamp, build version",
        "first",
    ),
    _row(
        Claim.MONITORING,
        "scrape, scrapes, scraped, textfile, collector success, exporter last scrape, "
        "notifications, notification, rule evaluation, rule evaluations, rule group, "
        "alerts dropped, alert queue, alert sender, tsdb, remote storage, remote write, "
        "target sync, sd refresh, sd kubernetes, sd discovered, prometheus sd, target metadata, "
        "state metrics list, state metrics watch, otelcol exporter, otelcol receiver, "
        "otelcol processor, alertmanager, prometheus, spans dropped, dropped spans, "
        "samples failed, failed samples, out of order, duplicate timestamp, narrow selectors, "
        "metrics unavailability, alertmanagers discovered, last scrape error, exporter errors, "
        "exporter error, rule failures, prometheus operator, exporter decoder, collecttime, "
        "exporter enabled, reporter spans, reporter batches, jaeger sampler, jaeger throttler, "
        "hubble lost, promtail",
        "not_requests",
    ),
    # Copies of data.
    _row(
        Claim.REPLICATION,
        "replication, replicate, replicated, replset, slave, slaves, isr, in sync replica, "
        "under replicated, ~underreplicated, ~isr, ~replicamanager, ~replication, oplog, "
        "wal receiver, rbd mirror, mirror, sr ship, standby, replicator, replica imbalance, "
        "~replicaimbalance, readonly replica, ~readonlyreplica, heartbeat lag, wsrep, galera, "
        "failover, fail over, replicas max queue, replicas lost, live replicas, no replica, "
        "available replica, replicas are, seconds behind master, behind primary, hints",
        "not_kube",
    ),
    # Work that runs and ends.
    _row(
        Claim.JOB_FAILED,
        "backup, backups, backed up, cronjob, kube job, job failed, jobs failed, task failed, "
        "failed task, failed tasks, task failures, dagrun, dag, archiver, archive, builds last, "
        "last build, build tests, pipeline failed, checkpoints, checkpoint, compaction, "
        "compactions, compactor, compact, timer, restore, restores, last save, last backup, "
        "last successful, last success, last run, job summary, job status, jobs failing, "
        "runs failure, runs failed, vacuum, autovacuum, autoanalyze, vacuumed, analyzed, "
        "scrubbed, not scrubbed, deep scrubbed, snapshot, last upload, run failed, completion, "
        "execute failure, rollout stuck, sync failed, failed connector, block cleanup, "
        "~failedtasks, ~failedcheckpoints, failed syncs",
        "not_share",
    ),
    # Restarts.
    _row(
        Claim.RESTARTS,
        "restarts, restart, restarted, restarting, crash, crashes, crashed, crashing, rebooted, "
        "reboot, boot time, flapping restarts, panics, panic",
    ),
    _row(
        Claim.RESTARTS,
        "start time, uptime, up time, ~uptime, starttime, up time seconds, last reload, "
        "process start",
        "young",
        words=False,
    ),
    # Of the network and the machine, not of requests.
    _row(
        Claim.OTHER,
        "receive errs, transmit errs, network up, network receive errs, receive drop, "
        "transmit drop, network interface, interface errors, ~ifinerrors, ~ifouterrors, if in, "
        "if out, if oper, fc if, bonding, hwmon, edac, temp celsius, temperature, fan, fans, "
        "voltage, volts, chassis, sensor, battery, deadlocks, deadlock, ~deadlock, "
        "user rollbacks, rollback rate, xact rollback, cache hit, blks hit, hit ratio, hit rate, "
        "cache hits, keyspace hits, ssl compression, handshake, threats, bond, dead tup, "
        "dead tuples, general index, invalid index, mismatch cnt, hardware fans, "
        "hardware memory, hardware storage, ipmi, apcupsd, tombstone, tombstones, zombie, "
        "zombies, xid age",
        "no_disk",
    ),
    # Disks: how busy, how slow, how full.
    _row(
        Claim.SATURATION,
        "disk io, io time, io weighted, io utilization, iops, burst balance, io now, disk queue, "
        "iowait, disk write io",
    ),
    _row(
        Claim.LATENCY,
        "fsync, read time, write time, commit duration, io stall, apply latency, slow ops, "
        "slow io, ~readlatency, ~writelatency, read latency, write latency, slow ping, "
        "read seconds, write seconds",
    ),
    _row(
        Claim.DISK,
        "filesystem, filesystems, file system, disk, disks, disk space, inodes, inode, "
        "volume stats, persistentvolume, persistentvolumeclaim, persistent volume, volume, "
        "volumes, tablespace, free space, storage space, storage size, md disks, raid, smartctl, "
        "smartd, smart, zpool, zfs, drive, drives, nearfull, near full, toofull, too full, "
        "backfillfull, pool full, osd full, osd nearfull, used pool capacity, log dir, "
        "ledger dir, store usage, ~offlinelogdirectory, capacity available, capacity raw, "
        "capacity free, capacity total, free pct, capacity remaining, ~capacityremaining, "
        "~diskused, ~diskavailable, ~missingblocks, ~volumefailures, free storage, "
        "pool percent used, device free, jetstream stats storage, space left, snapshots, "
        "storage usage, db total size, bloat, device health, cinder volume, sel free",
    ),
    # What waits.
    _row(
        Claim.SATURATION,
        "rejected connections, refused connections, connections rejected, cx overflow, overflow, "
        "overflowing, max children reached, circuit breaker, circuitbreaker, circuitbreakers, "
        "circuit breakers, throttled, throttling, throttle, exhausted, rejected sessions, "
        "rejected async, insufficient resources, ~insufficientresources, over maximum",
    ),
    _row(
        Claim.SATURATION,
        "resource requests, node status allocatable, map areas, memory map, overcommit, gc, "
        "garbage, ~garbagecollector, vcpus, vcores, map pressure, placement resource, "
        "file descriptor, file descriptors",
    ),
    _row(Claim.ERRORS, "burnrate, burn rate, sli error, error budget, burn"),
    _row(
        Claim.LATENCY,
        "latency, ~latency, duration, duration seconds, durations, response time, round trip, "
        "rtt, elapsed, elap, delay, time seconds, ~processingtime, target response time, "
        "request time, wait time, queue latency, queuing latency, lag seconds sum, "
        "probe duration, icmp duration, slow, slowing, 99 quantile, 95 quantile, quantile, "
        "seconds bucket, milliseconds bucket, time ms, duration ms, completion seconds, "
        "per exec avg, time too high",
        "timed",
    ),
    _row(
        Claim.ERRORS,
        "errors, error, failed, failure, failures, failing, fail, exceptions, exception, 5 xx, "
        "5xx, 4 xx, 4xx, xx, timeout, timeouts, timed out, ~timedout, dropped, drop, drops, "
        "drop count, refused, unroutable, rejected, rejects, denied, invalid, lost, ~errors, "
        "~failures, ~failed, ~exceptions, error rate, errs, aborted, retry, retries, "
        "unavailables, terminations, terminated, timed out total, unseal errors, stuck requests, "
        "unsuccessful, ~rejected, expired message, dead letter, spans dropped, http errors, "
        "user exceptions",
    ),
    _row(
        Claim.QUEUE,
        "queue, queues, queued, queue length, queue size, queue depth, backlog, back log, lag, "
        "~lag, pending, unacked, waiting, depth, ~uncommitted, messages ready, topic depth, "
        "consumergroup, consumer lag, burrow, workqueue depth, ~queued, messages unacked, "
        "~waitingapps, oldest message, messages visible, blocked tasks, ~backlog, starving, "
        "number of messages, consumers lag, sqs",
        "queued",
    ),
    # Resources of a process or a machine.
    _row(
        Claim.MEMORY,
        "memory, mem, memstats, ~memory, heap, rss, ram, swap, swap free, evicted, eviction, "
        "evictions, resident memory, working set, pgmajfault, buffer pool, value ejects, "
        "lru nuked, sma bytes, sma g, atom used, watermark, memory percent, evictions total",
    ),
    _row(
        Claim.SATURATION,
        "cpu, ~cpu, cpus, load, load 1, load 5, load 15, utilization, utilisation, connections, "
        "~connection, connected clients, threads connected, threads running, threads, ~threads, "
        "fds, fd, filefd, open fds, open files, open os files, open databases, workers, "
        "worker threads, busy, conntrack, goroutines, running pods, sessions, session active, "
        "slots, ~slots, inflight, in flight, in use, concurrent, concurrent max, scoreboard, "
        "context switches, current sessions, horizontalpodautoscaler, max replicas, cores, "
        "~coresfree, queries concurrent, log waits, backpressured, ~backpressured, locks, "
        "locks count, stat activity, activity count, bandwidth, active connections, "
        "connection pool, thread pool, limit sessions, max connections, resource limit, "
        "capacity, ~utilization, numpg, tasks current, fd ratio, cursor open, cursors, identity, "
        "saturation, subscriptions, tcp connection, resource usage, octets, speed bytes, "
        "threadpool, too many pods",
    ),
    # Is it there, and well?
    _row(
        Claim.AVAILABILITY,
        "up, alive, healthy, unhealthy, health, status, ready, readiness, notready, leader, "
        "members, member, offline, unavailable, live, running, state, condition, replicas, "
        "misscheduled, unschedulable, scheduled, waiting reason, phase, sealed, unsealed, "
        "online, quorum, partitions, peers, down, node online, number of nodes, nodes, elected, "
        "master, primary, available, alive servers, active servers, num procs, absent, "
        "disappeared, unreachable, endpoint active, success, probe success, http status code, "
        "ring members, dead, ~deadregion, ~offline, data nodes, consumers, connected, degraded, "
        "damaged, inactive, incomplete, halted, stopped, missing, last seen, heartbeat, "
        "has leader, no leader, node state, in error state, not active, score, droplets, "
        "no endpoints, ~numregistered, ~numrunning, ~taskmanagers, unsynced, synced, instances, "
        "pg active, pg clean, isolated, not running, slot, terminating, not live, uptime, "
        "ensemble, ~activecontroller, availability, disconnected, kube pod, listener, active fs, "
        "operstatus, ~operstatus",
    ),
    # How much is asked.
    _row(
        Claim.TRAFFIC,
        "requests, request, request count, requests total, questions, queries, query total, qps, "
        "rps, messages, records, ~numrecords, documents, docs, offset, indexing, bytes sent, "
        "network send, network receive, transmit bytes, receive bytes, sent bytes, "
        "received bytes, throughput, uploads, samples appended, commits, xact commit, "
        "dispatches, published, traffic, calls, api calls, hits, network usage, ingested, "
        "evaluations, logins, downloads, request rate, operation, operations, tot requests, "
        "invocations, txid, commit, transactions",
    ),
)


def says(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of the phrases is in a text of `tokens`."""
    return any(one in text for one in phrases)
