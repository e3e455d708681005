import os
import signal

from hypothesis import HealthCheck, settings

# CI machines are slow and noisy: examples are fixed and never timed
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

# no fit of a test learns from runs that its user has added
os.environ["AUTOML_KNOWLEDGE"] = "off"

# tests send these to themselves and to children; a shell that runs things in the background has them ignored
for name in ("SIGINT", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
