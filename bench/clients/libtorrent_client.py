#!/usr/bin/python3
"""A libtorrent session as a process of its own, tuned for a fast network between few hosts.

  libtorrent_client.py seed|fetch TORRENT DIRECTORY ADDRESS SETTINGS

`seed` says "ready" when it has checked the content, and serves until it is ended. `fetch` prints a JSON object
when every piece is verified and handed to the file system, and goes on serving until it is ended."""

import json
import resource
import sys
import time

import libtorrent

SECONDS_MAX = 900
HOURS_MAX = 24


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def wait_for(session, kind, is_it=lambda alert: True):
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, (libtorrent.torrent_error_alert, libtorrent.file_error_alert)):
                sys.exit(f"libtorrent: {alert.message()}")
            if isinstance(alert, kind) and is_it(alert):
                return
    sys.exit(f"libtorrent: waited {SECONDS_MAX} s in vain for {kind.__name__}")


def main():
    role, torrent, directory, address, settings = sys.argv[1:]
    session = libtorrent.session({
        **libtorrent.high_performance_seed(),
        **json.loads(settings),
        "listen_interfaces": f"{address}:6881",
        "outgoing_interfaces": address,
        "alert_mask": libtorrent.alert.category_t.error_notification
                      | libtorrent.alert.category_t.status_notification
                      | libtorrent.alert.category_t.storage_notification,
    })
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(torrent)
    parameters.save_path = directory
    parameters.flags = libtorrent.torrent_flags.update_subscribe
    started, cpu = time.monotonic(), cpu_seconds()
    handle = session.add_torrent(parameters)
    # A torrent whose content is all there is "finished" by its check.
    wait_for(session, libtorrent.torrent_finished_alert)
    if role == "seed":
        print("ready", flush=True)
        time.sleep(HOURS_MAX * 3600)
    verified = time.monotonic() - started
    handle.flush_cache()
    wait_for(session, libtorrent.cache_flushed_alert)
    print(json.dumps({
        "seconds": time.monotonic() - started,
        "verified_seconds": verified,
        "cpu_seconds": cpu_seconds() - cpu,
    }), flush=True)
    time.sleep(HOURS_MAX * 3600)


if __name__ == "__main__":
    main()
