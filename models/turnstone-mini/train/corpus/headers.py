"""What stands before a message: time stamp, host, program, level, thread, in many styles.

A header says nothing about the label beyond the level, which real programs choose badly;
so a message is also seen without any header and, sometimes, with the wrong level.
"""

import json

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_LONG = {"d": "DEBUG", "i": "INFO", "n": "NOTICE", "w": "WARN", "e": "ERROR", "c": "CRITICAL", "-": "INFO"}
_FATAL = {**_LONG, "c": "FATAL", "n": "INFO", "w": "WARNING"}
_SHORT = {"d": "debug", "i": "info", "n": "info", "w": "warn", "e": "error", "c": "fatal", "-": "info"}
_KLOG = {"d": "I", "i": "I", "n": "I", "w": "W", "e": "E", "c": "F", "-": "I"}


class Clock:
    """Draws a moment and writes it in the styles of real programs."""

    def __init__(self, rng):
        r = rng.randrange
        self.year, self.month, self.day = 2004 + r(24), 1 + r(12), 1 + r(28)
        self.time = f"{r(24):02}:{r(60):02}:{r(60):02}"
        self.millis, self.micros, self.weekday = r(1000), r(1_000_000), _DAYS[r(7)]

    @property
    def date(self):
        return f"{self.year}-{self.month:02}-{self.day:02}"

    @property
    def syslog(self):
        return f"{_MONTHS[self.month - 1]} {self.day:2} {self.time}"

    @property
    def epoch(self):
        return f"{1_100_000_000 + self.year * 30_000_000 % 600_000_000 + self.micros}"


def _thread(rng):
    return rng.choice(["main", "http-nio-8080-exec-3", f"pool-{rng.randrange(9)}-thread-{rng.randrange(20)}", f"Thread-{rng.randrange(40)}", "scheduler-1", "worker-7", "IPC Server handler 2 on 9000"])


def _logger(rng, name):
    return rng.choice([f"{name}.core", f"org.acme.{name}.Main", f"{name}", f"com.example.{name}.Worker", f"o.a.{name}.Server"])


def _syslog(rng, name, level, clock, host):
    tag = name if rng.random() < 0.3 else f"{name}[{rng.randrange(200, 40000)}]"
    return f"{clock.syslog} {host} {tag}: ", ""


def _syslog5424(rng, name, level, clock, host):
    return f"<{rng.randrange(8, 190)}>1 {clock.date}T{clock.time}.{clock.micros:06}Z {host} {name} {rng.randrange(9999)} - - ", ""


def _isolog(rng, name, level, clock, host):
    zone = rng.choice(["Z", "+00:00", "+02:00", ""])
    return f"{clock.date}T{clock.time}.{clock.millis:03}{zone} {host} {name}[{rng.randrange(9999)}]: ", ""


def _log4j(rng, name, level, clock, host):
    lv, thread, logger = _FATAL[level], _thread(rng), _logger(rng, name)
    return rng.choice([
        f"{clock.date} {clock.time},{clock.millis:03} {lv} [{thread}] {logger}: ",
        f"{clock.date} {clock.time},{clock.millis:03} - {lv}  [{thread}:{logger}@{rng.randrange(900)}] - ",
        f"{clock.date} {clock.time}.{clock.millis:03} {lv:5} {rng.randrange(9999)} --- [{thread:>15}] {logger} : ",
        f"{clock.year % 100:02}/{clock.month:02}/{clock.day:02} {clock.time} {lv} {logger}: ",
        f"[{clock.date}T{clock.time},{clock.millis:03}][{lv:5}][{logger}] [{host}] ",
        f"{clock.year % 100:02}{clock.month:02}{clock.day:02} {clock.time.replace(':', '')} {rng.randrange(999)} {lv} {logger}: ",
    ]), ""


def _python(rng, name, level, clock, host):
    lv = _FATAL[level].replace("FATAL", "CRITICAL")
    return rng.choice([
        f"{clock.date} {clock.time},{clock.millis:03} {lv} {name}: ",
        f"{clock.date} {clock.time},{clock.millis:03} - {name} - {lv} - ",
        f"[{clock.date} {clock.time} +0000] [{rng.randrange(9999)}] [{lv}] ",
        f"{lv}:{name}:",
        f"{lv}:     ",
        f"[{clock.date} {clock.time},{clock.millis:03}: {lv}/MainProcess] ",
        f"{clock.date} {clock.time}.{clock.millis:03} {rng.randrange(9999)} {lv} {name}.manager [-] ",
        f"{clock.date} {clock.time}.{clock.millis:03} {rng.randrange(9999)} {lv} {name}.api [req-{rng.randrange(16**8):08x} - - -] ",
    ]), ""


def _plain(rng, name, level, clock, host):
    lv = rng.choice([_LONG, _SHORT, _FATAL])[level]
    return rng.choice([
        f"{clock.date} {clock.time} [{lv}] ",
        f"[{clock.date}T{clock.time}Z] {lv}: ",
        f"{clock.date}T{clock.time}+0000 {lv}: ",
        f"{clock.year}/{clock.month:02}/{clock.day:02} {clock.time} [{lv}] ",
        f"{clock.year}/{clock.month:02}/{clock.day:02} {clock.time} ",
        f"{clock.date} {clock.time} {lv} {name}: ",
        f"{clock.weekday} {clock.syslog} {clock.year} : {lv.capitalize()}: ",
        f"[{clock.weekday} {clock.syslog} {clock.year}] [{lv.lower()}] ",
        f"[{rng.randrange(9999)}] {clock.date} {clock.time}.{clock.millis:03} {lv} ",
        f"{clock.epoch} {lv} ",
        f"{lv}: ",
        f"{name}: ",
        f"{name}: {lv.lower()}: ",
    ]), ""


def _kernel(rng, name, level, clock, host):
    stamp = f"[{rng.randrange(90000):>5}.{clock.micros:06}] "
    return rng.choice([stamp, f"{clock.syslog} {host} kernel: {stamp}", f"{clock.syslog} {host} kernel: ", "kernel: ", ""]), ""


def _klog(rng, name, level, clock, host):
    return f"{_KLOG[level]}{clock.month:02}{clock.day:02} {clock.time}.{clock.micros:06} {rng.randrange(99999):>7} {name.replace('-', '_')}.go:{rng.randrange(900)}] ", ""


def _go(rng, name, level, clock, host):
    return f"{clock.year}/{clock.month:02}/{clock.day:02} {clock.time} ", ""


def _bracket(rng, name, level, clock, host):
    return f"[{clock.weekday} {clock.syslog}.{clock.micros:06} {clock.year}] [{name}:{_SHORT[level]}] [pid {rng.randrange(9999)}] ", ""


def _postgres(rng, name, level, clock, host):
    word = {"c": "FATAL", "e": "ERROR", "w": "WARNING"}.get(level, "LOG")
    return f"{clock.date} {clock.time}.{clock.millis:03} UTC [{rng.randrange(99999)}] {rng.choice(['', 'app@shop '])}{word}:  ", ""


def _cisco(rng, name, level, clock, host):
    return rng.choice([f"*{clock.syslog}.{clock.millis:03}: ", f"{clock.syslog} {host} {rng.randrange(9999)}: "]), ""


def _none(rng, name, level, clock, host):
    return "", ""


_TEXT = {
    "syslog": _syslog, "rfc5424": _syslog5424, "iso": _isolog, "log4j": _log4j, "python": _python, "plain": _plain,
    "kernel": _kernel, "klog": _klog, "go": _go, "bracket": _bracket, "pg": _postgres, "cisco": _cisco, "none": _none,
}


def _json(rng, name, level, clock, message):
    level_key, time_key, message_key = rng.choice(["level", "lvl", "severity"]), rng.choice(["ts", "time", "@timestamp", "timestamp"]), rng.choice(["msg", "message"])
    word = rng.choice([_SHORT, _LONG])[level]
    fields = {level_key: word, time_key: f"{clock.date}T{clock.time}.{clock.millis:03}Z"}
    if rng.random() < 0.5:
        fields[rng.choice(["logger", "caller", "component", "service"])] = rng.choice([name, f"{name}/server.go:{rng.randrange(900)}"])
    fields[message_key] = message
    if rng.random() < 0.3:
        fields[rng.choice(["trace_id", "request_id", "pid"])] = f"{rng.randrange(16**12):x}"
    return json.dumps(fields, separators=(",", ":") if rng.random() < 0.7 else (", ", ": "), ensure_ascii=False)


def _logfmt(rng, name, level, clock, message):
    quoted = '"' + message.replace('"', '\\"') + '"'
    caller = rng.choice([f"caller={name}.go:{rng.randrange(900)} ", f"component={name} ", ""])
    return f"{rng.choice(['ts', 'time', 't'])}={clock.date}T{clock.time}.{clock.millis:03}Z {caller}{rng.choice(['level', 'lvl'])}={_SHORT[level]} msg={quoted}"


def write(rng, style: str, name: str, level: str, host: str, message: str) -> str:
    """Writes one line: the message in the given style."""
    clock = Clock(rng)
    if style == "json":
        return _json(rng, name, level, clock, message)
    if style == "logfmt":
        return _logfmt(rng, name, level, clock, message)
    before, after = _TEXT[style](rng, name, level, clock, host)
    return before + message + after


STYLES = sorted(_TEXT) + ["json", "logfmt"]
