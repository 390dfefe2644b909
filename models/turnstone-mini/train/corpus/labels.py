"""The seven labels, in the order of the model's classes, and the one-letter codes of the grammar."""

LABELS = [
    "NORMAL",
    "SECURITY_ANOMALY",
    "SYSTEM_FAILURE",
    "PERFORMANCE_ISSUE",
    "NETWORK_ANOMALY",
    "CONFIG_ERROR",
    "HARDWARE_ISSUE",
]

# S security, F failure, P performance, T transport (network), C configuration, H hardware.
CODES = dict(zip("NSFPTCH", LABELS))
